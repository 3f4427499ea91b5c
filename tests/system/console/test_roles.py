"""Nobody sees what is not for them: each thing has a canary, every answer is searched.

The routes come from the table itself, so that a new one cannot be forgotten.
"""

import itertools
import os
import random

import httpx
import pytest
from consoles import Clinic, clinic
from waiting import wait_until

from devicelog.console.rights import MAY, Right
from devicelog.console.routes import TABLE
from devicelog.model.users import ROLES
from devicelog.records.passwords import hashed

NAME, NUMBER, NOTE = "Zylbersztajn", "R-770077", "weeps at night"
USER = "canarybird"
SEED = int(os.environ.get("DEVICELOG_SEED", "20261124"))


class Here:
    """A clinic in which everything that is not for everybody is known by sight."""

    def __init__(self, made: Clinic) -> None:
        self.clinic = made
        who = [{"name": f"Ada {NAME}", "record_number": NUMBER}]
        self.code = made.do("add_patients", who=who).entries[0].subject
        made.do("add_user", name=USER, role="engineer", kept=hashed("ten letters!"))
        wait_until(lambda: self.session, seconds=20)
        made.do("assign", session_id=self.session, pseudonym=self.code)
        made.do("annotate", session_id=self.session, note=NOTE)
        device = made.daemon.recording.loaded.config.devices[0]
        self.given = {"code": self.code, "name": device.name, "id": self.session}
        self.given |= {"word": "none"}
        # What shows something, and the right that it takes to see it.
        self.canaries: dict[str, Right] = {
            NAME: "persons",
            NUMBER: "persons",
            NOTE: "records",
            "0.8 W/cm": "treatments",
            USER: "users",
            device.port: "devices",
            made.daemon.recording.directory: "system",
        }

    @property
    def session(self) -> str:
        return self.clinic.session

    def leaks(self, role: str | None, answer: httpx.Response, body: str) -> list[str]:
        rights = MAY[role] if role else frozenset()
        told = body + "".join(f"{k}: {v}" for k, v in answer.headers.items())
        return [
            canary
            for canary, right in self.canaries.items()
            if right not in rights and canary in told
        ]


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    with clinic(tmp_path_factory.mktemp("journal")) as made:
        yield Here(made)


@pytest.mark.parametrize("role", [None, *ROLES])
def test_no_page_shows_what_is_not_for_this_role(here, role):
    seen = set()
    with here.clinic.client(role) as client:
        for route in TABLE:
            if route.method == "GET":
                path = route.path.format(**here.given)
                answer = client.get(path)
                assert here.leaks(role, answer, answer.text) == [], path
                seen |= {it for it in here.canaries if it in answer.text}
    # What a role may see is found somewhere, or the search would prove nothing.
    rights = MAY[role] if role else frozenset()
    wanted = {it for it, right in here.canaries.items() if right in rights}
    assert wanted - seen <= {here.clinic.daemon.recording.directory}


@pytest.mark.parametrize("role", ROLES)
def test_no_stream_of_events_shows_a_person(here, role):
    with (
        here.clinic.client(role) as client,
        client.stream("GET", "/live") as answer,
    ):
        told = "".join(itertools.islice(answer.iter_text(), 8))
    assert "live-us-1.us" in told
    assert here.leaks(role, answer, told) == []
    assert NAME not in told


def test_who_reads_of_a_person_is_written_down_once_a_page(here):
    looks = [it for it in TABLE if it.method == "GET" and it.path != "/enter/{word}"]
    with here.clinic.client("physio") as client:
        for route in looks:
            before = here.clinic.daemon.recording.writer.committed
            answer = client.get(route.path.format(**here.given))
            shown = here.clinic.shown_since(before)
            assert len(shown) == (NAME in answer.text), route.path
            assert all(it.by == "console/physio" for it in shown)


def test_what_cannot_be_written_down_is_not_shown(here, monkeypatch):
    desk = here.clinic.daemon._control._desk
    perform = desk.perform

    def refusing(request):
        if request.op == "note":
            from devicelog.errors import JournalError  # noqa: PLC0415

            raise JournalError("the disk is full")
        return perform(request)

    monkeypatch.setattr(desk, "perform", refusing)
    with here.clinic.client("physio") as client:
        answer = client.get(f"/patients/{here.code}")
    assert answer.status_code == 409
    assert NAME not in answer.text


# --- By chance --------------------------------------------------------------------

WORDS = (
    "",
    "0",
    "-1",
    "yes",
    "'",
    "../../etc/passwd",
    "<svg onload=x>",
    "\x00",
    "é" * 9,
)


def shots(here: Here, rounds: int, seed: int) -> dict[int, int]:
    """Requests over the table by chance; how many of each status came back."""
    dice, counts = random.Random(seed), {}
    print(f"seed {seed}")
    clients = {role: here.clinic.client(role) for role in (None, *ROLES)}
    tokens = {role: here.clinic.csrf(it) for role, it in clients.items() if role}
    for _ in range(rounds):
        role, route = dice.choice([*clients]), dice.choice(TABLE)
        if route.path == "/logout":
            continue
        pick = [*WORDS, *here.given.values(), *ROLES, dice.randbytes(4).hex()]
        given = {
            it: dice.choice([here.given[it], dice.choice(pick)]) for it in here.given
        }
        path = httpx.URL(f"{here.clinic.url}").copy_with(
            path=route.path.format(**given).replace("\x00", "%00")
        )
        names = ("q", "device", "session", "pseudonym", "head", "of", "after", "name")
        fields = {dice.choice(names): dice.choice(pick) for _ in range(3)}
        if role and dice.random() < 0.8:
            fields["csrf"] = tokens[role]
        method = dice.choice([route.method, route.method, "GET", "POST", "PUT", "HEAD"])
        said = {"data": fields} if method == "POST" else {"params": fields}
        answer = clients[role].request(method, path, **said)
        counts[answer.status_code] = counts.get(answer.status_code, 0) + 1
        assert answer.status_code < 500, (method, str(path), fields, answer.text)
        assert here.leaks(role, answer, answer.text) == [], (method, path, fields)
    for it in clients.values():
        it.close()
    return counts


def test_by_chance_nothing_leaks_and_nothing_breaks(here):
    counts = shots(here, 300, SEED)
    print(counts)
    assert {200, 303, 403} <= set(counts)


@pytest.mark.torture
@pytest.mark.timeout(1800)
def test_by_ten_thousand_chances(here):
    print(shots(here, 10_000, SEED + 1))
