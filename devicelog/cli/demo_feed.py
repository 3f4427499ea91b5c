"""The demo's own broker, and the line with which anybody on this machine can watch."""

import importlib.util
import socket
from typing import Final, NamedTuple

_USUAL: Final = 1883  # where every client looks first
_LOOPBACK: Final = "127.0.0.1"


class Feed(NamedTuple):
    """`table` of the configuration, empty where no broker is; `note` for a person."""

    table: str
    note: str


def feed() -> Feed:
    """A broker on the usual port if that is free, else on another."""
    if importlib.util.find_spec("amqtt") is None:
        return Feed("", "For the live feed over MQTT: pip install amqtt")
    port = _free(_USUAL) or _free(0)
    where = "" if port == _USUAL else f"-p {port} "
    return Feed(
        f"[mqtt]\nembedded = true\nport = {port}\n",
        f"Live over MQTT, port {port}: mosquitto_sub {where}-v -t 'devicelog/#'",
    )


def _free(port: int) -> int:
    """This port (0: any) if it is free, else 0."""
    try:
        with socket.create_server((_LOOPBACK, port)) as it:
            return int(it.getsockname()[1])
    except OSError:
        return 0
