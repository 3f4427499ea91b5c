"""The console of the demo: a link a role, good from its first second on."""

import secrets
from typing import Final

from devicelog.console.beginning import Beginning
from devicelog.daemon import Daemon
from devicelog.errors import DevicelogError
from devicelog.model.users import ROLES
from devicelog.simulation.names import named

_HOST: Final = "127.0.0.1"


class DemoConsole:
    """Tells how far the days before are, then lets people in.

    `links` are words for the screen. Where the port cannot be had they say so, and the
    demo goes on without a console.
    """

    def __init__(self, port: int, site: str) -> None:
        self.words = {secrets.token_urlsafe(16): role for role in ROLES}
        self.port = port
        self._beginning: Beginning | None = None
        try:
            self._beginning = Beginning(_HOST, port, site)
        except DevicelogError as error:
            self.links = f"No console: {error.message}; choose another with --console"
            return
        self.port = self._beginning.port
        url = self._beginning.url
        told = "".join(
            f"\n  {role:10} {url}/enter/{it}" for it, role in self.words.items()
        )
        self.links = f"The console, by role:{told}"

    def over(self, days: int, of: int) -> None:
        """So many of the days before are made."""
        if self._beginning is not None:
            self._beginning.over(days, of)

    def serve(self, daemon: Daemon) -> None:
        """The real one takes its place; made-up patients have names by then."""
        it = daemon.recording
        if it.keyring is not None:
            named(it.directory, it.keyring, it.writer, it.clock)
        if self._beginning is not None:
            beginning, self._beginning = self._beginning, None
            daemon.serve(self.words, beginning.end())

    def close(self) -> None:
        """If it never came to that."""
        if self._beginning is not None:
            self._beginning.end().close()
            self._beginning = None
