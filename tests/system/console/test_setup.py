"""The first start, from an empty folder to a treatment, by the page alone."""

import contextlib
import os
import pty
import re
import stat
import subprocess
import threading
import tty

import httpx
import pytest
from consoles import treating
from playwright.sync_api import expect
from terminal import PROGRAM, terminal
from waiting import wait_until

from devicelog.console.door.throttle import ACCOUNT
from devicelog.console.setup import served
from devicelog.drivers.simulated.serve import PtyPort, serve
from devicelog.export.verify import verify
from devicelog.operations.config import DEFAULT, load
from devicelog.operations.master import keyring

PASSWORD = "correct horse battery"  # noqa: S105
LINK = re.compile(r"(http://\S+)/start/(\S+)")


@pytest.fixture(autouse=True)
def no_configuration():
    if DEFAULT.exists():
        pytest.skip(f"{DEFAULT} is there: this machine was set up")


@pytest.fixture
def port(tmp_path):
    """Ultrasound on a pty, treating for half an hour from the fourth second on."""
    made, stop = PtyPort(treating(1), link=tmp_path / "us-1"), threading.Event()
    served_by = threading.Thread(target=serve, args=([made], stop.is_set))
    served_by.start()
    yield str(made.link)
    stop.set()
    served_by.join()


@pytest.fixture(params=[True, False], ids=["script", "no script"])
def page(request, chromium):
    context = chromium.new_context(java_script_enabled=request.param)
    yield context.new_page()
    context.close()


@pytest.fixture
def started(tmp_path):
    folder = tmp_path / "empty"
    folder.mkdir()
    with terminal(folder, "run") as shown:
        yield folder, shown


def link_of(shown):
    wait_until(lambda: LINK.search(shown.shown), lambda: shown.shown)
    return LINK.search(shown.shown)


def answer(page, folder):
    page.get_by_label("Name of the clinic").fill("sim-first")
    page.get_by_label("Time zone").fill("Europe/Berlin")
    page.get_by_label("Directory of the journal").fill(str(folder / "journal"))
    page.get_by_label("First user (an admin)").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Keep these answers").click()
    expect(page.get_by_text("The password is kept")).to_be_visible()


def set_up(page, folder, port, link):
    """All steps of the page; the file that it saved."""
    page.goto(link)
    answer(page, folder)
    page.get_by_label("Another port").fill(port)
    page.get_by_role("button", name="Listen to all ports").click()
    row = page.get_by_role("article", name=port)
    # A simulated device holds its own port, which is no hindrance.
    expect(row).to_contain_text("Nothing arrived.", timeout=20_000)
    row.get_by_role("combobox", name="Profile").fill("us-modbus")
    row.get_by_label("Name of the device").fill("us-1")
    row.get_by_label("What people call it").fill("Ultrasound, room 1")
    row.get_by_role("button", name="What does the profile").click()
    expect(page.get_by_text("0a 04 00 00 00 14 f1 7e")).to_be_visible()
    page.get_by_role("button", name="Send them for 5 seconds").click()
    expect(page.get_by_text("Readings arrive.")).to_be_visible(timeout=20_000)
    page.get_by_role("button", name="Add us-1").click()
    expect(page.locator("#save pre")).to_contain_text('profile = "us-modbus"')
    shown = page.locator("#save pre").inner_text()
    path = folder / "devicelog.toml"
    page.get_by_label("Save it as").fill(str(path))
    assert not path.exists()
    assert not (folder / "journal").exists()
    page.get_by_role("button", name="Save, and end this page").click()
    expect(page.get_by_text(f"devicelog run --config {path}")).to_be_visible()
    assert path.read_text().strip() == shown.strip()
    return path


def come(page, name):
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("button", name="Log out")).to_be_visible()


def test_from_an_empty_folder_to_a_treatment_bound_and_exported(page, started, port):
    folder, shown = started
    path = set_up(page, folder, port, link_of(shown)[0])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert shown.process.wait(20) == 0
    assert f"start with: devicelog run --config {path}" in shown.shown

    with terminal(
        folder, "run", "--config", str(path), DEVICELOG_CONSOLE_PORT="0"
    ) as run:
        run.wait_for("the console is at ")
        url = re.search(r"the console is at (\S+)", run.shown)[1]
        page.goto(url)
        come(page, "ada")
        page.goto(f"{url}/users")
        page.locator("summary", has_text="Add").click()
        adding = page.locator("details")
        adding.get_by_label("Name").fill("eve")
        adding.get_by_label("Role").select_option("physio")
        adding.get_by_label("Password").fill(PASSWORD)
        adding.get_by_role("button").click()
        expect(page.get_by_role("region", name="eve")).to_be_visible()
        page.get_by_role("button", name="Log out").click()
        come(page, "eve")
        page.goto(f"{url}/patients")
        page.locator("summary", has_text="Add a patient").click()
        page.get_by_label("Name", exact=True).fill("Emmy Noether")
        page.get_by_label("Birth date", exact=True).fill("1882-03-23")
        page.get_by_role("button", name="Add a patient").click()
        expect(page.get_by_role("link", name="Emmy Noether")).to_be_visible()

        def inbox():
            page.goto(f"{url}/inbox")
            return page.get_by_role("link", name="For whom?").count()

        wait_until(inbox, lambda: run.shown)
        page.get_by_role("link", name="For whom?").click()
        page.get_by_label("Name, birth date").fill("noether")
        page.get_by_role("button", name="Search").click()
        page.get_by_role("button", name="Emmy Noether").click()
        expect(page.get_by_text("Every treatment has its patient.")).to_be_visible()
        page.goto(f"{url}/patients")
        page.get_by_role("link", name="Emmy Noether").click()
        page.get_by_label("The whole record as").select_option("zip")
        with page.expect_download() as coming:
            page.get_by_role("button", name="Save", exact=True).first.click()
        file = folder / coming.value.suggested_filename
        coming.value.save_as(file)
    assert verify(file, keyring(load(path).config).archive_key).changed == ()


# --- Bytes that come unasked -----------------------------------------------------

# An answer of tests/golden/us-modbus/hold_contact.json.
FRAME = bytes.fromhex(
    "0a 04 28 00 04 00 00 01 68 04 82 0c e4 00 64 00 00 01 2c 00 00 00 00 01 f4 00 29"
    "00 00 00 f0 41 35 00 00 00 00 00 00 00 00 c4 f1 29 0a"
)


@contextlib.contextmanager
def speaking(data):
    """A port on which this is said over and over; its path, and what was sent to it."""
    ours, theirs = pty.openpty()
    path = os.ttyname(theirs)
    tty.setraw(theirs)  # else what is said comes back as an echo
    os.close(theirs)  # who listens finds it held by nobody
    os.set_blocking(ours, False)
    stop, sent = threading.Event(), bytearray()

    def say():
        while not stop.wait(0.2):
            with contextlib.suppress(OSError):  # nobody has it open
                os.write(ours, data)
            with contextlib.suppress(OSError):
                sent.extend(os.read(ours, 4096))

    thread = threading.Thread(target=say)
    thread.start()
    try:
        yield path, sent
    finally:
        stop.set()
        thread.join()
        os.close(ours)


def test_bytes_are_shown_then_explained_and_nothing_is_sent(page, started):
    folder, shown = started
    page.goto(link_of(shown)[0])
    answer(page, folder)
    with speaking(FRAME) as (path, sent):
        page.get_by_label("Another port").fill(path)
        page.get_by_role("button", name="Listen to all ports").click()
        row = page.get_by_role("article", name=path)
        expect(row).to_contain_text("0a 04 28 00 04 00 00 01 68", timeout=20_000)
        expect(row).to_contain_text("h")  # the same as text
        row.get_by_role("combobox", name="Profile").fill("us-modbus")
        row.get_by_label("Name of the device").fill("us-1")
        row.get_by_label("How it is read").select_option("tap")
        row.get_by_role("button", name="What does the profile").click()
        pieces = page.get_by_role("group", name="What the profile makes")
        expect(pieces).to_contain_text("channel us is hold_contact")
        # The bytes wrap: what is said of them stands on the screen, a phone's too.
        page.set_viewport_size({"width": 390, "height": 800})
        assert pieces.evaluate("it => it.scrollWidth <= it.clientWidth")
        expect(page.get_by_label("Another port")).to_have_value(path)
        expect(page.get_by_text("Nothing is sent to this device")).to_be_visible()
        page.get_by_role("button", name="Listen with this profile").click()
        why = page.get_by_text("frames arrive, the device has not yet said who it is")
        expect(why).to_have_text(re.compile("it is$"), timeout=20_000)  # no counts
        page.get_by_role("button", name="Add us-1").click()
        expect(page.locator("#save pre")).to_contain_text('access = "tap"')
    assert sent == b""


def test_what_was_typed_for_a_port_is_still_there_after_a_mistake(page, started):
    folder, shown = started
    page.goto(link_of(shown)[0])
    answer(page, folder)
    path = folder / "no-port"
    path.write_text("")
    page.get_by_label("Another port").fill(str(path))
    page.get_by_role("button", name="Listen to all ports").click()
    row = page.get_by_role("article", name=str(path))
    expect(row).to_contain_text("not a serial port", timeout=20_000)
    typed = {"profile": "us-modbusss", "name": "us-1", "label": "Gym"}
    for name, value in typed.items():
        row.locator(f"input[name={name}]").fill(value)
    row.get_by_label("How it is read").select_option("tap")
    row.get_by_role("button", name="What does the profile").click()
    expect(page.get_by_role("alert").first).to_contain_text("us-modbusss")
    for name, value in typed.items():
        expect(row.locator(f"input[name={name}]")).to_have_value(value)
    expect(row.get_by_label("How it is read")).to_have_value("tap")
    row.locator("input[name=profile]").fill("us-modbus")
    row.get_by_role("button", name="What does the profile").click()
    # It was not opened, so nobody knows whether it was silent.
    told = page.get_by_role("article", name="us-1 with the profile us-modbus")
    expect(told).to_contain_text("this port could not be listened to")


def test_mistakes_are_told_on_the_page_and_nothing_is_lost(page, started):
    folder, shown = started
    page.goto(link_of(shown)[0])
    page.get_by_label("Name of the clinic").fill("clinic-one")
    page.get_by_label("Time zone").fill("Europe/Berlinn")
    page.get_by_label("Directory of the journal").fill("journal")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Keep these answers").click()
    told = page.get_by_role("alert").first
    expect(told).to_contain_text('"Europe/Berlinn" is no time zone')
    expect(told).to_contain_text("depends on where devicelog is started")
    expect(page.get_by_label("Name of the clinic")).to_have_value("clinic-one")
    answer(page, folder)
    there = folder / "there.toml"
    there.write_text("mine")
    page.get_by_label("Save it as").fill(str(there))
    page.get_by_role("button", name="Save, and end this page").click()
    expect(page.get_by_role("alert")).to_contain_text("it is yours")
    assert there.read_text() == "mine"
    assert not (folder / "journal").exists()


def test_a_journal_that_is_there_is_not_taken(page, started):
    folder, shown = started
    (folder / "journal").mkdir()
    (folder / "journal" / "journal.db").write_bytes(b"another's")
    page.goto(link_of(shown)[0])
    answer(page, folder)
    page.get_by_label("Save it as").fill(str(folder / "new.toml"))
    page.get_by_role("button", name="Save, and end this page").click()
    expect(page.get_by_role("alert")).to_contain_text("there is a journal in")
    assert not (folder / "new.toml").exists()
    assert (folder / "journal" / "journal.db").read_bytes() == b"another's"


# --- Who means harm ----------------------------------------------------------------


@pytest.fixture
def door(started):
    """Address, token, and a client that came in by it; its forms' csrf."""
    folder, shown = started
    match = link_of(shown)
    with httpx.Client(base_url=match[1], headers={"origin": match[1]}) as client:
        yield folder, client, match[2]


def come_in(client, token):
    made = client.get(f"/start/{token}").headers["set-cookie"].partition(";")[0]
    client.headers["cookie"] = made
    return client.get("/").text.split('name="csrf" value="')[1].split('"')[0]


ANSWERS = {"site": "sim-x", "timezone": "UTC", "user": "ada", "password": PASSWORD}


def test_without_the_token_nobody_sees_or_does_anything(door):
    folder, client, token = door
    for wrong in ("x", token[:-1], token + "x", "é"):
        answered = client.get(f"/start/{wrong}")
        assert (answered.status_code, "set-cookie" in answered.headers) == (403, False)
    assert client.get("/").status_code == 403
    for step in ("answer", "listen", "explain", "ask", "add", "remove", "save"):
        form = {**ANSWERS, "path": str(folder / "x.toml")}
        assert client.post(f"/{step}", data=form).status_code == 403
    assert [*folder.iterdir()] == []


def test_tokens_are_guessed_few_times_a_minute(door):
    _, client, token = door
    codes = [client.get(f"/start/guess{n}").status_code for n in range(200)]
    assert codes.count(403) == ACCOUNT
    assert set(codes) == {403, 429}
    assert client.get(f"/start/{token}").status_code == 429


def test_a_foreign_host_and_a_foreign_form_get_nothing(door):
    folder, client, token = door
    for path in ("/", f"/start/{token}", "/static/console.css"):
        answered = client.get(path, headers={"host": "evil.example"})
        assert (answered.status_code, answered.text) == (421, "421")
    csrf = come_in(client, token)
    form = {**ANSWERS, "directory": str(folder / "journal"), "csrf": csrf}
    for origin in ("http://evil.example", "null"):
        answered = client.post("/answer", data=form, headers={"origin": origin})
        assert answered.status_code == 403
    assert client.post("/answer", data=form | {"csrf": "x"}).status_code == 403
    assert "sim-x" not in client.get("/").text
    heads = client.get("/").headers
    assert "default-src 'none'" in heads["content-security-policy"]
    assert heads["cache-control"] == "no-store"


def test_after_saving_the_token_and_the_cookie_open_nothing(door):
    folder, client, token = door
    csrf = come_in(client, token)
    form = {**ANSWERS, "directory": str(folder / "journal"), "csrf": csrf}
    assert client.post("/answer", data=form).status_code == 303
    saving = {"csrf": csrf, "path": str(folder / "one.toml")}
    assert client.post("/save", data=saving).status_code == 200
    # Until it has ended, 410; then nobody listens there any more.
    again = {"csrf": csrf, "path": str(folder / "two.toml")}

    def refused():
        try:
            assert client.get(f"/start/{token}").status_code == 410
            assert client.get("/").status_code == 410
            assert client.post("/save", data=again).status_code == 410
        except httpx.TransportError:
            return True
        return False

    wait_until(refused)
    assert not (folder / "two.toml").exists()


def test_what_is_put_in_comes_out_as_text(door):
    _, client, token = door
    csrf = come_in(client, token)
    svg = "<svg onload=alert(1)>"
    fields = (
        "site",
        "timezone",
        "directory",
        "user",
        "port",
        "profile",
        "name",
        "path",
    )
    for step in ("answer", "listen", "explain", "ask", "add", "remove", "save"):
        form = dict.fromkeys(fields, svg) | {"csrf": csrf, "password": PASSWORD}
        answered = client.post(f"/{step}", data=form)
        assert answered.status_code in (303, 409)
        assert svg not in answered.text
        assert svg not in client.get("/").text


# --- When it is served -------------------------------------------------------------


def test_it_ends_when_its_time_is_over(tmp_path):
    told = []
    saved = served.run(tmp_path / "x.toml", told.append, threading.Event(), 0.01)
    assert saved is None
    with pytest.raises(httpx.TransportError):
        httpx.get(told[0])


def test_a_person_who_ends_it_is_told_how_to_go_on(started):
    _, shown = started
    link_of(shown)
    assert shown.end() == 3
    assert "no configuration was saved" in shown.shown


@pytest.mark.parametrize("content", [None, "[site]\nname = 3\n"])
def test_a_file_that_was_named_is_a_mistake_where_it_cannot_be_used(tmp_path, content):
    path = tmp_path / "named.toml"
    if content:
        path.write_text(content)
    for args, environ in (
        (["run", "--config", str(path)], {}),
        (["run"], {"DEVICELOG_CONFIG": str(path)}),
    ):
        with terminal(tmp_path, *args, **environ) as shown:
            assert shown.process.wait(20) == 3
            shown.wait_for(str(path))
        assert "/start/" not in shown.shown


def test_a_service_without_a_terminal_gets_the_usual_error(tmp_path):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("DEVICELOG")}
    ended = subprocess.run(
        [*PROGRAM, "run"],
        cwd=tmp_path,
        env=clean,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert ended.returncode == 3
    assert "config init" in ended.stderr
    assert "/start/" not in ended.stderr
