"""The control socket: what a client can do to the recorder is bounded."""

import contextlib
import json
import os
import socket
import stat
import subprocess
import sys
import threading
import time
from typing import Any

import msgspec
import pytest
import requires

from devicelog.errors import DevicelogError, Unreachable
from devicelog.operations import socket as control
from devicelog.operations.ask import ask
from devicelog.operations.socket import CLIENTS, LONGEST, NAME, Server

BOUND_S = 10.0
NOBODY = 65_534


def handler(request):
    """Answers with how often it was asked this; some questions are special."""
    match request.op:
        case "many":
            yield from range(3)
        case "refuse":
            raise DevicelogError("no", hint="never")
        case "fail":
            raise ValueError("a bug")
        case "flood":
            while True:
                yield "x" * 100_000
        case _:
            yield {"op": request.op, "args": request.args}


@contextlib.contextmanager
def serving(directory, handler=handler, patience_s=BOUND_S):
    before = threading.active_count()
    server = Server(str(directory), handler, patience_s=patience_s)
    server.open()
    try:
        yield server
    finally:
        server.close()
        until(lambda: threading.active_count() <= before)


@contextlib.contextmanager
def connected(directory):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(BOUND_S)
        client.connect(str(directory / NAME))
        yield client


def until(true):
    end = time.monotonic() + BOUND_S
    pause = threading.Event()
    while not true():
        assert time.monotonic() < end, "not in time"
        pause.wait(0.005)


def said(client, line):
    client.sendall(line)
    with client.makefile("rb") as stream:
        return json.loads(stream.readline())


def works(directory):
    (raw,) = ask(str(directory), "hello")
    return msgspec.json.decode(raw)["op"] == "hello"


def asked(**request: Any):
    return json.dumps({"id": "id-number-1", "op": "hello"} | request).encode() + b"\n"


def test_results_come_one_by_one_and_the_last_is_the_answer(tmp_path):
    with serving(tmp_path), connected(tmp_path) as client:
        client.sendall(asked(op="many"))
        with client.makefile("rb") as stream:
            replies = [json.loads(stream.readline()) for _ in range(3)]

        assert [it["result"] for it in replies] == [0, 1, 2]
        assert [it.get("more", False) for it in replies] == [True, True, False]
        assert [msgspec.json.decode(it) for it in ask(str(tmp_path), "many")] == [
            0,
            1,
            2,
        ]


def test_one_client_may_ask_again_and_in_one_packet(tmp_path):
    with serving(tmp_path), connected(tmp_path) as client:
        client.sendall(asked(op="a") + asked(op="b"))
        with client.makefile("rb") as stream:
            replies = [json.loads(stream.readline())["result"]["op"] for _ in range(2)]

    assert replies == ["a", "b"]


def test_a_refusal_is_the_askers_error(tmp_path):
    with serving(tmp_path), pytest.raises(DevicelogError, match="no") as caught:
        next(ask(str(tmp_path), "refuse"))

    assert caught.value.hint == "never"


def test_a_bug_is_told_and_ends_nothing(tmp_path, caplog):
    with serving(tmp_path):
        with pytest.raises(DevicelogError, match=r"ValueError.*see its log") as caught:
            next(ask(str(tmp_path), "fail"))
        assert works(tmp_path)

    assert "a bug" not in str(caught.value)  # an error's words may name a person
    assert "fail" in caplog.text
    assert "a bug" in caplog.text


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"hello\n",
        b"\xff\xfe\x00\n",
        b"[]\n",
        b'{"id": 1}\n',
        b'{"id": "12345678"}\n',
        b'{"id": "12345678", "op": "x", "args": []}\n',
        b"[" * 100_000 + b"\n",
        b'{"id": "' + b"\\ud800" + b'", "op": "x"}\n',
    ],
)
def test_garbage_is_answered_and_the_next_request_too(tmp_path, line):
    with serving(tmp_path), connected(tmp_path) as client:
        assert said(client, line)["error"]["message"].startswith("not a")
        assert said(client, asked())["result"]["op"] == "hello"


@pytest.mark.parametrize("id_", ["", "short", "x" * 65, "run/us-1/us/0", "ä" * 10])
def test_an_id_that_could_be_an_entrys_key_is_refused(tmp_path, id_):
    with serving(tmp_path), connected(tmp_path) as client:
        assert said(client, asked(id=id_))["error"]["message"] == "not an id"


def test_half_a_request_is_none(tmp_path):
    happened = []

    def note(request):
        happened.append(request)
        yield None

    with serving(tmp_path, note), connected(tmp_path) as client:
        client.sendall(asked()[:-1])
        client.shutdown(socket.SHUT_WR)
        assert client.recv(100) == b""

    assert happened == []


def test_a_request_that_dribbles_in_is_given_up_and_its_place_is_free(tmp_path):
    with serving(tmp_path, patience_s=0.3) as server, connected(tmp_path) as client:
        began = time.monotonic()
        with contextlib.suppress(BrokenPipeError):
            for byte in asked() * 10:
                client.sendall(bytes((byte,)))
                if client in select_readable(client, 0.05):
                    break
        assert client.recv(10) == b""
        assert time.monotonic() - began < BOUND_S
        until(lambda: not server._clients)
        assert works(tmp_path)


def select_readable(client, seconds):
    client.settimeout(seconds)
    try:
        client.recv(1, socket.MSG_PEEK)
    except TimeoutError:
        return []
    finally:
        client.settimeout(BOUND_S)
    return [client]


def test_a_giant_request_is_refused_before_it_is_held(tmp_path):
    with serving(tmp_path), connected(tmp_path) as client:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            client.sendall(b"x" * (LONGEST * 20))
        with contextlib.suppress(ConnectionResetError):
            told = client.recv(1000)
            assert b"longer than" in told
        assert works(tmp_path)


def test_the_longest_request_is_taken(tmp_path):
    padding = "x" * (LONGEST - len(asked(args={"note": ""})) - 1)

    with serving(tmp_path), connected(tmp_path) as client:
        assert said(client, asked(args={"note": padding}))["result"]["args"]


def test_a_client_that_never_reads_is_dropped_and_holds_up_nobody(tmp_path):
    ended = threading.Event()

    def flood(request):
        if request.op != "flood":
            yield {"op": request.op}
            return
        try:
            while True:
                yield "x" * 100_000
        finally:
            ended.set()

    with serving(tmp_path, flood, patience_s=0.3), connected(tmp_path) as client:
        client.sendall(asked(op="flood"))
        assert works(tmp_path)
        assert ended.wait(BOUND_S)


def test_a_client_that_hangs_up_ends_what_it_asked_for(tmp_path):
    ended = threading.Event()

    def flood(_):
        try:
            while True:
                yield "x"
        finally:
            ended.set()

    with serving(tmp_path, flood):
        with connected(tmp_path) as client:
            client.sendall(asked())
            client.recv(10)
        assert ended.wait(BOUND_S)


def test_so_many_at_a_time_the_next_is_told_to_wait(tmp_path):
    with serving(tmp_path) as server, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(connected(tmp_path)) for _ in range(CLIENTS)]
        until(lambda: len(server._clients) == CLIENTS)
        with pytest.raises(DevicelogError, match="too many clients"):
            works(tmp_path)
        clients[0].close()
        until(lambda: len(server._clients) < CLIENTS)
        assert works(tmp_path)


def test_closing_hangs_up_on_who_waits(tmp_path):
    with serving(tmp_path) as server, connected(tmp_path) as client:
        until(lambda: server._clients)
        server.close()
        assert client.recv(10) == b""
    with pytest.raises(Unreachable, match="no recorder answers"):
        works(tmp_path)


def test_a_stale_socket_is_replaced_and_only_its_user_may_ask(tmp_path):
    with serving(tmp_path):
        assert works(tmp_path)
        os.link(tmp_path / NAME, tmp_path / "stale")
    (tmp_path / "stale").rename(tmp_path / NAME)
    with pytest.raises(Unreachable):
        works(tmp_path)
    with serving(tmp_path):
        assert works(tmp_path)
        assert stat.S_IMODE((tmp_path / NAME).stat().st_mode) == 0o600


STRANGER = f"""
import os, socket
client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
os.setuid({NOBODY})
client.connect({NAME!r})
print(client.recv(1000).decode())
"""


def test_another_user_is_told_that_it_may_not_ask(tmp_path):
    requires.root()
    with serving(tmp_path):
        tmp_path.chmod(0o711)
        (tmp_path / NAME).chmod(0o666)
        stranger = subprocess.run(
            [sys.executable, "-c", STRANGER],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )

    told = json.loads(stranger.stdout)["error"]
    assert told["message"] == f"user {NOBODY} may not ask this recorder"


def test_a_deep_directory_is_no_hindrance(tmp_path):
    deep = tmp_path / ("d" * 120) / ("e" * 120)
    deep.mkdir(parents=True)
    with serving(deep):
        assert works(deep)


def test_what_answers_otherwise_is_no_recorder(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
        other.bind(str(tmp_path / NAME))
        other.listen(1)

        def answer():
            client, _ = other.accept()
            with client:
                client.sendall(b"220 smtp ready\n")
                client.recv(100)

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(Unreachable, match="no recorder of this version"):
            works(tmp_path)
        thread.join(BOUND_S)


def test_a_recorder_that_does_not_answer_is_given_up(tmp_path):
    stop = threading.Event()

    def never(_):
        stop.wait(BOUND_S)
        yield None

    with serving(tmp_path, never):
        with pytest.raises(Unreachable, match="does not answer"):
            next(ask(str(tmp_path), "hello", patience_s=0.2))
        stop.set()


def test_the_bounds_are_those_of_the_page():
    assert control.__doc__ is not None
    assert f"{CLIENTS} at a time" in control.__doc__
    assert f"{LONGEST // 1000} kB" in control.__doc__
    assert f"{control.PATIENCE_S:.0f} s" in control.__doc__
