"""`dashboards push` and `diff` before a Grafana that knows documented routes only."""

import json

import pytest
from click.testing import CliRunner
from contract.grafana.stub import READER, ROUTES, TOKEN, Stub
from servers.influxdb import free_port

from devicelog.cli.commands import main
from devicelog.grafana.wanted import SOURCE_UID, boards

CONFIG = """
[site]
name = "{site}"
timezone = "Europe/Berlin"
simulated = {simulated}
[journal]
directory = "{directory}"
[influx]
url = "http://127.0.0.1:8086"
token_file = "{secret}"
[grafana]
url = "{url}"
token_file = "{token}"
{more}
"""
WRONG = "glsa_wrong"
UIDS = {it["uid"] for it in boards("UTC")}


@pytest.fixture
def stub():
    with Stub() as it:
        yield it


class Clinic:
    def __init__(self, directory, url, *, token=TOKEN, site="clinic-one", more=None):
        self._file = directory / "devicelog.toml"
        self.token, self.secret = directory / "token", directory / "secret"
        self.token.write_text(token + "\n")
        self.secret.write_text("only-reads\n")
        user = f'source_user = "grafana"\nsource_password_file = "{self.secret}"'
        self._file.write_text(
            CONFIG.format(
                site=site,
                simulated="true" if site.startswith("sim-") else "false",
                directory=directory / "data",
                secret=self.secret,
                url=url,
                token=self.token,
                more=user if more is None else more.format(secret=self.secret),
            )
        )

    def run(self, *words):
        return CliRunner().invoke(
            main, ["dashboards", *words, "--config", str(self._file)]
        )

    def states(self):
        told = json.loads(self.run("diff", "--json").stdout)
        return {it["state"] for it in told}


@pytest.fixture
def clinic(tmp_path, stub):
    return Clinic(tmp_path, stub.url)


def test_a_push_brings_everything_and_a_second_one_writes_nothing(clinic, stub):
    first = clinic.run("push")
    wrote = len(stub.writes)
    second = clinic.run("push")

    assert (first.exit_code, second.exit_code) == (0, 0), first.output + second.output
    assert wrote == 2 + len(UIDS)
    assert len(stub.writes) == wrote
    assert set(stub.dashboards) == UIDS
    assert {folder for _, folder in stub.dashboards.values()} == {"devicelog"}
    assert first.stdout.count("made:") == wrote
    assert second.stdout.count("stood already:") == wrote


def test_the_data_source_only_reads_and_asks_by_get(clinic, stub):
    clinic.run("push")

    source = stub.sources[SOURCE_UID]
    assert source["database"] == source["jsonData"]["dbName"] == "devicelog"
    assert source["jsonData"]["httpMode"] == "GET"
    assert source["user"] == "grafana"
    assert stub.secrets[SOURCE_UID] == {"password": "only-reads"}


def test_a_token_of_2x_goes_in_a_header(tmp_path, stub):
    clinic = Clinic(tmp_path, stub.url, more='source_token_file = "{secret}"')

    assert clinic.run("push").exit_code == 0
    assert stub.secrets[SOURCE_UID] == {"httpHeaderValue1": "Token only-reads"}
    assert stub.sources[SOURCE_UID]["jsonData"]["httpHeaderName1"] == "Authorization"


def test_boards_carry_the_sites_time_zone_but_for_the_one_without_dates(clinic, stub):
    clinic.run("push")

    zones = {uid: board["timezone"] for uid, (board, _) in stub.dashboards.items()}
    assert zones.pop("devicelog_overlay") == "utc"
    assert set(zones.values()) == {"Europe/Berlin"}


def test_a_simulated_site_asks_its_own_bucket(tmp_path, stub):
    assert Clinic(tmp_path, stub.url, site="sim-one").run("push").exit_code == 0

    assert stub.sources[SOURCE_UID]["database"] == "devicelog_sim"


def test_a_diff_says_what_a_push_would_write_and_writes_nothing(clinic, stub):
    before = clinic.run("diff")
    assert before.exit_code == 1
    assert before.stdout.count("missing:") == 2 + len(UIDS)
    assert stub.writes == []
    clinic.run("push")
    assert clinic.states() == {"same"}
    assert clinic.run("diff").exit_code == 0

    board, _ = stub.dashboards["devicelog_now"]
    board["panels"][1]["title"] = "Mine"
    stub.sources[SOURCE_UID]["url"] = "http://elsewhere:8086"
    stub.dashboards["devicelog_use"] = (stub.dashboards["devicelog_use"][0], "")
    told = clinic.run("diff")

    assert told.exit_code == 1
    assert "differs: source devicelog (url)" in told.stdout
    assert "differs: dashboard Clinic now (panels[1].title)" in told.stdout
    assert "differs: dashboard Device use and upkeep (folder)" in told.stdout
    written = len(stub.writes)
    assert clinic.run("push").exit_code == 0
    assert len(stub.writes) == written + 3
    assert clinic.states() == {"same"}


def test_what_grafana_adds_is_no_difference(clinic, stub):
    clinic.run("push")
    for board, _ in stub.dashboards.values():
        board["panels"][0]["pluginVersion"] = "11.6.0"
    stub.sources[SOURCE_UID]["database"] = ""  # kept in jsonData alone

    assert clinic.states() == {"same"}


def test_secrets_are_written_again_on_request_alone(clinic, stub):
    clinic.run("push")
    clinic.secret.write_text("another\n")

    assert clinic.run("push").exit_code == 0
    assert stub.secrets[SOURCE_UID] == {"password": "only-reads"}
    assert clinic.run("push", "--secrets").exit_code == 0
    assert stub.secrets[SOURCE_UID] == {"password": "another"}


def test_what_is_provisioned_from_a_file_is_not_pushed_over(clinic, stub):
    clinic.run("push")
    stub.provisioned = {"devicelog_now"}
    assert clinic.run("push").exit_code == 0
    stub.dashboards["devicelog_now"][0]["refresh"] = "1h"

    told = clinic.run("push")

    assert told.exit_code == 1
    assert "devicelog_now is provisioned from a file and differs in refresh" in (
        told.stderr
    )


def test_a_change_in_between_is_not_written_over(clinic, stub, monkeypatch):
    clinic.run("push")
    board, folder = stub.dashboards["devicelog_now"]
    board["refresh"] = "1h"
    asked = Stub.get_dashboard

    def changed_after(self, uid, *told):
        answer = asked(self, uid, *told)
        if uid == "devicelog_now":
            newer = board | {"version": board["version"] + 1}
            self.dashboards[uid] = (newer, folder)
        return answer

    monkeypatch.setitem(ROUTES, ("GET", "/api/dashboards/uid/"), changed_after)
    told = clinic.run("push")

    assert told.exit_code == 1
    assert "412" in told.stderr
    assert "push again" in told.stderr
    assert stub.dashboards["devicelog_now"][0]["refresh"] == "1h"


@pytest.mark.parametrize("command", ["push", "diff"])
def test_a_wrong_token_is_told(tmp_path, stub, command):
    told = Clinic(tmp_path, stub.url, token=WRONG).run(command)

    assert told.exit_code == 3
    assert "401 Invalid API key" in told.stderr
    assert "grafana.token_file" in told.stderr
    assert WRONG not in told.output


def test_a_token_without_rights_is_told(tmp_path, stub):
    told = Clinic(tmp_path, stub.url, token=READER).run("push")

    assert told.exit_code == 3
    assert "403" in told.stderr
    assert "Admin" in told.stderr
    assert stub.writes == []


def test_an_empty_token_and_none_are_told(tmp_path, stub):
    clinic = Clinic(tmp_path, stub.url)
    clinic.token.write_text("\n")
    assert "is empty" in clinic.run("push").stderr
    clinic.token.unlink()
    told = clinic.run("push")

    assert told.exit_code == 3
    assert "grafana.token_file" in told.stderr
    assert stub.requests == []


def test_an_old_grafana_is_told(tmp_path):
    with Stub(version="8.5.27") as stub:
        told = Clinic(tmp_path, stub.url).run("push")

    assert told.exit_code == 1
    assert "Grafana 8.5.27, which is too old" in told.stderr
    assert stub.writes == []


def test_no_network_is_told(tmp_path):
    told = Clinic(tmp_path, f"http://127.0.0.1:{free_port()}").run("push")

    assert told.exit_code == 4
    assert "no Grafana answers at" in told.stderr


def test_what_is_no_grafana_is_told(clinic, stub):
    stub.html = True

    told = clinic.run("push")

    assert told.exit_code == 1
    assert "is no Grafana" in told.stderr


def test_a_title_that_another_folder_has_is_told(clinic, stub):
    stub.folders["mine"] = {"uid": "mine", "title": "devicelog"}

    told = clinic.run("push")

    assert told.exit_code == 1
    assert "409" in told.stderr
    assert "rename it" in told.stderr


def test_without_the_table_it_says_which_to_add(tmp_path):
    file = tmp_path / "devicelog.toml"
    file.write_text('[site]\nname = "a"\n[journal]\ndirectory = "/nowhere"\n')

    told = CliRunner().invoke(main, ["dashboards", "diff", "--config", str(file)])

    assert told.exit_code == 3
    assert "[grafana]" in told.stderr
