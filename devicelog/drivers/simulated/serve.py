"""Virtual devices on ptys: the one file of the pure rooms that touches the world."""

import os
import pty
import selectors
import struct
import threading
import time
import tty
from typing import Final

from devicelog.drivers.load import load
from devicelog.drivers.modbus import ModbusDriver
from devicelog.drivers.simulated.ultrasound import Ultrasound
from devicelog.wire import modbus

_LOOK_S: Final = 0.2
_ILLEGAL_ADDRESS: Final = 2


class Virtual:
    """One device of the profile `us-modbus` behind its own wire."""

    def __init__(self, serial: str, seed: int) -> None:
        self._profile = load("us-modbus")
        self._driver = ModbusDriver(self._profile)
        self._framer = self._driver.framer()
        self._machine = Ultrasound(seed)
        self._identity = {"model": "SIM-US", "serial": serial, "firmware": "1.0"}

    def receive(self, data: bytes, now_s: float) -> bytes:
        """What it answers to these bytes at this time; b"" where it stays silent."""
        self._machine.advance(now_s)
        answer = b""
        for piece in self._framer.feed(data):
            asked = piece.data
            if len(asked) == len(modbus.request(1, 1, 0, 1)):
                answer += self._answer(asked)
        return answer

    def _answer(self, asked: bytes) -> bytes:
        unit, function, address, count = struct.unpack(">BBHH", asked[:6])
        if unit != self._profile.wire.unit:
            return b""
        for it in self._profile.requests:
            if (it.function, it.address, it.count) == (function, address, count):
                named = it.name == self._profile.identity
                values = self._identity if named else self._machine.values
                block = self._driver.encode(it.name, {**values})
                return modbus.response(unit, function, block)
        return modbus.exception(unit, function, _ILLEGAL_ADDRESS)


class Ptys:
    """Serves virtual devices, each on a pty of its own, in one thread."""

    def __init__(self, devices: list[Virtual]) -> None:
        self._selector = selectors.DefaultSelector()
        self._open: list[int] = []
        self.paths: list[str] = []
        for device in devices:
            ours, theirs = pty.openpty()
            tty.setraw(theirs)
            self._open += [ours, theirs]
            self.paths.append(os.ttyname(theirs))
            self._selector.register(ours, selectors.EVENT_READ, device)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="simulated")

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Pull all plugs."""
        self._ending.set()
        self._thread.join()
        self._selector.close()
        for fd in self._open:
            os.close(fd)

    def _run(self) -> None:
        began = time.monotonic()
        while not self._ending.is_set():
            for key, _ in self._selector.select(_LOOK_S):
                data = os.read(key.fd, 256)
                answer = key.data.receive(data, time.monotonic() - began)
                if answer:
                    os.write(key.fd, answer)
