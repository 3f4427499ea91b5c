"""A Grafana of documented routes only, which keeps what it is told.

Written from Grafana's HTTP API pages (health, data source, folder, dashboard). What is
asked beside them, or with a key that they do not name, stands in `wrong` and fails the
test.
"""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOKEN = "glsa_right"  # noqa: S105  the stub's own
READER = "glsa_reader"  # an Editor: may write dashboards, sees no data source
SOURCE = {
    *("uid", "name", "type", "access", "url", "user", "database", "jsonData"),
    *("secureJsonData", "basicAuth", "isDefault", "id", "orgId", "version"),
}
JSON_DATA = {"dbName", "httpMode", "version", "httpHeaderName1"}
SECRETS = {"password", "httpHeaderValue1"}
DASHBOARD = {
    *("id", "uid", "title", "description", "tags", "timezone", "editable", "panels"),
    *("graphTooltip", "time", "templating", "annotations", "links", "schemaVersion"),
    *("version", "refresh", "fiscalYearStartMonth", "liveNow", "weekStart"),
}
SAVE = {"dashboard", "folderUid", "message", "overwrite", "folderId"}


class Stub:
    """`writes` counts what changed something; `requests` everything."""

    def __init__(self, version="11.6.0"):
        self.version = version
        self.sources, self.folders, self.dashboards = {}, {}, {}
        self.provisioned = set()
        self.requests, self.writes, self.wrong = [], [], []
        self.secrets = {}
        self.html = False
        handler = type("Handler", (_Handler,), {"stub": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_: object):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        assert not self.wrong, self.wrong

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, method, path, body, token):
        """(status, body) of one request."""
        self.requests.append((method, path))
        if (method, path) == ("GET", "/api/health"):
            return 200, {"database": "ok", "version": self.version, "commit": "abc"}
        if token not in (TOKEN, READER):
            return 401, {"message": "Invalid API key"}
        for (known, prefix), route in ROUTES.items():
            if known == method and path.startswith(prefix):
                status, told = route(self, path.removeprefix(prefix), body, token)
                if method != "GET" and status == 200:
                    self.writes.append((method, path))
                return status, told
        self.wrong.append(f"{method} {path} is no documented route")
        return 404, {"message": "Not found"}

    def check(self, body, known, what):
        self.wrong += [f"{what} has no key {it}" for it in body.keys() - known]

    # --- Data sources ---------------------------------------------------------------

    def get_source(self, uid, _, token):
        if token == READER:
            return 403, {"message": "You'll need additional permissions"}
        if uid not in self.sources:
            return 404, {"message": "Data source not found"}
        fields = dict.fromkeys(self.secrets[uid], True)
        read_only = uid in self.provisioned
        more = {"secureJsonFields": fields, "readOnly": read_only}
        return 200, self.sources[uid] | more

    def write_source(self, uid, body, token):
        if token == READER:
            return 403, {"message": "You'll need additional permissions"}
        self.check(body, SOURCE, "a data source")
        self.check(body["jsonData"], JSON_DATA, "jsonData")
        self.check(body["secureJsonData"], SECRETS, "secureJsonData")
        uid = uid or body["uid"]
        self.secrets[uid] = body.pop("secureJsonData")
        self.sources[uid] = {"id": 1, "orgId": 1, "typeLogoUrl": ""} | body
        return 200, {"datasource": self.sources[uid], "message": "Datasource added"}

    def put_source(self, uid, body, token):
        if uid not in self.sources:
            return 404, {"message": "Data source not found"}
        return self.write_source(uid, body, token)

    # --- Folders --------------------------------------------------------------------

    def get_folder(self, uid, _, __):
        if uid not in self.folders:
            return 404, {"message": "folder not found"}
        return 200, self.folders[uid]

    def post_folder(self, _, body, __):
        self.check(body, {"uid", "title"}, "a folder")
        if body["uid"] in self.folders:
            return 412, {"message": "a folder with the same uid already exists"}
        if body["title"] in {it["title"] for it in self.folders.values()}:
            return 409, {"message": "a folder with the same name already exists"}
        self.folders[body["uid"]] = body
        return 200, body

    # --- Dashboards -----------------------------------------------------------------

    def get_dashboard(self, uid, _, __):
        if uid not in self.dashboards:
            return 404, {"message": "Dashboard not found"}
        board, folder = self.dashboards[uid]
        meta = {"folderUid": folder, "provisioned": uid in self.provisioned}
        return 200, {"dashboard": board, "meta": meta}

    def post_dashboard(self, _, body, __):
        self.check(body, SAVE, "a dashboard's envelope")
        board, folder = body["dashboard"], body.get("folderUid", "")
        self.check(board, DASHBOARD, "a dashboard")
        uid = board["uid"]
        if folder and folder not in self.folders:
            return 400, {"message": "folder not found"}
        if uid in self.provisioned:
            return 400, {"message": "Cannot save provisioned dashboard"}
        before = self.dashboards.get(uid)
        if before and not body.get("overwrite"):
            old = {n: before[0][n] for n in ("id", "version")}
            if {n: board.get(n) for n in old} != old:
                message = "The dashboard has been changed by someone else"
                return 412, {"status": "version-mismatch", "message": message}
        number = before[0]["id"] if before else len(self.dashboards) + 1
        version = before[0]["version"] + 1 if before else 1
        self.dashboards[uid] = (board | {"id": number, "version": version}, folder)
        return 200, {"id": number, "uid": uid, "status": "success", "version": version}


ROUTES = {
    ("GET", "/api/datasources/uid/"): Stub.get_source,
    ("PUT", "/api/datasources/uid/"): Stub.put_source,
    ("POST", "/api/datasources"): Stub.write_source,
    ("GET", "/api/folders/"): Stub.get_folder,
    ("POST", "/api/folders"): Stub.post_folder,
    ("GET", "/api/dashboards/uid/"): Stub.get_dashboard,
    ("POST", "/api/dashboards/db"): Stub.post_dashboard,
}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer is one packet
    stub: Stub

    def _any(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or b"null")
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        status, told = self.stub.answer(self.command, self.path, body, token)
        text = b"<html>a router</html>" if self.stub.html else json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = _any

    def log_message(self, *_):
        """Say nothing."""
