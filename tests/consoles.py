"""A recorder of virtual devices with its console, in this process, at a free port."""

import contextlib
import secrets
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from devicelog.cli import demo
from devicelog.daemon import Daemon
from devicelog.model.users import ROLES
from devicelog.operations.config import parse
from devicelog.operations.socket import Request

CONFIG = """
[site]
name = "sim-clinic"
timezone = "Europe/Berlin"
simulated = true
[journal]
directory = "{directory}"
ballast_mb = 0
[console]
port = 0
language = "{language}"
"""


class Clinic:
    """`url` is where it is; `words` come in, one a role."""

    def __init__(self, daemon: Daemon, url: str, words: dict[str, str]) -> None:
        self.daemon, self.url, self.words = daemon, url, words

    def do(self, op: str, **args: Any) -> Any:
        """A write, as the socket would take it; its answer."""
        request = Request(uuid.uuid4().hex, op, args, "test")
        (answer,) = self.daemon.ask(request)
        return answer

    def entry(self, role: str) -> str:
        """The link that lets this role in."""
        word = next(word for word, it in self.words.items() if it == role)
        return f"{self.url}/enter/{word}"

    def client(self, role: str | None = None) -> httpx.Client:
        """A browser without script; of somebody who came in, or of nobody.

        Its cookies are Secure, and the address is http: so they are put in by hand, as
        browsers do for loopback.
        """
        headers = {"origin": self.url}
        if role is not None:
            answer = httpx.get(self.entry(role))
            headers["cookie"] = answer.headers["set-cookie"].partition(";")[0]
        return httpx.Client(base_url=self.url, headers=headers)


@contextlib.contextmanager
def clinic(
    directory: Path, *, devices: int = 4, language: str = "en", seed: int = 1
) -> Iterator[Clinic]:
    """Virtual devices, recorded, shown."""
    with demo._clinic(devices, seed) as blocks:
        said = "".join(demo._DEVICE.format(**it) for it in blocks)
        text = CONFIG.format(directory=directory, language=language) + said
        with demo._recording(parse(text, "test", {})) as daemon:
            words = {secrets.token_urlsafe(16): role for role in ROLES}
            url = daemon.serve(words)
            assert url
            yield Clinic(daemon, url, words)
