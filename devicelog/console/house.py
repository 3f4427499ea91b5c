"""What the console works with: the recording, its control, keys, words, logins."""

from collections.abc import Callable, Iterator
from zoneinfo import ZoneInfo

import msgspec

from devicelog.console.door.logins import Logins
from devicelog.console.door.throttle import Throttle
from devicelog.console.texts import Texts
from devicelog.export.words import Words
from devicelog.operations.recording import Recording
from devicelog.operations.socket import Request
from devicelog.records.keys import Keyring


class House(msgspec.Struct, frozen=True):
    """`handle` is `control.handle`: every write goes through it.

    `keyring` None: nobody can be named, and nobody can come in but by `links`, which
    map a one-time word to a user (a demonstration prints them).
    """

    recording: Recording
    handle: Callable[[Request], Iterator[object]]
    texts: Texts
    words: Words
    zone: ZoneInfo
    logins: Logins
    throttle: Throttle
    hosts: frozenset[str]
    tls: bool = False
    links: dict[str, str] = msgspec.field(default_factory=dict)

    @property
    def keyring(self) -> Keyring | None:
        """What names and users are sealed with."""
        return self.recording.keyring

    @property
    def directory(self) -> str:
        """Of the journal."""
        return self.recording.directory
