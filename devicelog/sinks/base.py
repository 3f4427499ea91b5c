"""The contract between the relay and a sink.

A sink takes entries of the journal and writes what they are about. What can be
overwritten there (a session's row, a retained topic) it writes as it stands in the
journal's projections at that moment, never from the entry's body: else an entry from
a gap would overwrite the newer state.
"""

import enum
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import msgspec

from devicelog.journal.reader import Reader
from devicelog.model.delivery import Position, Progress
from devicelog.model.flow import Entry


class Said(enum.Enum):
    """What a sink answers to one entry, beside a `Rejected`."""

    TAKEN = "taken"  # written, or nothing of it concerns this sink
    KEEP = "keep"  # not now; it and all after it come again
    WAIT = "wait"  # its time is not known yet; set aside until it is


class Rejected(msgspec.Struct, frozen=True):
    """The sink will never take this entry."""

    reason: str


Answer = Said | Rejected


class Sink(Protocol):
    """One place where entries go. Used by one thread, that of its relay.

    Every call returns or raises within some seconds. SinkUnavailable: the sink is away
    or refuses us; nothing of the batch counts, the relay waits and connects anew.
    """

    name: str

    def connect(self) -> None:
        """Be ready to send, once more. Raises SinkUnavailable."""

    def present(self, view: Reader) -> None:
        """Write everything that can be overwritten, as it stands. After `connect`.

        Raises SinkUnavailable.
        """

    def send(
        self, entries: Sequence[Entry], *, historical: bool, view: Reader
    ) -> Sequence[Answer]:
        """Write these, in order; an answer to each, made when the sink has told it.

        A repeat of what was sent before must change nothing. Raises SinkUnavailable.
        """

    def tend(self, view: Reader) -> None:
        """Each second while there is nothing to send. Raises SinkUnavailable."""

    def close(self) -> None:
        """Let go; never raises, never waits long."""


@runtime_checkable
class Store(Protocol):
    """A sink that can be read back. Both calls raise SinkUnavailable."""

    def started(self) -> str:
        """When the server began its present life; empty if it does not say."""

    def lacking(self, entries: Sequence[Entry], view: Reader) -> Sequence[Entry]:
        """Those that do not stand in the store as they stand in the journal."""


class Journal(Protocol):
    """What a relay asks of the journal's writer."""

    @property
    def committed(self) -> int:
        """The last durable `seq`."""

    def deliver(self, progress: Progress) -> None:
        """Make this durable with the next commit."""

    def alarm(self, name: str, text: str, remedy: str = "") -> None:
        """Tell something a person must know."""

    def clear(self, name: str, text: str) -> None:
        """It is over."""


class RelayStatus(msgspec.Struct, frozen=True):
    """How a sink stands. `since_ns`: since when it is there, or away. UTC."""

    sink: str
    connected: bool
    since_ns: int
    text: str
    position: Position
    pending: int
    rejected: int
