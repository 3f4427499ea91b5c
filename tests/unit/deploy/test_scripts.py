"""The scripts that containers run, run here: by sh, with the real tools."""

import os
import re
import subprocess
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requires
from servers.mosquitto import free_port, program
from unit.deploy.compose import ROOT, secrets
from waiting import wait_until

COMPOSE = ROOT / "config" / "compose"
ME = f"{os.getuid()}:{os.getgid()}"
FOLDERS = ("mosquitto", "influxdb", "grafana", "devicelog", "recorder")
# What InfluxDB's command line answers, as far as the script reads it.
INFLUX = r"""#!/bin/sh
echo "$*" >>"$CALLS"
case "$*" in
"bucket list --name devicelog --hide-headers") printf '0123456789abcdef\tdevicelog\n' ;;
"bucket list --name devicelog_sim --hide-headers") printf 'fedcba9876543210\tx\n' ;;
"auth create "*"--json"*) printf '{\n\t"id": "1",\n\t"token": "a-B_c=="\n}\n' ;;
"bucket create "* | "v1 dbrp create "* | "v1 auth create "*) ;;
*) exit 64 ;;
esac
"""


def run(script, env, **more):
    shell = "bash" if "bash" in script.read_text().splitlines()[0] else "sh"
    return subprocess.run(
        [shell, str(script)],
        env=os.environ | {n: str(it) for n, it in env.items()},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        **more,
    )


@pytest.fixture
def made(tmp_path):
    """All secrets, as a first start leaves them."""
    program("mosquitto_passwd")
    for name in FOLDERS:
        (tmp_path / "secrets" / name).mkdir(parents=True)
    users = ("BROKER_USER", "STORE_USER", "GRAFANA_USER", "DEVICELOG_USER")
    env = dict.fromkeys(users, ME) | {
        "SECRETS": tmp_path / "secrets",
        "ACCESS_LIST": ROOT / "config" / "mosquitto" / "aclfile",
    }
    told = run(COMPOSE / "first-start.sh", env)
    assert told.returncode == 0, told.stderr
    return env


def contents(folder):
    return {
        str(it.relative_to(folder)): it.read_text()
        for it in folder.rglob("*")
        if it.is_file()
    }


def test_a_first_start_makes_each_secret_and_a_second_one_keeps_them(made):
    folder = made["SECRETS"]
    before = contents(folder)
    again = run(COMPOSE / "first-start.sh", made)

    assert again.returncode == 0, again.stderr
    assert contents(folder) == before
    assert set(before) == secrets() - {"recorder/token"}
    for name in before:
        assert (folder / name).stat().st_mode & 0o777 == 0o400, name
    random = [it for name, it in before.items() if re.fullmatch("[0-9a-f]{64}", it)]
    assert len(random) == 7
    # Grafana's and the store's are one; all others are different.
    assert len(set(random)) == 6
    assert before["grafana/source_password"] == before["influxdb/source_password"]


def test_two_clinics_have_other_secrets(made, tmp_path):
    first = contents(made["SECRETS"])
    other = made | {"SECRETS": tmp_path / "other"}
    for name in FOLDERS:
        (tmp_path / "other" / name).mkdir(parents=True)
    assert run(COMPOSE / "first-start.sh", other).returncode == 0

    same = {n for n, it in contents(other["SECRETS"]).items() if first[n] == it}
    assert same == {"mosquitto/devicelog.acl"}


def test_the_broker_starts_with_the_shipped_file_and_those_secrets(made, tmp_path):
    requires.tool("mosquitto_sub")
    port = free_port()
    shipped = (ROOT / "config" / "mosquitto" / "mosquitto.conf").read_text()
    assert shipped.count("\nlistener 1883 127.0.0.1\n") == 1
    here = shipped.replace("/etc/mosquitto/", f"{made['SECRETS']}/mosquitto/")
    if os.getuid() == 0:
        here += "user root\n"  # else it gives its rights away, and reads nothing here
    (tmp_path / "shipped.conf").write_text(here)
    env = {"SHIPPED": tmp_path / "shipped.conf", "TO": tmp_path / "made.conf"}
    script = (COMPOSE / "broker.sh").read_text().replace("exec mosquitto", "exec true")
    (tmp_path / "only-makes.sh").write_text(script)
    assert run(tmp_path / "only-makes.sh", env).returncode == 0
    made_conf = (tmp_path / "made.conf").read_text()
    assert "\nlistener 1883\n" in made_conf

    (tmp_path / "made.conf").write_text(
        made_conf.replace("listener 1883\n", f"listener {port} 127.0.0.1\n")
    )
    broker = subprocess.Popen(
        [program("mosquitto"), "-c", str(tmp_path / "made.conf")],
        stderr=subprocess.PIPE,
    )
    try:
        password = contents(made["SECRETS"])["mosquitto/viewer_password"]
        wait_until(lambda: came_in(port, password))
        assert not came_in(port, "wrong")
    finally:
        broker.terminate()
        broker.communicate(timeout=10)


def came_in(port, password):
    """The health check's own words."""
    words = ["mosquitto_sub", "-p", str(port), "-u", "viewer", "-P", password]
    asked = subprocess.run(
        [*words, "-t", "devicelog/v1/#", "-E", "-W", "5"],
        capture_output=True,
        check=False,
    )
    return asked.returncode == 0


def test_the_store_gets_its_buckets_and_users(tmp_path):
    influx = tmp_path / "bin" / "influx"
    influx.parent.mkdir()
    influx.write_text(INFLUX)
    influx.chmod(0o755)
    (tmp_path / "source_password").write_text("reads-only")
    calls = tmp_path / "calls"
    env = {
        "PATH": f"{influx.parent}{os.pathsep}{os.environ['PATH']}",
        "DOCKER_INFLUXDB_INIT_BUCKET": "devicelog",
        "SECRETS": tmp_path,
        "RECORDER": tmp_path,
        "CALLS": calls,
    }

    told = run(COMPOSE / "influxdb-users.sh", env)

    assert told.returncode == 0, told.stderr
    assert (tmp_path / "token").read_text() == "a-B_c==\n"
    said = calls.read_text().splitlines()
    assert "bucket create --name devicelog_sim --retention 0" in said
    names = [it for it in said if it.startswith("v1 dbrp create")]
    assert [it.split("--db ")[1].split()[0] for it in names] == [
        *("devicelog", "devicelog_sim")
    ]
    (reader,) = [it for it in said if it.startswith("v1 auth create")]
    assert "--read-bucket 0123456789abcdef --read-bucket fedcba9876543210" in reader
    assert "--username grafana" in reader
    assert "write" not in reader


# --- Grafana's health ---------------------------------------------------------------


@contextmanager
def grafana(answers, seen):
    class Handler(BaseHTTPRequestHandler):
        def _any(self):
            seen.append((self.command, self.path))
            status, text = answers.get(self.path, (404, ""))
            known = "Authorization" in self.headers or self.path == "/api/health"
            if not known:
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="grafana"')
            else:
                self.send_response(status)
            self.end_headers()
            if known:
                self.wfile.write(text.encode())

        do_GET = do_POST = _any

        def log_message(self, *_):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


SOURCE = "/api/datasources/uid/devicelog_influx/health"
RELOAD = "/api/admin/provisioning/datasources/reload"


@pytest.mark.parametrize(
    ("source", "org", "code", "reloads"),
    [
        ((200, '{"status":"OK"}'), 200, 0, False),
        ((400, '{"message":"database name required"}'), 200, 1, True),
        ((400, ""), 401, 0, False),
    ],
    ids=["whole", "database lost", "password changed"],
)
def test_grafana_is_healthy_when_it_knows_its_database(
    tmp_path, source, org, code, reloads
):
    requires.tool("wget")
    (tmp_path / "admin_password").write_text("pw")
    answers = {
        "/api/health": (200, '{"database": "ok"}'),
        "/api/org": (org, "{}"),
        SOURCE: source,
        RELOAD: (200, "{}"),
    }
    seen = []
    with grafana(answers, seen) as host:
        env = {"GRAFANA": host, "SECRETS": tmp_path}
        told = run(ROOT / "config" / "grafana" / "healthy.sh", env)

    assert told.returncode == code, told.stderr
    assert (("POST", RELOAD) in seen) is reloads


@pytest.mark.parametrize("text", ['{"database": "failing"}', ""])
def test_grafana_without_a_database_of_its_own_is_ill(tmp_path, text):
    requires.tool("wget")
    with grafana({"/api/health": (200, text)}, []) as host:
        env = {"GRAFANA": host, "SECRETS": tmp_path}
        assert run(ROOT / "config" / "grafana" / "healthy.sh", env).returncode == 1
