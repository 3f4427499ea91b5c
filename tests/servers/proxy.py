"""A line between two ports of this machine that can go dead without being closed."""

import select
import socket
import threading


class Proxy:
    """Passes bytes on; `freeze` stops reading on both sides, and keeps all sockets.

    `passed`: all bytes of each direction of each connection, where `keep` is asked for.
    """

    def __init__(self, port, *, keep=False):
        self.passed = []
        self._keep = keep
        self._streams = {}
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._frozen = self._cutting = False
        self._pairs = {}
        self._wake, self._woken = socket.socketpair()
        self._thread = threading.Thread(target=self._run)
        self._ending = False

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_: object):
        self._ending = True
        self._wake.send(b".")
        self._thread.join()
        for sock in (*self._pairs, self._listener, self._wake, self._woken):
            sock.close()

    def freeze(self):
        self._frozen = True
        self._wake.send(b".")

    def thaw(self):
        self._frozen = False
        self._wake.send(b".")

    def cut(self):
        """Close all that is open, as a router that restarts."""
        self._cutting = True
        self._wake.send(b".")

    def _run(self):
        while not self._ending:
            watched = [] if self._frozen else [self._listener, *self._pairs]
            readable, _, _ = select.select([self._woken, *watched], [], [])
            for sock in readable:
                if sock is self._woken:
                    sock.recv(64)
                elif sock is self._listener:
                    one, _ = sock.accept()
                    other = socket.create_connection(("127.0.0.1", self._target))
                    self._pairs |= {one: other, other: one}
                    for it in (one, other) if self._keep else ():
                        self._streams[it] = bytearray()
                        self.passed.append(self._streams[it])
                elif sock in self._pairs:
                    self._pass(sock)
            if self._cutting:
                self._cutting = False
                while self._pairs:
                    self._close(next(iter(self._pairs)))

    def _pass(self, sock):
        try:
            data = sock.recv(65536)
            if self._keep:
                self._streams[sock] += data
            self._pairs[sock].sendall(data)
        except OSError:
            data = b""
        if not data:
            self._close(sock)

    def _close(self, sock):
        other = self._pairs.pop(sock)
        self._pairs.pop(other)
        sock.close()
        other.close()
