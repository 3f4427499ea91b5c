"""An InfluxDB harsher than any: it refuses, hangs, cuts, forgets, and counts."""

import gzip
import json
import re
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LINE = re.compile(
    r'(?P<head>\S+) (?P<fields>(?:[^" ]|"(?:[^"\\]|\\.)*")+) (?P<at>-?\d+)'
)
FIELD = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|[^,]*)')
SELECT = re.compile(r'SELECT \* FROM "?(\w+)"?(?: WHERE (.*?))?(?: LIMIT (\d+))?$')


def value(text):
    if text.startswith('"'):
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    if text in ("true", "false"):
        return text == "true"
    return int(text[:-1]) if text.endswith("i") else float(text)


def parse(line):
    """The point of a line: (measurement, {tag: value}, ns), fields."""
    it = LINE.fullmatch(line)
    assert it, f"not a line: {line!r}"
    measurement, *tags = it["head"].split(",")
    pairs = tuple(tuple(tag.split("=", 1)) for tag in tags)
    fields = {name: value(text) for name, text in FIELD.findall(it["fields"])}
    assert fields
    return (measurement, pairs, int(it["at"])), fields


class FakeInflux:
    """`moods`: what the next writes are answered, a status or hang, cut, ok.

    `poison`: a line holding this is refused; `style` says how: `1.x` (400, the rest
    stored), `400` (2.x, a malformed line: nothing stored), `422` (2.x, a conflict: the
    rest stored). `forgets`: so many lines are dropped though they are acknowledged.
    """

    def __init__(self, host="127.0.0.1"):
        self.moods = []
        self.poison = None
        self.style = "1.x"
        self.most = 100_000
        self.forgets = 0
        self.refuses_all = False
        self.points = {}
        self.writes = []  # lines of each write
        self.queries = []
        self.headers = []
        self.query_error = ""
        self.started = "2026-11-24T00:00:00Z"
        self.hung = threading.Event()
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            timeout = 20

            def do_GET(self):
                fake.handle(self)

            do_POST = do_GET

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer((host, 0), Handler)
        self.server.handle_error = lambda *_: None
        self.url = f"http://{host}:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def close(self):
        self.hung.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    # --- Answers -------------------------------------------------------------------

    def handle(self, http):
        size = int(http.headers.get("Content-Length", 0))
        body = http.rfile.read(size)
        if http.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        url = urllib.parse.urlsplit(http.path)
        asked = dict(urllib.parse.parse_qsl(url.query))
        self.headers.append(dict(http.headers))
        if url.path == "/api/v2/write":
            self.write(http, body.decode(), asked)
        elif url.path == "/query":
            self.queries.append(asked["q"])
            results = [self.select(it) for it in asked["q"].split(";")]
            self.answer(http, 200, {"results": results})
        elif url.path == "/ready" and self.started:
            self.answer(http, 200, {"status": "ready", "started": self.started})
        else:
            self.answer(http, 404, {"error": "not found"})

    def answer(self, http, status, told=None, **headers):
        data = json.dumps(told).encode() if told is not None else b""
        http.send_response(status)
        for name, it in headers.items():
            http.send_header(name.replace("_", "-"), it)
        if status != 204:
            http.send_header("Content-Length", str(len(data)))
        http.end_headers()
        http.wfile.write(data)

    def write(self, http, text, asked):
        lines = text.split("\n")
        assert asked["precision"] == "ns"
        self.writes.append(lines)
        mood = self.moods.pop(0) if self.moods else "ok"
        if mood == "hang":
            self.hung.wait(15)
            http.close_connection = True
        elif mood == "cut":
            self.store(lines[: len(lines) // 2])
            http.close_connection = True
        elif mood != "ok":
            more = {"Retry_After": "7"} if mood == 429 else {}
            self.answer(http, mood, {"error": f"mood {mood}"}, **more)
        elif len(lines) > self.most:
            self.answer(http, 413, {"error": "Request Entity Too Large"})
        elif self.refuses_all:
            self.answer(http, 400, {"error": "bucket is required"})
        else:
            self.judge(http, lines)

    def judge(self, http, lines):
        bad = [it for it in lines if self.poison and self.poison in it]
        good = [it for it in lines if it not in bad]
        if bad and self.style == "400":
            told = {"code": "invalid", "message": f"unable to parse: {bad[0][:40]}"}
            self.answer(http, 400, told)
            return
        while bad and good and self.forgets:
            self.forgets -= 1
            good.pop()
        self.store(good)
        if not bad:
            self.answer(http, 204)
        elif self.style == "422":
            told = {
                "code": "unprocessable entity",
                "message": "type conflict dropped=1",
            }
            self.answer(http, 422, told)
        else:
            told = {"error": "partial write: field type conflict dropped=0"}
            self.answer(http, 400, told)

    def store(self, lines):
        for line in lines:
            key, fields = parse(line)
            self.points.setdefault(key, {}).update(fields)

    def select(self, query):
        if self.query_error:
            return {"statement_id": 0, "error": self.query_error}
        if query.startswith("SHOW"):
            return {"statement_id": 0}
        measurement, where, limit = SELECT.fullmatch(query).groups()
        rows = []
        for (name, tags, at), fields in sorted(
            self.points.items(), key=lambda it: it[0][2]
        ):
            cells = dict(tags) | fields
            if name == measurement and all(
                holds(word, cells, at) for word in (where or "").split(" AND ") if word
            ):
                rows.append({"time": at} | cells)
        rows = rows[: int(limit)] if limit else rows
        if not rows:
            return {"statement_id": 0}
        columns = ["time", *sorted({name for row in rows for name in row} - {"time"})]
        values = [[row.get(name) for name in columns] for row in rows]
        series = [{"name": measurement, "columns": columns, "values": values}]
        return {"statement_id": 0, "series": series}

    def of(self, measurement):
        return {key: it for key, it in self.points.items() if key[0] == measurement}


def holds(word, cells, at):
    name, sign, text = word.split(" ")
    name = name.strip('"')
    if name == "time":
        return at >= int(text) if sign == ">=" else at <= int(text)
    wanted = {"true": True, "false": False}.get(text, text.strip("'"))
    return name in cells and (cells[name] == wanted) == (sign == "=")
