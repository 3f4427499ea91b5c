"""What somebody may try who means harm; each is tried over a real socket."""

import re
import socket
import statistics
import time

import pytest
from consoles import clinic
from waiting import wait_until

from devicelog.console.door.patience import HEAD_S
from devicelog.console.door.throttle import ACCOUNT
from devicelog.console.routes import TABLE
from devicelog.records.passwords import hashed

SVG = "<svg onload=alert(1)>"
PASSWORD = "correct horse battery"  # noqa: S105


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    with clinic(tmp_path_factory.mktemp("journal")) as made:
        made.do("add_user", name="anna", role="physio", kept=hashed(PASSWORD))
        yield made


def spoken(here, data: bytes, seconds: float = 5.0) -> bytes:
    """What comes back for these very bytes, until the other end closes or rests."""
    host, port = here.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), seconds) as line:
        answer = b""
        try:
            line.sendall(data)
            while piece := line.recv(65_536):
                answer += piece
        except (TimeoutError, ConnectionError):
            pass
    return answer


def status(answer: bytes) -> int:
    return int(answer.split(b" ")[1]) if answer else 0


def host_of(here) -> bytes:
    return here.url.removeprefix("http://").encode()


# --- Hosts and origins --------------------------------------------------------------


PATHS = sorted({it.path for it in TABLE} | {"/live", "/static/x"})


@pytest.mark.parametrize("path", PATHS)
def test_a_foreign_name_gets_no_route(here, path):
    with here.client("physio") as client:
        for host in ("evil.example", host_of(here).decode() + "."):
            answer = client.get(path, headers={"host": host})
            assert (answer.status_code, answer.text) == (421, "421")


def test_no_host_and_two_hosts_are_refused(here):
    ours = host_of(here)
    for heads in (b"", b"Host: " + ours + b"\r\nHost: " + ours + b"\r\n"):
        answer = spoken(
            here, b"GET /login HTTP/1.1\r\n" + heads + b"Connection: close\r\n\r\n"
        )
        assert status(answer) in (400, 421)


@pytest.mark.parametrize("route", [it for it in TABLE if it.method == "POST"])
def test_a_form_from_elsewhere_changes_nothing(here, route):
    before = here.daemon.recording.writer.committed
    path = re.sub(r"{\w+}", "us-1", route.path)
    with here.client("admin") as client:
        csrf = here.csrf(client)
        entered = here.daemon.recording.writer.committed
        for origin in ("http://evil.example", "null", "http://127.0.0.1:1"):
            answer = client.post(path, data={"csrf": csrf}, headers={"origin": origin})
            assert answer.status_code == 403
        del client.headers["origin"]
        assert client.post(path, data={"csrf": csrf}).status_code == 403
    assert before <= entered
    with here.reader() as reader:
        after = [it.kind for it in reader.entries(entered)]
    assert {"user", "binding", "audit", "annotation"} & set(after) <= {"audit"}


def test_a_stream_for_a_foreign_page_is_refused(here):
    with here.client("physio") as client:
        answer = client.get("/live", headers={"origin": "http://evil.example"})
        assert answer.status_code == 403


def test_nothing_is_changed_by_looking(here):
    with here.client("physio") as client:
        for route in TABLE:
            if route.method == "POST":
                path = re.sub(r"{\w+}", "us-1", route.path)
                answer = client.get(path)
                assert answer.status_code in (200, 303, 403, 404, 405)


# --- Logins -------------------------------------------------------------------------


def test_a_login_that_was_planted_before_is_not_taken_over(here):
    with here.client() as client:
        planted = "__Host-devicelog=planted"
        form = {"name": "anna", "password": PASSWORD}
        answer = client.post("/login", data=form, headers={"cookie": planted})
        made = answer.headers["set-cookie"].partition(";")[0]
        assert made != planted
        assert client.get("/", headers={"cookie": planted}).status_code == 303
        page = client.get("/", headers={"cookie": made}).text
        form["csrf"] = page.split('name="csrf" value="')[1].split('"')[0]
        again = client.post("/login", data=form, headers={"cookie": made})
        other = again.headers["set-cookie"].partition(";")[0]
        assert other != made
        # The one before is over once somebody came in anew with it.
        assert client.get("/", headers={"cookie": made}).status_code == 303
        assert client.get("/", headers={"cookie": other}).status_code == 200


@pytest.mark.parametrize(
    "guesses", [100, pytest.param(1000, marks=pytest.mark.torture)]
)
def test_of_many_guesses_few_are_answered(here, guesses):
    answered, began = 0, time.monotonic()
    with here.client() as client:
        for n in range(guesses):
            form = {"name": "anna", "password": f"guess number {n}"}
            answered += client.post("/login", data=form).status_code == 401
    minutes = 1 + (time.monotonic() - began) // 60
    assert 0 < answered <= ACCOUNT * minutes


def test_a_user_that_there_is_and_one_that_there_is_not_take_as_long(tmp_path):
    with clinic(tmp_path / "journal") as here:
        here.do("add_user", name="anna", role="physio", kept=hashed(PASSWORD))
        took: dict[str, list[float]] = {"anna": [], "nobody": []}
        with here.client() as client:
            for n in range(8):
                for name, times in took.items():
                    form = {"name": name, "password": f"guess {n}"}
                    began = time.perf_counter()
                    answer = client.post("/login", data=form)
                    times.append(time.perf_counter() - began)
                    assert answer.status_code == 401
    there, not_there = (statistics.median(it) for it in took.values())
    print(f"there {there * 1e3:.1f} ms, not there {not_there * 1e3:.1f} ms")
    # Without the comparison with nobody's password it would be a tenth.
    assert not_there > there / 2


# --- What is put in -------------------------------------------------------------------


def test_what_is_put_in_comes_out_as_text(here):
    who = [{"name": SVG, "birth_date": "1970-01-02", "record_number": SVG}]
    code = here.do("add_patients", who=who).entries[0].subject
    wait_until(lambda: here.session)
    here.do("assign", session_id=here.session, pseudonym=code)
    here.do("annotate", session_id=here.session, note=SVG)
    with here.client("physio") as client:
        given = {"code": code, "id": here.session, "name": "us-1", "word": SVG}
        for route in TABLE:
            if route.method == "GET":
                path = route.path.format(**given)
                for asked in ("", "q", "device", "session", "head", "of", "back"):
                    answer = client.get(path, params={asked: SVG} if asked else None)
                    assert SVG not in answer.text, (path, asked)
                    assert answer.status_code < 500


# --- The wire -------------------------------------------------------------------------


def test_a_form_without_end_is_refused(here):
    head = b"POST /login HTTP/1.1\r\nHost: " + host_of(here)
    head += b"\r\nContent-Type: application/x-www-form-urlencoded"
    head += b"\r\nConnection: close\r\nContent-Length: 100000000\r\n\r\n"
    assert status(spoken(here, head + b"a=" + b"x" * 1_000_000)) in (0, 413)


def test_two_lengths_and_two_codings_are_refused(here):
    ours = b"Host: " + host_of(here) + b"\r\nConnection: close\r\n"
    for heads in (
        b"Content-Length: 3\r\nContent-Length: 4\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n",
        b"Content-Length: -1\r\n",
        b"Content-Length: 5\r\n X: y\r\n",
    ):
        answer = spoken(here, b"POST /login HTTP/1.1\r\n" + ours + heads + b"\r\nabcd")
        assert status(answer) in (400, 403, 501)


def test_a_head_without_end_is_refused(here):
    head = b"GET / HTTP/1.1\r\nHost: " + host_of(here) + b"\r\nX: "
    assert status(spoken(here, head + b"x" * 200_000)) in (0, 400, 431)


@pytest.mark.parametrize(
    "path",
    [
        *("/static/..%2f..%2fapp.py", "/static/../app.py", "/static/%2e%2e/app.py"),
        *("/..%2f..%2f..%2fetc/passwd", "//etc/passwd", "/static/console.css%00"),
    ],
)
def test_no_path_leads_to_a_file(here, path):
    line = f"GET {path} HTTP/1.1\r\n".encode()
    heads = b"Host: " + host_of(here) + b"\r\nConnection: close\r\n\r\n"
    assert status(spoken(here, line + heads)) == 404


def test_who_asks_nothing_is_let_go_and_keeps_nobody_out(here):
    host, port = here.url.removeprefix("http://").split(":")
    slow = [socket.create_connection((host, int(port))) for _ in range(200)]
    for it in slow:
        it.sendall(b"GET / HTTP/1.1\r\nHost: ")
    with here.client() as client:
        assert client.get("/login").status_code == 200
    for it in slow:
        it.settimeout(HEAD_S + 5)
        assert it.recv(1000) == b""
        it.close()


def test_nonsense_is_answered_or_dropped_and_harms_nobody(here):
    for data in (b"\x16\x03\x01\x02\x00", b"\r\n" * 1000, b"GET\x00/ HTTP/1.1\r\n\r\n"):
        assert status(spoken(here, data, 1.0)) in (0, 400)
    with here.client() as client:
        assert client.get("/login").status_code == 200
