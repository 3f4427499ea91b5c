"""docker-compose.yml: its shape, its variables, its mounts, and who may reach what."""

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml
from unit.deploy.compose import FILE, ROOT, VARIABLE, load, mounts, replaced, secrets

from devicelog.grafana.wanted import FOLDER, FOLDER_UID, SOURCE_UID
from devicelog.operations.config import parse

SCHEMA = json.loads((Path(__file__).parent / "compose-spec.json").read_text())
PROVISIONING = ROOT / "config" / "grafana" / "provisioning"
SERVICES = load()["services"]
DEMO = dict(
    line.split("=", 1)
    for line in (ROOT / "config" / "compose" / "demo.env").read_text().splitlines()
    if line and not line.startswith("#")
)


def path_in(service, path):
    """(volume or file, rest) of what a path in the container is; None: nothing."""
    for source, target in mounts(SERVICES[service]):
        if path == target or path.startswith(target + "/"):
            return source, path.removeprefix(target).lstrip("/")
    return None


@pytest.mark.parametrize("values", [{}, DEMO], ids=["clinic", "demo"])
def test_it_is_a_compose_file(values):
    jsonschema.validate(load(values), SCHEMA, cls=jsonschema.Draft201909Validator)


def test_the_schema_sees_mistakes():
    broken = load()
    broken["services"]["grafana"]["ports"] = {"3000": "3000"}

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, SCHEMA, cls=jsonschema.Draft201909Validator)


def test_every_variable_has_a_value_and_the_demo_sets_no_other():
    used = {name for name, _ in VARIABLE.findall(FILE.read_text())}

    assert replaced(FILE.read_text(), {})
    assert DEMO.keys() <= used
    assert load(DEMO)["services"]["grafana"]["environment"]["DEVICELOG_BUCKET"] == (
        "devicelog_sim"
    )


@pytest.mark.parametrize("name", SERVICES)
def test_every_mounted_path_is_there(name):
    for source, target in mounts(SERVICES[name]):
        assert target.startswith("/")
        if source.startswith("."):
            assert (ROOT / source).exists(), source
        elif not source.startswith("/"):
            assert source in load()["volumes"], source


def test_what_is_declared_is_used():
    used = {source for it in SERVICES.values() for source, _ in mounts(it)}

    assert set(load()["volumes"]) <= used


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_on_loopback_alone(name):
    for port in SERVICES[name].get("ports", []):
        assert port.startswith("127.0.0.1:"), port
    assert SERVICES[name].get("network_mode") in (None, "none")
    assert not SERVICES[name].get("privileged")


@pytest.mark.parametrize("name", set(SERVICES) - {"first-start", "room-1", "room-2"})
def test_every_server_is_watched_and_waits_for_its_secrets(name):
    service = SERVICES[name]
    own = service.get("healthcheck", {}).get("test")

    assert own or service["image"] == "devicelog"  # the image brings its own
    waits = service["depends_on"]["first-start"]["condition"]
    assert waits == "service_completed_successfully"
    assert service["restart"] == "unless-stopped"


def test_what_waits_for_whom_is_there():
    for it in SERVICES.values():
        for name, how in it.get("depends_on", {}).items():
            assert name in SERVICES
            if how["condition"] == "service_healthy":
                assert "healthcheck" in SERVICES[name]


def test_the_demo_is_a_profile_and_the_clinic_is_none():
    profiles = {name: it.get("profiles") for name, it in SERVICES.items()}

    assert {name for name, it in profiles.items() if it == ["demo"]} == {
        *("demo", "room-1", "room-2")
    }
    assert profiles["devicelog"] is None


# --- Secrets ----------------------------------------------------------------------


def test_no_secret_stands_in_the_file():
    for name, it in SERVICES.items():
        for key, value in it.get("environment", {}).items():
            if re.search(r"PASSWORD|TOKEN|SECRET", key):
                assert key.endswith("FILE"), (name, key)
                assert value.startswith("/run/")


def test_every_secret_that_is_read_is_made_for_its_reader():
    read = {
        (name, path)
        for name, it in SERVICES.items()
        for path in re.findall(r"/run/\w+/\w+|/etc/mosquitto/\w+", json.dumps(it))
    }
    for name, file in (("devicelog", "devicelog"), ("demo", "demo")):
        text = (ROOT / "config" / "compose" / f"{file}.toml").read_text()
        read |= {(name, it) for it in re.findall(r'_file = "([^"]+)"', text)}
    broker = (ROOT / "config" / "mosquitto" / "mosquitto.conf").read_text()
    read |= {("mosquitto", it) for it in re.findall(r"_file (/\S+)", broker)}
    source = (PROVISIONING / "datasources" / "devicelog.yaml").read_text()
    read |= {("grafana", it) for it in re.findall(r"__file\{([^}]+)\}", source)}
    assert len(read) > 8

    for name, path in read:
        volume, file = path_in(name, path)
        assert f"{volume.removeprefix('secrets-')}/{file}" in secrets(), (name, path)


def test_a_reader_cannot_write_its_secrets():
    for name, it in SERVICES.items():
        for volume in it.get("volumes", []):
            if volume.startswith("secrets-") and name != "first-start":
                # The store alone writes one: the recorder's token.
                writes = (name, volume) == (
                    "influxdb",
                    "secrets-recorder:/run/recorder",
                )
                assert volume.endswith(":ro") != writes, (name, volume)


# --- Grafana ----------------------------------------------------------------------


def test_grafana_knows_the_source_that_the_dashboards_name():
    told = yaml.safe_load((PROVISIONING / "datasources" / "devicelog.yaml").read_text())
    (source,) = told["datasources"]

    assert (source["uid"], source["type"]) == (SOURCE_UID, "influxdb")
    assert source["database"] == source["jsonData"]["dbName"]
    assert source["jsonData"]["httpMode"] == "GET"
    assert source["editable"] is False
    asked = set(re.findall(r"\$([A-Z]\w+)", json.dumps(source)))
    assert asked <= SERVICES["grafana"]["environment"].keys()
    assert SERVICES["grafana"]["environment"]["DEVICELOG_INFLUX_USER"] == "grafana"


def test_grafana_finds_the_dashboards_that_the_package_ships():
    told = yaml.safe_load((PROVISIONING / "dashboards" / "devicelog.yaml").read_text())
    (provider,) = told["providers"]

    source, rest = path_in("grafana", provider["options"]["path"])
    assert list((ROOT / source / rest).glob("*.json"))
    assert (provider["folder"], provider["folderUid"]) == (FOLDER, FOLDER_UID)
    assert provider["allowUiUpdates"] is False


def test_nobody_looks_unnamed_and_viewers_look_only():
    said = SERVICES["grafana"]["environment"]

    for key in (
        *("GF_AUTH_ANONYMOUS_ENABLED", "GF_USERS_ALLOW_SIGN_UP"),
        *("GF_USERS_VIEWERS_CAN_EDIT", "GF_PUBLIC_DASHBOARDS_ENABLED"),
        *("GF_SNAPSHOTS_EXTERNAL_ENABLED", "GF_ANALYTICS_REPORTING_ENABLED"),
    ):
        assert said[key] == "false"


# --- devicelog --------------------------------------------------------------------


@pytest.mark.parametrize("name", ["devicelog", "demo"])
def test_the_recorders_configuration_can_be_used(name, tmp_path):
    file = ROOT / "config" / "compose" / f"{name}.toml"
    text = file.read_text()
    for path in re.findall(r'_file = "([^"]+)"', text):
        here = tmp_path / path.lstrip("/")
        here.parent.mkdir(parents=True, exist_ok=True)
        here.write_text("secret")
    told = parse(text.replace('"/run/', f'"{tmp_path}/run/'), str(file), {})

    assert told.parked == {}
    assert told.config.site.simulated is (name == "demo")
    assert path_in(name, told.config.journal.directory)[1] == ""
    assert (f"./config/compose/{name}.toml", "/etc/devicelog/devicelog.toml") in (
        mounts(SERVICES[name])
    )
    assert told.config.mqtt.host in SERVICES
    for it in told.config.devices:
        host, port = it.port.removeprefix("socket://").split(":")
        assert f"0.0.0.0:{port}" in SERVICES[host]["command"]


def test_the_image_runs_as_nobody_in_particular():
    text = (ROOT / "Dockerfile").read_text()
    last = text.rsplit("FROM ", 1)[1]

    assert re.search(r"^USER devicelog$", last, re.MULTILINE)
    assert last.index("USER devicelog") < last.index("ENTRYPOINT")
    assert "HEALTHCHECK" in last
    assert "--require-hashes" in text
    for source in re.findall(r"^COPY (?!--from)(\S+)", text, re.MULTILINE):
        assert (ROOT / source).exists()


def test_the_image_is_made_of_what_it_needs():
    kept = (ROOT / ".dockerignore").read_text().splitlines()

    assert kept[0] == "*"
    for line in kept:
        if line.startswith("!"):
            assert (ROOT / line[1:]).exists()
