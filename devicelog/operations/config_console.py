"""What must hold of `[console]` beyond its shape."""

import ipaddress
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from devicelog import strict

_HIGHEST: Final = 65_535


def problems(table: strict.Table, values: object) -> Iterator[strict.Problem]:
    """On a network only with a certificate; files that are there; a port."""
    if not isinstance(values, dict):
        return
    host, port = values.get("host", "127.0.0.1"), values.get("port", 0)
    files = {key: values.get(key, "") for key in ("certificate_file", "key_file")}
    if isinstance(host, str) and not _loopback(host) and not all(files.values()):
        yield table.problem(
            "console.host",
            f'"{host}" is seen from the network, and there is no certificate',
            '`devicelog console cert` makes one; or host = "127.0.0.1"',
        )
    for key, path in files.items():
        if isinstance(path, str) and path and not Path(path).is_file():
            yield table.problem(
                f"console.{key}", f'"{path}" is no file', "`devicelog console cert`"
            )
    if bool(files["certificate_file"]) != bool(files["key_file"]):
        yield table.problem(
            "console.key_file", "a certificate needs its key", "name both, or none"
        )
    if isinstance(port, int) and not 0 <= port <= _HIGHEST:
        yield table.problem("console.port", f"{port} is no port", "as in 8470")
    for key, most in (("idle_min", 24 * 60), ("longest_h", 24)):
        value = values.get(key, 1)
        if isinstance(value, int | float) and not 0 < value <= most:
            yield table.problem(
                f"console.{key}", f"{value} is out of bounds", f"up to {most}"
            )


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
