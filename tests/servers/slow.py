"""A broker that takes everything and answers only so many publishes."""

import contextlib
import socket
import threading


class Slow:
    """One connection; both versions as far as devicelog uses them.

    `farewell`: sent in place of the first answer that is withheld, then it closes.
    `at_once`: how many unanswered ones it says that it can bear (MQTT 5).
    """

    def __init__(self, answers, farewell=b"", at_once=65535):
        self.publishes = 0
        self._answers = answers
        self._farewell = farewell
        self._at_once = at_once
        self._five = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_: object):
        self._thread.join(10)
        self._listener.close()

    def _serve(self):
        sock, _ = self._listener.accept()
        with contextlib.suppress(ConnectionError), sock, sock.makefile("rb") as wire:
            while head := wire.read(1):
                size = shift = 0
                while True:
                    (digit,) = wire.read(1)
                    size |= (digit & 127) << shift
                    shift += 7
                    if digit < 128:
                        break
                if self._answer(sock, head[0] >> 4, wire.read(size)):
                    return

    def _answer(self, sock, kind, body):
        none = b"\x00" if self._five else b""  # no properties
        if kind == 1:  # CONNECT
            self._five = body[6] == 5
            limit = b"\x03\x21" + self._at_once.to_bytes(2, "big")
            sock.sendall(_packet(0x20, b"\x00\x00" + (limit if self._five else b"")))
        elif kind == 8:  # SUBSCRIBE
            sock.sendall(_packet(0x90, body[:2] + none + b"\x01"))
        elif kind == 10:  # UNSUBSCRIBE
            reason = b"\x11" if self._five else b""
            sock.sendall(_packet(0xB0, body[:2] + none + reason))
        elif kind == 3:  # PUBLISH
            self.publishes += 1
            at = 2 + int.from_bytes(body[:2], "big")
            if self.publishes <= self._answers:
                sock.sendall(_packet(0x40, body[at : at + 2]))
            elif self._farewell:
                sock.sendall(self._farewell)
                return True
        return False


def _packet(head, body):
    return bytes([head, len(body)]) + body
