"""Coming in, going out, and what every answer has; over a real socket."""

import httpx
import pytest
from consoles import clinic

from devicelog.console.door.headers import ALWAYS
from devicelog.console.pages import system


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    with clinic(tmp_path_factory.mktemp("journal")) as made:
        yield made


def test_nobody_sees_anything_but_the_door(here):
    with here.client() as client:
        assert client.get("/").headers["location"] == "/login"
        assert client.get("/login").status_code == 200
        assert client.get("/live").status_code == 401


@pytest.mark.parametrize("path", ["/", "/login", "/live", "/static/x", "/nowhere"])
def test_every_answer_has_the_headers(here, path):
    with here.client("physio") as client, client.stream("GET", path) as answer:
        for name, value in ALWAYS.items():
            assert answer.headers[name] == value, name


def test_another_host_gets_nothing(here):
    port = here.url.rpartition(":")[2]
    for host in ("evil.example", f"localhost.:{port}", f"127.0.0.1.evil:{port}"):
        answer = httpx.get(f"{here.url}/login", headers={"host": host})
        assert (answer.status_code, answer.text) == (421, "421")


def test_a_user_comes_in_and_leaves_again(here):
    from devicelog.records.passwords import hashed  # noqa: PLC0415

    secret = "correct horse battery"  # noqa: S105
    here.do("add_user", name="anna", role="physio", kept=hashed(secret))
    with here.client() as client:
        form = {"name": "Anna", "password": secret}
        wrong = client.post("/login", data=form | {"password": "not that one"})
        assert wrong.status_code == 401
        assert "set-cookie" not in wrong.headers
        answer = client.post("/login", data=form)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        said = answer.headers["set-cookie"]
        for part in ("__Host-", "Secure", "HttpOnly", "SameSite=strict", "Path=/"):
            assert part in said
        client.headers["cookie"] = said.partition(";")[0]
        page = client.get("/").text
        assert "anna" in page
        csrf = page.split('name="csrf" value="')[1].split('"')[0]
        assert client.post("/logout").status_code == 403
        assert client.post("/logout", data={"csrf": csrf}).status_code == 303
        assert client.get("/").headers["location"] == "/login"


def test_nobody_is_said_to_be_missing_who_was_not_looked_for(here):
    with here.client("physio") as client:
        for asked in ("", "&q=", "&q=+"):
            page = client.get(f"/bind?device=us-1{asked}").text
            assert "Nobody was treated here lately" in page
            assert "Nobody is found by that" not in page
        for piece in ("", "&part=1"):
            page = client.get(f"/bind?device=us-1&q=nobody{piece}").text
            assert "Nobody is found by that" in page


def test_a_form_of_another_page_is_refused(here):
    with here.client("physio") as client:
        page = client.get("/").text
        csrf = page.split('name="csrf" value="')[1].split('"')[0]
        for origin in ("http://evil.example", "null", "http://127.0.0.1:1"):
            answer = client.post(
                "/logout", data={"csrf": csrf}, headers={"origin": origin}
            )
            assert answer.status_code == 403
        assert client.get("/").status_code == 200


def test_a_page_that_breaks_is_logged_once_and_says_that_it_is_ours(
    here, monkeypatch, caplog
):
    def broken(_):
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr(system, "gather", broken)
    with here.client("engineer") as client:
        answer = client.get("/system")
    assert answer.status_code == 500
    assert "mistake of this program" in answer.text
    assert all(answer.headers[name] == value for name, value in ALWAYS.items())
    (told,) = [it for it in caplog.records if it.exc_info]
    assert told.getMessage() == "GET /system failed"
