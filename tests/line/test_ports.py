"""Ports that cannot be opened, that go away, that nobody reads."""

import grp
import os
import socket
import struct
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path

import pytest
import requires
from line.wires import LINE, Adapter, Pty, belongings, serving, wait_until

from devicelog.drivers.load import load
from devicelog.drivers.simulated.device import VirtualDevice
from devicelog.drivers.simulated.script import SCRIPTS
from devicelog.drivers.simulated.serve import TcpPort
from devicelog.errors import LineLost, PortError
from devicelog.model.flow import Identity
from devicelog.recorder.port import open_polled, open_tapped
from devicelog.wire import modbus

# pyserial names its reader thread in the old way.
rfc2217 = pytest.mark.filterwarnings("ignore:set.* is deprecated:DeprecationWarning")

OPENING = """
import ctypes, os, sys
from devicelog.drivers.profile import Line
from devicelog.errors import PortError
from devicelog.recorder.port import open_tapped
path, times, *more = sys.argv[1:]
if "nobody" in more:
    os.setgroups([]), os.setgid(65534), os.setuid(65534)
    ctypes.CDLL(None).prctl(4, 1)  # PR_SET_DUMPABLE: /proc is that user's again
for _ in range(int(times)):
    try:
        port = open_tapped(path, Line(baud=19200), dtr=False, rts=False)
    except PortError as error:
        print(error.state, error)
    else:
        print("open", flush=True)
        if "hold" in more:
            sys.stdin.read()
        port.close()
"""


def polled(address):
    return open_polled(address, LINE, dtr=False, rts=False)


def refused(address):
    with pytest.raises(PortError) as caught:
        polled(address)
    return caught.value


def child(path, *more: str, times=1):
    return subprocess.Popen(
        [sys.executable, "-c", OPENING, path, str(times), *more],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def said(path, *more: str, times=1):
    return child(path, *more, times=times).communicate()[0]


@pytest.fixture
def line():
    made = Pty()
    yield made
    made.pull()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


# --- What cannot be opened --------------------------------------------------------


def test_each_port_that_cannot_be_opened_says_what_it_is_and_what_to_do(tmp_path):
    (tmp_path / "file").write_text("")
    table = [
        (tmp_path, "unusable", "is a directory"),
        (tmp_path / "file", "unusable", "is not a serial port"),
        (tmp_path / "none", "missing", "is not there"),
        (tmp_path / "file" / "below", "missing", "is not there"),
        ("/dev/null", "unusable", "is not a serial port"),
        ("gopher://clinic:70", "unusable", "is no address"),
        (f"socket://127.0.0.1:{free_port()}", "missing", "nothing listens at"),
        (f"rfc2217://127.0.0.1:{free_port()}", "missing", "nothing listens at"),
        ("socket://no-such-machine.invalid:1", "missing", "cannot be reached"),
    ]
    for address, state, words in table:
        error = refused(str(address))

        assert (error.state, str(address) in error.message) == (state, True)
        assert words in error.message


def test_a_port_that_another_holds_names_who(line):
    holder = child(line.port, "hold")
    assert holder.stdout.readline() == "open\n"
    error = refused(line.port)
    name = Path(f"/proc/{holder.pid}/comm").read_text().strip()
    holder.communicate()

    assert error.state == "busy"
    assert error.message == f"{line.port} is held by {name} (pid {holder.pid})"
    polled(line.port).close()


def test_a_port_is_held_against_those_who_look_at_no_lock(line):
    requires.root()
    os.chown(line.port, 65534, 65534)
    port = polled(line.port)
    told = said(line.port, "nobody")
    port.close()

    assert told.startswith(f"busy {line.port} is held by another process")
    assert said(line.port, "nobody") == "open\n"


def test_a_port_closed_is_free_although_its_other_end_keeps_it(line):
    requires.root()
    os.chown(line.port, 65534, 65534)

    assert said(line.port, "nobody", times=3) == "open\nopen\nopen\n"


def test_without_permission_the_group_to_join_is_named(line):
    requires.root()
    os.chown(line.port, 0, grp.getgrnam("dialout").gr_gid)
    Path(line.port).chmod(0o660)
    shared = said(line.port, "nobody")
    Path(line.port).chmod(0o600)
    private = said(line.port, "nobody")

    assert "forbidden no permission to open" in shared
    assert "sudo usermod -aG dialout nobody" in shared
    assert "no group may use it" in private


@rfc2217
def test_an_adapter_that_speaks_no_rfc2217_is_told_from_one_that_is_off():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        number = listener.getsockname()[1]
        error = refused(f"rfc2217://127.0.0.1:{number}?timeout=0.3")

    assert error.state == "unusable"
    assert "not as RFC 2217 asks" in error.message


# --- How it is opened -------------------------------------------------------------


def test_a_thousand_openings_leave_nothing_behind(line):
    before = belongings()
    for _ in range(1000):
        polled(line.port).close()

    assert belongings() == before


def test_what_arrived_before_the_port_was_opened_is_read(line):
    os.write(line.plug, b"early")
    port = polled(line.port)

    assert port.read() == b"early"
    assert port.read() == b""
    port.close()


def test_dtr_is_low_before_the_first_byte(line, tmp_path):
    requires.tool("strace")
    trace = tmp_path / "trace"
    calls = "trace=openat,ioctl,flock,read,write"
    command = [sys.executable, "-c", OPENING, line.port, "1"]
    subprocess.run(
        ["strace", "-o", str(trace), "-P", line.port, "-e", calls, *command],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    told = [it for it in trace.read_text().splitlines() if "TCGETS" not in it]
    # A pty has no DTR and refuses; pyserial then leaves RTS, which goes the same way.
    wanted = ("openat", "LOCK_EX", "TCSETS", "TIOCMBIC, [TIOCM_DTR]", "TIOCEXCL")
    places = [next(n for n, it in enumerate(told) if words in it) for words in wanted]

    assert places == sorted(places)
    assert not any("TIOCMBIS" in it or "write(" in it for it in told)


def test_closing_a_port_does_not_drop_dtr(line):
    attributes = termios.tcgetattr(line.plug)
    attributes[2] |= termios.HUPCL
    termios.tcsetattr(line.plug, termios.TCSANOW, attributes)
    polled(line.port).close()

    assert termios.tcgetattr(line.plug)[2] & termios.HUPCL == 0


def test_a_listening_port_cannot_be_written_to(line):
    port = open_tapped(line.port, LINE, dtr=False, rts=False)
    port.close()

    assert not hasattr(port, "write")


# --- How it is lost ---------------------------------------------------------------


def local(_):
    made = Pty()
    return polled(made.port), made.pull


def closed_by_another(_):
    made = Pty()
    port = polled(made.port)
    return port, lambda: (os.close(port.fileno()), made.pull())


def remote(linger):
    listener = socket.create_server(("127.0.0.1", 0))
    port = polled(f"socket://127.0.0.1:{listener.getsockname()[1]}")
    peer, _ = listener.accept()

    def cut():
        if linger:
            peer.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
            )
        peer.close()
        listener.close()

    return port, cut


def adapted(_):
    behind = TcpPort(virtual())
    serve = serving(behind)
    serve.__enter__()
    adapter = Adapter(behind.address)

    def cut():
        adapter.end()
        serve.__exit__(None, None, None)

    return polled(adapter.address), cut


def virtual():
    profile = load("us-modbus")
    return VirtualDevice(profile, SCRIPTS["R1"].player(), Identity("SIM", "1", "1"))


@rfc2217
@pytest.mark.parametrize("way", ["read", "write"])
@pytest.mark.parametrize(
    ("made", "how"),
    [
        (local, None),
        (closed_by_another, None),
        (remote, False),
        (remote, True),
        (adapted, None),
    ],
    ids=["unplugged", "closed", "hung-up", "reset", "rfc2217"],
)
def test_every_loss_of_a_line_is_one_error(made, how, way):
    port, cut = made(how)
    assert port.read() == b""
    cut()
    with pytest.raises(LineLost) as caught:
        use(port, way)
    port.close()
    port.close()

    assert port.address in caught.value.message


def use(port, way):
    """Read or write until the loss is noticed; a socket takes a first write."""
    ask = (lambda: port.write(b"?")) if way == "write" else port.read
    until = time.monotonic() + 5
    while time.monotonic() < until:
        ask()
        threading.Event().wait(0.01)


def fill(port):
    for _ in range(100_000):
        port.write(b"12345678")


def test_a_port_that_nobody_reads_never_holds_up_who_writes(line):
    port = polled(line.port)
    began = time.monotonic()
    with pytest.raises(LineLost, match=r"takes no bytes|took \d of 8"):
        fill(port)
    port.close()

    assert time.monotonic() - began < 5


def test_a_vanished_adapter_is_noticed_by_the_kernel():
    port, cut = remote(linger=False)
    with socket.socket(fileno=os.dup(port.fileno())) as watched:
        keep = watched.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        gone_ms = watched.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
        idle_s, step_s, steps = (
            watched.getsockopt(socket.IPPROTO_TCP, option)
            for option in (
                socket.TCP_KEEPIDLE,
                socket.TCP_KEEPINTVL,
                socket.TCP_KEEPCNT,
            )
        )
    cut()
    port.close()

    assert keep == 1
    assert gone_ms <= 20_000
    assert idle_s + step_s * steps <= 20


@rfc2217
def test_an_rfc2217_adapter_carries_settings_requests_and_answers():
    behind = TcpPort(virtual())
    with serving(behind):
        adapter = Adapter(behind.address)
        port = polled(adapter.address)
        assert (adapter.serial.baudrate, adapter.serial.dtr, adapter.serial.rts) == (
            19200,
            False,
            False,
        )
        port.write(modbus.request(10, 3, 0, 20))
        heard = bytearray()
        wait_until(lambda: len(heard.__iadd__(port.read())) >= 45)
        port.close()
        adapter.end()

    (frame,) = modbus.Framer().feed(bytes(heard))
    assert frame.kind == "response"
    assert not [it for it in threading.enumerate() if "2217" in it.name]
