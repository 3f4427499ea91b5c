"""The real InfluxDB of the machine (1.x), started by the tests, behind the front.

Its configuration is the one that is shipped; directories and ports are the test's own.
DEVICELOG_TEST_INFLUX_URL names another server instead (DEVICELOG_TEST_INFLUX_ORG,
_BUCKET, _TOKEN beside it): then nothing is started, and what kills it is skipped.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import requires
from influxdb_client import DBRPCreate, DBRPsService, InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS

from devicelog.sinks.settings import InfluxSettings

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "config" / "influxdb"
WORDS = {"admin": "adminpw", "recorder": "recorderpw", "grafana": "grafanapw"}


def free_port():
    with socket.socket() as some:
        some.bind(("127.0.0.1", 0))
        return some.getsockname()[1]


class InfluxDB:
    """`port` is the front's, which a client of 2.x may talk to."""

    def __init__(self, directory):
        requires.tool("influxd")
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.port, self.own_port, self.rpc_port = free_port(), free_port(), free_port()
        self.process = None
        self.front = subprocess.Popen(
            [
                sys.executable,
                str(Path(__file__).with_name("influx_front.py")),
                str(self.port),
                str(self.own_port),
            ]
        )
        self.token = self.directory / "token"
        self.token.write_text(f"recorder:{WORDS['recorder']}\n")
        self.token.chmod(0o600)

    # --- Its life ------------------------------------------------------------------

    def start(self):
        places = {
            "INFLUXDB_BIND_ADDRESS": f"127.0.0.1:{self.rpc_port}",
            "INFLUXDB_HTTP_BIND_ADDRESS": f"127.0.0.1:{self.own_port}",
            "INFLUXDB_META_DIR": str(self.directory / "meta"),
            "INFLUXDB_DATA_DIR": str(self.directory / "data"),
            "INFLUXDB_DATA_WAL_DIR": str(self.directory / "wal"),
        }
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(
                ["influxd", "-config", str(CONFIG / "influxdb.conf")],
                env=os.environ | places,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        self._wait()
        return self

    def set_up(self):
        """Databases and users, as the shipped file says."""
        text = (CONFIG / "users.influxql").read_text().format_map(WORDS)
        for n, statement in enumerate(text.splitlines()):
            self.admin(statement, user=None if n == 0 else "admin")
        return self

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        for it in (self.process, self.front):
            if it is not None and it.poll() is None:
                it.send_signal(signal.SIGTERM)
                try:
                    it.wait(10)
                except subprocess.TimeoutExpired:
                    it.kill()
                    it.wait()

    def tear(self):
        """Half an entry at the end of its last WAL segment, as a torn write leaves it.

        A WAL entry is one byte of type, four of length, and a body of that length.
        """
        segments = [
            it
            for it in (self.directory / "wal").rglob("*.wal")
            if it.parts[-4] == "devicelog_sim"
        ]
        last = max(segments, key=lambda it: (it.stat().st_mtime_ns, it.name))
        with last.open("ab") as file:
            file.write(b"\x01" + (4096).to_bytes(4, "big") + b"\x55" * 900)

    # --- Asking it, not through the client under test --------------------------------

    def settings(self, **more):
        told = {"url": f"http://127.0.0.1:{self.port}", "token_file": str(self.token)}
        return InfluxSettings(**(told | more))

    def admin(self, query, user="admin", db="devicelog_sim"):
        """An InfluxQL statement by raw HTTP; its results."""
        who = urllib.parse.urlencode({"u": user, "p": WORDS[user]} if user else {})
        url = f"http://127.0.0.1:{self.own_port}/query?{who}"
        words = {"q": query, "db": db, "epoch": "ns"}
        data = urllib.parse.urlencode(words).encode()
        try:
            answer = urllib.request.urlopen(url, data, timeout=20)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{query}: {error.read()}") from error
        with answer:
            told = json.loads(answer.read())
        assert not any("error" in it for it in (told, *told["results"])), told
        return told["results"]

    def write(self, *lines, db="devicelog_sim"):
        """Lines by raw HTTP."""
        words = {"db": db, "u": "admin", "p": WORDS["admin"]}
        query = urllib.parse.urlencode(words)
        url = f"http://127.0.0.1:{self.own_port}/write?{query}"
        data = "\n".join(lines).encode()
        urllib.request.urlopen(url, data, timeout=20).close()

    def may(self, user, query="", *, lines=""):
        """Whether this user (None: nobody) is let do this."""
        words = {"db": "devicelog_sim"}
        if user:
            words |= {"u": user, "p": WORDS[user]}
        path, data = ("write", lines) if lines else ("query", f"q={query}")
        url = f"http://127.0.0.1:{self.own_port}/{path}?{urllib.parse.urlencode(words)}"
        try:
            with urllib.request.urlopen(url, data.encode(), timeout=20) as answer:
                return b'"error"' not in answer.read()
        except urllib.error.HTTPError as error:
            code = error.code
            error.close()
        assert code in (401, 403)
        return False

    def reset(self):
        """Empty databases, as on the first day."""
        for name in ("devicelog", "devicelog_sim"):
            self.admin(f'DROP DATABASE "{name}"')
        text = (CONFIG / "users.influxql").read_text().format_map(WORDS)
        for statement in text.splitlines():
            if statement.startswith(("CREATE DATABASE", "GRANT")):
                self.admin(statement)
        return self

    def rows(self, measurement, db="devicelog_sim", device=None):
        """All points: {(tag values..., time): fields}, tags in order of their names.

        `device`: of this one alone.
        """
        where = "" if device is None else f"WHERE device = '{device}'"
        query = f'SELECT *::field FROM "{measurement}" {where} GROUP BY *'  # noqa: S608
        (result,) = self.admin(query, db=db)
        return points(result)

    def delete(self, measurement, at, db="devicelog_sim"):
        query = f'DELETE FROM "{measurement}" WHERE time = {at}'  # noqa: S608
        self.admin(query, db=db)

    def _wait(self):
        until = time.monotonic() + 20
        while True:
            try:
                url = f"http://127.0.0.1:{self.port}/ping"
                urllib.request.urlopen(url, timeout=2).close()
            except (urllib.error.URLError, OSError, ConnectionError):
                told = (self.directory / "log").read_text()[-2000:]
                assert time.monotonic() < until, f"influxd does not start: {told}"
                time.sleep(0.02)
            else:
                return


class Elsewhere:
    """A server that someone else started, by its 2.x API. It is never killed."""

    def __init__(self, url):
        self.url = url.rstrip("/")
        self.org = os.environ.get("DEVICELOG_TEST_INFLUX_ORG", "clinic")
        self.bucket = os.environ.get("DEVICELOG_TEST_INFLUX_BUCKET", "devicelog_test")
        self.secret = os.environ.get("DEVICELOG_TEST_INFLUX_TOKEN", "")
        self.token = Path(tempfile.mkdtemp()) / "token"
        self.token.write_text(self.secret)

    def settings(self, **more):
        told = {"url": self.url, "org": self.org, "bucket": self.bucket}
        return InfluxSettings(**(told | {"token_file": str(self.token)} | more))

    def reset(self):
        """Buckets made anew, with their mapping for InfluxQL."""
        with self._client() as client:
            buckets = client.buckets_api()
            for name in (self.bucket, f"{self.bucket}_sim"):
                old = buckets.find_bucket_by_name(name)
                if old:
                    buckets.delete_bucket(old)
                new = buckets.create_bucket(bucket_name=name, org=self.org)
                DBRPsService(client.api_client).post_dbrp(
                    DBRPCreate(
                        org_id=new.org_id,
                        bucket_id=new.id,
                        database=name,
                        retention_policy="autogen",
                        default=True,
                    )
                )
        return self

    def stop(self):
        shutil.rmtree(self.token.parent)

    def write(self, *lines, db="devicelog_sim"):
        with self._client() as client:
            write = client.write_api(write_options=SYNCHRONOUS)
            write.write(self._named(db), self.org, "\n".join(lines))

    def delete(self, measurement, at, db="devicelog_sim"):
        first = datetime.fromtimestamp(at / 1e9 - 0.001, UTC)
        last = datetime.fromtimestamp(at / 1e9 + 0.001, UTC)
        with self._client() as client:
            client.delete_api().delete(
                first, last, f'_measurement="{measurement}"', self._named(db), self.org
            )

    def rows(self, measurement, db="devicelog_sim"):
        query = {
            "db": self._named(db),
            "epoch": "ns",
            "q": f'SELECT *::field FROM "{measurement}" GROUP BY *',  # noqa: S608
        }
        asked = urllib.request.Request(
            f"{self.url}/query?{urllib.parse.urlencode(query)}",
            headers={"Authorization": f"Token {self.secret}"},
        )
        with urllib.request.urlopen(asked, timeout=20) as answer:
            (result,) = json.loads(answer.read())["results"]
        return points(result)

    def _client(self):
        return InfluxDBClient(self.url, token=self.secret, org=self.org)

    def _named(self, db):
        return self.bucket + ("_sim" if db.endswith("_sim") else "")


def points(result):
    """All points of an answer: {(tag values in order of names..., time): fields}."""
    found = {}
    for series in result.get("series", []):
        tags = tuple(it for _, it in sorted(series.get("tags", {}).items()))
        for values in series["values"]:
            cells = dict(zip(series["columns"], values, strict=True))
            at = cells.pop("time")
            found[*tags, at] = {n: it for n, it in cells.items() if it is not None}
    return found


def elsewhere():
    """The server that the environment names, if any."""
    url = os.environ.get("DEVICELOG_TEST_INFLUX_URL")
    return Elsewhere(url) if url else None
