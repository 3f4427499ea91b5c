"""Errors, classed by whose move is next.

    DevicelogError
    |- ConfigError       the operator's: correct the file         exit 3
    |- PortError         ours: try again later                    (retryable)
    |  `- LineLost       the line went away under our hands       (retryable)
    |- ProtocolError     nobody's: it is recorded and passed over
    |- JournalError      everybody's: stop, data are at risk      exit 1
    |  |- JournalBusy    another recorder holds the directory
    |  |- JournalDamaged what is asked for cannot be read        exit 5
    |  `- JournalRefused a journal that this program may not write
    |- Unconfirmed       the asker's: look, and confirm
    |- Incomplete        the reader's: the answer leaves something open    exit 5
    |- Unreachable       the caller's: no recorder answers        exit 4
    |- SinkUnavailable   ours: send again later                   (retryable)
    `- SinkRejected      ours: set the entry aside, go on

A message says what, where and which value; the hint says what to do. Neither ever
names a patient.
"""


class DevicelogError(Exception):
    """Base of all errors that devicelog raises on purpose."""

    retryable = False
    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class ConfigError(DevicelogError):
    """What the operator wrote cannot be used as it stands."""

    exit_code = 3


class PortError(DevicelogError):
    """A port cannot be opened now. `state` tells the kinds apart (recorder.port)."""

    retryable = True

    def __init__(self, message: str, *, hint: str = "", state: str = "missing") -> None:
        super().__init__(message, hint=hint)
        self.state = state


class LineLost(PortError):
    """An open port went away: unplugged, hung up, closed."""


class ProtocolError(DevicelogError):
    """The device spoke wrongly. Recorded; never raised by bytes from outside."""


class JournalError(DevicelogError):
    """The journal cannot promise what it must. Recording stops."""


class JournalBusy(JournalError):
    """Another process records into this directory."""


class JournalDamaged(JournalError):
    """What is asked for is not as it was written; the rest of the journal may be."""

    exit_code = 5


class JournalRefused(JournalError):
    """A journal of a newer version, or simulated where real is asked, or reverse."""


class Unreachable(DevicelogError):
    """No recorder answers where one was asked."""

    exit_code = 4


class Incomplete(DevicelogError):
    """What was asked has an answer, but the data leave a part of it open."""

    exit_code = 5


class Unconfirmed(DevicelogError):
    """It can be done, but only if a person says that it is meant."""


class SinkUnavailable(DevicelogError):
    """A sink cannot take entries now; they stay in the journal.

    `retry_after_s`: sooner it makes no sense to ask again (a refused password).
    """

    retryable = True

    def __init__(
        self, message: str, *, hint: str = "", retry_after_s: float = 0.0
    ) -> None:
        super().__init__(message, hint=hint)
        self.retry_after_s = retry_after_s


class SinkRejected(DevicelogError):
    """A sink will never take this entry; it is set aside with the reason."""
