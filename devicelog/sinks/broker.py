"""A broker of our own, for `demo` and `mqtt.embedded = true`: amqtt on loopback.

It runs in a child process, so that its event loop and its tracebacks stay out of the
recorder; it ends when the pipe to its parent closes, however that happens. It speaks
MQTT 3.1.1 only, asks for no password and keeps nothing: whoever is on this machine may
listen and publish. A clinic uses Mosquitto (config/mosquitto/).
"""

import asyncio
import contextlib
import select
import subprocess
import sys
from typing import Final

from devicelog.errors import SinkUnavailable

_READY: Final = "ready"
_START_S: Final = 4.0
_STOP_S: Final = 2.0


class Broker:
    """The child, from the side of the recorder. `ensure` as often as you like."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._child: subprocess.Popen[str] | None = None
        self._ready = False

    def ensure(self) -> None:
        """Start it unless it runs. Raises SinkUnavailable while it is not ready."""
        if self._child is None or self._child.poll() is not None:
            self.stop()
            self._child = subprocess.Popen(  # noqa: S603  (this interpreter, our module)
                [sys.executable, "-P", "-m", "devicelog.sinks.broker", str(self._port)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                start_new_session=True,  # a Ctrl-C is for the recorder
            )
        if not self._ready:
            self._await(self._child)

    def stop(self) -> None:
        """End it and wait, for two seconds at most."""
        child, self._child, self._ready = self._child, None, False
        if child is None:
            return
        with child:
            if child.stdin is not None:
                child.stdin.close()
            try:
                child.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                child.kill()

    def _await(self, child: subprocess.Popen[str]) -> None:
        said = child.stdout
        if said is None or not select.select([said], [], [], _START_S)[0]:
            raise SinkUnavailable("the embedded broker is starting")
        word = said.readline().strip()
        self._ready = word == _READY
        if not self._ready:
            self.stop()
            raise SinkUnavailable(
                f"the embedded broker cannot run: {word or 'it ended at once'}",
                hint="another mqtt.port, or a broker of your own (mqtt.embedded ="
                " false); the package comes with the extra `demo`",
            )


# --- The child --------------------------------------------------------------------


async def _serve(port: int) -> None:
    # An extra, and slow to import.
    from amqtt.broker import (  # type: ignore[import-untyped]  # noqa: PLC0415
        Broker as Amqtt,
    )

    broker = Amqtt(
        {
            "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
            "plugins": {
                "amqtt.plugins.authentication.AnonymousAuthPlugin": {
                    "allow_anonymous": True
                }
            },
        }
    )
    await broker.start()
    sys.stdout.write(f"{_READY}\n")
    sys.stdout.flush()
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(None, sys.stdin.read)  # until the parent is gone
    await broker.shutdown()


def main() -> None:
    """Serve until standard input ends; say `ready`, or in one line why not."""
    try:
        asyncio.run(_serve(int(sys.argv[1])))
    except Exception as error:  # noqa: BLE001  (the parent is told, whatever it is)
        with contextlib.suppress(OSError):
            sys.stdout.write(f"{error.__cause__ or error}\n")
            sys.stdout.flush()
        sys.exit(1)


if __name__ == "__main__":
    main()
