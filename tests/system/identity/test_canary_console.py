"""A name in the console: told to those who may know it, and nowhere else.

A recorder with its console in this process, over real sockets; each visitor comes by a
line of its own that keeps all bytes. Legitimate are the answers to reception and to who
treats (the right `persons`), which leave over loopback alone, what these send
themselves, and the files they export. The line of nobody, of the engineer and of the
administrator carries no form of the name.
"""

import gc
import io
import logging
import socket
import stat
import struct
import tempfile
import types
import zipfile
from pathlib import Path
from urllib.parse import quote_plus

import httpx
import pytest
from consoles import clinic
from servers.proxy import Proxy
from system.identity.canary import in_bytes, in_files
from waiting import wait_until

from devicelog.console.house import House
from devicelog.console.pages.patient import OFFERED
from devicelog.console.rights import MAY
from devicelog.console.routes import TABLE
from devicelog.model import codec
from devicelog.model.users import ROLES
from devicelog.records import audit

NAME = "Canaria Öxebø-Zwölfer"
NOTE = "her sister Canarina Ypsilontis drove"
NUMBER = "CNRY-4711-0815"
ALL = ("Canaria Öxebø", "Öxebø-Zwölfer", "Canarina Ypsilontis", NUMBER)
PASSWORD, WRONG = "correct horse battery", "wrong horse battery"
VISITORS = (None, *ROLES)
MAY_KNOW = {role for role in ROLES if "persons" in MAY[role]}


class Logged(logging.Handler):
    """Every line of the log as it would be written, tracebacks included."""

    def __init__(self):
        super().__init__(logging.DEBUG)
        self.lines = []

    def emit(self, record):
        self.lines.append(logging.Formatter().format(record))

    @property
    def image(self):
        return "\n".join(self.lines).encode()


class Here:
    """A clinic with its patient; `lines` by visitor; `made`: folders of exports."""

    def __init__(self, made, folder, logged, lines):
        self.clinic, self.folder = made, folder
        self.logged, self.lines = logged, lines
        self.made = []
        who = [{"name": NAME, "birth_date": "1958-03-09", "record_number": NUMBER}]
        self.code = made.do("add_patients", who=who).entries[0].subject
        wait_until(lambda: made.session)
        self.session = made.session
        made.do("assign", session_id=self.session, pseudonym=self.code)
        made.do("annotate", session_id=self.session, note=NOTE)
        device = made.daemon.recording.loaded.config.devices[0].name
        self.given = {"code": self.code, "name": device, "id": self.session}
        self.given["word"] = "none"

    @property
    def temp(self):
        return self.folder / "temp"

    def client(self, role, **more):
        """A browser of this visitor, by the line that keeps what passes."""
        client = self.clinic.client(role)
        client.close()
        heads = dict(client.headers) | {"host": self.clinic.url.partition("//")[2]}
        base = f"http://127.0.0.1:{self.lines[role].port}"
        return httpx.Client(base_url=base, headers=heads, timeout=30, **more)

    def export(self, form, role="physio"):
        with self.client(role) as client:
            said = {"form": form, "csrf": self.clinic.csrf(client)}
            return client.post(f"/patients/{self.code}/export", data=said)


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    folder = tmp_path_factory.mktemp("console")
    (folder / "temp").mkdir()
    logged, root, make = Logged(), logging.getLogger(), tempfile.mkdtemp
    with pytest.MonkeyPatch.context() as patch, clinic(folder / "journal") as made:
        patch.setattr(tempfile, "tempdir", str(folder / "temp"))
        root.addHandler(logged)
        port = int(made.url.rpartition(":")[2])
        lines = {role: Proxy(port, keep=True) for role in VISITORS}
        for line in lines.values():
            line.__enter__()
        here = Here(made, folder, logged, lines)

        def seen(*args, **more):
            path = make(*args, **more)
            here.made.append((Path(path), stat.S_IMODE(Path(path).stat().st_mode)))
            return path

        patch.setattr(tempfile, "mkdtemp", seen)
        try:
            yield here
        finally:
            root.removeHandler(logged)
            for line in lines.values():
                line.__exit__()


def everything(here, role):
    """Each address once, asked and posted to, and the stream's first piece."""
    with here.client(role) as client:
        csrf = here.clinic.csrf(client) if role else "none"
        for route in TABLE:
            path = route.path.format(**here.given)
            if route.method == "GET":
                client.get(path)
                client.get(path, params={"q": "canaria", "device": here.given["name"]})
            elif route.path != "/logout":
                client.post(path, data={"csrf": csrf, "form": "json"})
        with client.stream("GET", "/live") as live:
            if role:
                next(live.iter_raw())


def test_the_console_is_told_over_loopback_alone(here):
    assert here.clinic.url.startswith("http://127.0.0.1:")


@pytest.mark.parametrize("role", VISITORS)
def test_the_name_crosses_only_the_lines_of_those_who_may_know_it(here, role):
    everything(here, role)
    passed = [bytes(it) for it in here.lines[role].passed]
    assert sum(map(len, passed)) > 10_000
    found = {text for it in passed for text, _ in in_bytes(it, *ALL, quote_plus(NAME))}
    if role not in MAY_KNOW:
        assert found == set()
    else:  # the same search finds it where it is legitimate
        assert {NUMBER, "Öxebø-Zwölfer"} <= found
    notes = any(b"Canarina" in it for it in passed)
    assert notes == (role is not None and "records" in MAY[role])


def named(content):
    """Whether the patient stands in this file, or in one that is packed in it."""
    if content[:2] != b"PK":
        return in_bytes(content, NUMBER) != []
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        return any(named(packed.read(it)) for it in packed.namelist())


def test_exports_name_who_was_asked_for_and_leave_nothing_behind(here):
    told = {}
    for form in OFFERED:
        answer = here.export(form)
        assert answer.status_code == 200, (form, answer.text)
        told[form] = answer.content
    assert {it for it in OFFERED if named(told[it])} >= {"html", "json", "zip"}
    assert len(here.made) >= len(OFFERED)
    assert {mode for _, mode in here.made} == {0o700}
    assert {path.parent for path, _ in here.made} == {here.temp}
    assert [*here.temp.iterdir()] == []
    assert in_files(here.folder, *ALL) == []


def test_nothing_is_left_of_an_export_whose_visitor_goes_away(here):
    with here.client("physio") as client:
        cookie, csrf = client.headers["cookie"], here.clinic.csrf(client)
    form = f"form=html&csrf={csrf}"
    host = here.clinic.url.partition("//")[2]
    said = (
        f"POST /patients/{here.code}/export HTTP/1.1\r\nHost: {host}\r\n"
        f"Origin: {here.clinic.url}\r\nCookie: {cookie}\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(form)}\r\n\r\n{form}"
    )
    before = len(here.made)
    for wait in (False, True):
        with socket.create_connection(host.split(":"), 20) as line:
            line.sendall(said.encode())
            if wait:
                assert line.recv(16).startswith(b"HTTP/1.1 200")
            # Closed with a reset: what is under way cannot be sent.
            line.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
            )
    wait_until(lambda: len(here.made) == before + 2)
    wait_until(lambda: [*here.temp.iterdir()] == [])
    assert here.export("json").status_code == 200  # it goes on


def test_a_page_that_fails_says_no_name_and_leaves_no_file(here, monkeypatch):
    def fail(*_):
        raise RuntimeError("provoked")

    with here.client("physio") as client:
        csrf = here.clinic.csrf(client)
        client.headers["connection"] = "close"  # the server does so once a page failed
        for where in ("patient._media", "patient.told.latest", "patients.found"):
            monkeypatch.setattr(f"devicelog.console.pages.{where}", fail)
        for answer in (
            client.post(
                f"/patients/{here.code}/export", data={"form": "html", "csrf": csrf}
            ),
            client.get(f"/patients/{here.code}"),
            client.get("/patients", params={"q": NAME}),
        ):
            assert answer.status_code == 500
            assert in_bytes(answer.content, *ALL) == []
    assert here.logged.image.count(b"RuntimeError: provoked") >= 3
    assert b"Traceback" in here.logged.image
    assert [*here.temp.iterdir()] == []


def test_no_log_and_no_file_says_the_name(here):
    assert len(here.logged.lines) > 0
    assert in_bytes(here.logged.image, *ALL, quote_plus(NAME)) == []
    assert in_files(here.folder, *ALL) == []


# --- What is done there is recorded -------------------------------------------


def records(here, after):
    """What people caused since: kind, event, who, of whom or what."""
    with here.clinic.reader() as reader:
        found = reader.entries(after)
    told = [(it, codec.decode(it.kind, it.body)) for it in found if it.mac]
    return [
        (it.kind, body.event, body.by, getattr(body, "name", it.subject))
        for it, body in told
        if it.kind in ("user", "audit")
    ]


def test_what_is_done_by_the_console_is_a_record_and_the_chain_holds(here):
    recording = here.clinic.daemon.recording
    with here.clinic.reader() as reader:
        anchors = [audit.head(reader)]
    before = recording.writer.committed
    with here.client("admin") as admin:
        csrf = {"csrf": here.clinic.csrf(admin)}
        user = {"name": "anna", "role": "reception", "password": PASSWORD}
        assert admin.post("/users", data=user | csrf).status_code == 303
        changed = admin.post("/users/anna", data={"role": "physio"} | csrf)
        assert changed.status_code == 303
    with here.client(None) as client:
        form = {"name": "anna", "password": WRONG}
        assert client.post("/login", data=form).status_code == 401
        came = client.post("/login", data=form | {"password": PASSWORD})
        client.headers["cookie"] = came.headers["set-cookie"].partition(";")[0]
        csrf = {"csrf": here.clinic.csrf(client)}
        assert NUMBER in client.get(f"/patients/{here.code}").text
        path = f"/patients/{here.code}/export"
        assert client.post(path, data={"form": "zip"} | csrf).status_code == 200
        assert client.post("/logout", data=csrf).status_code == 303
    found = records(here, before)
    by = "console/anna"
    for wanted in (
        ("user", "added", "console/admin", "anna"),
        ("user", "changed", "console/admin", "anna"),
        ("user", "refused", by, "anna"),
        ("user", "entered", by, "anna"),
        ("audit", "shown", by),
        ("audit", "exported", by),
        ("user", "left", by, "anna"),
    ):
        assert any(it[: len(wanted)] == wanted for it in found), (wanted, found)
    with here.clinic.reader() as reader:
        anchors.append(audit.head(reader))
    for anchor in anchors:
        verdict = audit.verify(recording.directory, recording.keyring.chain_key, anchor)
        assert (verdict.state, verdict.first_bad) == ("ok", None)
    # Not only found: each of them is bound in, so that a change would be seen.
    with here.clinic.reader() as reader:
        assert all(
            it.mac for it in reader.entries(before) if it.kind in ("user", "audit")
        )


# --- Forgotten ----------------------------------------------------------------


def test_who_is_forgotten_stands_on_no_page_and_in_no_message(here):
    clients = {role: here.client(role) for role in MAY_KNOW}
    for client in clients.values():
        csrf = {"csrf": here.clinic.csrf(client)}
        person = f"/patients/{here.code}"
        who = {"name": NAME, "record_number": NUMBER}
        assert client.post(f"{person}/who", data=who | csrf).status_code == 303
        ahead = {"device": here.given["name"], "confirm": "yes"}
        assert client.post(f"{person}/ahead", data=ahead | csrf).status_code == 303
    here.clinic.do("forget", pseudonym=here.code, reason="asked", confirm=True)
    for role, client in clients.items():  # messages wait for the next page of each
        for route in TABLE:
            if route.method == "GET":
                path = route.path.format(**here.given)
                for query in ({}, {"q": "canaria"}, {"q": NUMBER}, {"q": "zwölfer"}):
                    answer = client.get(path, params=query)
                    # What was asked stands in the search field, as they typed it.
                    text = answer.text.replace(query.get("q", "\0"), "")
                    assert in_bytes(text.encode(), *ALL) == [], (role, path)
                    if route.path in ("/sessions/{id}", "/inbox", "/labels", "/today"):
                        assert here.code not in text, (role, path)
        client.close()
    assert in_files(here.folder, *ALL) == []
    assert in_bytes(here.logged.image, *ALL) == []


def reachable(root):
    """Texts and bytes that are held from here, code and modules apart."""
    waiting, seen = [root], {}
    while waiting:
        it = waiting.pop()
        code = isinstance(it, (type, types.ModuleType, types.FunctionType))
        globals_ = isinstance(it, dict) and "__builtins__" in it
        if code or globals_ or id(it) in seen:
            continue
        seen[id(it)] = it
        if isinstance(it, str):
            yield it.encode(errors="replace")
        elif isinstance(it, (bytes, bytearray)):
            yield bytes(it)
        waiting += gc.get_referents(it)
        waiting += it if isinstance(it, dict) else ()  # its keys are no referents


def test_the_console_holds_nobody_in_memory(here):
    recording = here.clinic.daemon.recording
    (house,) = (
        it
        for it in gc.get_objects()
        if isinstance(it, House) and it.recording is recording
    )
    assert len(here.logged.lines) > 0
    held = b"\0".join(reachable(house))
    assert here.clinic.words.keys() <= set(held.decode(errors="replace").split("\0"))
    assert in_bytes(held, *ALL) == []
    _, login = house.logins.open("physio")
    login.said.append(("said.changed", {"name": NAME}))  # as what must not be
    assert in_bytes(b"\0".join(reachable(house)), NAME) != []
