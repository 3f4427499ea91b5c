"""What becomes of who is connected when serving ends."""

import socket

from starlette.applications import Starlette

from devicelog.console.door.patience import Impatient
from devicelog.console.server import Server


def test_who_came_while_it_ended_is_let_go(monkeypatch):
    """As one that was taken after the others had been told: nobody closes it."""
    monkeypatch.setattr(Impatient, "shutdown", lambda _: None)
    server = Server("127.0.0.1", 0)
    server.serve(Starlette(), server.listen())
    with socket.create_connection(("127.0.0.1", server.port), 5) as late:
        late.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = b""
        while not answer.endswith(b"Not Found"):
            answer += late.recv(65_536)
        server.close()
        assert late.recv(1) == b""
