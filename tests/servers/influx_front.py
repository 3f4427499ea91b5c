"""Makes an InfluxDB 1.x answer what a 2.x client says: paths and credentials mapped.

    python influx_front.py PORT UPSTREAM_PORT

`/api/v2/write?bucket=` becomes `/write?db=`, `Token user:password` becomes Basic. All
else passes as it is. Where the server does not answer, the client's line is cut, as the
server's own death would cut it. InfluxDB 1.8 has these two mappings built in.
"""

import base64
import contextlib
import http.client
import sys
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PASSED = ("Content-Type", "Content-Encoding")


class Front(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else an answer in two parts waits 40 ms
    upstream = 0
    line = None

    def do_GET(self):
        size = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(size) if size else None
        try:
            if self.line is None:
                self.line = http.client.HTTPConnection("127.0.0.1", self.upstream)
            self.line.request(self.command, self.mapped(), body, self.named())
            answer = self.line.getresponse()
            data = answer.read()
        except (OSError, http.client.HTTPException):
            self.line = None
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name in ("Content-Type", "X-Influxdb-Version"):
            if answer.getheader(name):
                self.send_header(name, answer.getheader(name))
        if answer.status != 204:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_POST = do_GET

    def mapped(self):
        url = urllib.parse.urlsplit(self.path)
        if url.path != "/api/v2/write":
            return self.path
        asked = dict(urllib.parse.parse_qsl(url.query))
        words = {"db": asked["bucket"], "precision": asked.get("precision", "ns")}
        return "/write?" + urllib.parse.urlencode(words)

    def named(self):
        passed = {n: self.headers[n] for n in PASSED if n in self.headers}
        kind, _, token = self.headers.get("Authorization", "").partition(" ")
        if kind == "Token":
            secret = base64.b64encode(token.encode()).decode()
            passed["Authorization"] = f"Basic {secret}"
        return passed

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_):
        pass  # a client that was killed is no news


if __name__ == "__main__":
    port, Front.upstream = map(int, sys.argv[1:])
    with contextlib.suppress(KeyboardInterrupt):
        Server(("127.0.0.1", port), Front).serve_forever()
