"""The state of one device's line, each with its own sentence and remedy."""

from typing import Final

from devicelog.errors import PortError
from devicelog.model.flow import Identity
from devicelog.model.states import LineState

_SENTENCES: Final[dict[LineState, str]] = {
    "closed": "not opened yet",
    "silent": "open, no byte arrives: is the device on, is this its cable?",
    "noise": "open, bytes arrive, none decode: wrong speed, format or profile?",
    "unverified": "frames arrive, the device has not yet said who it is",
    "online": "online",
}


class LineWatch:
    """Judges by what came last, and when. Times are monotonic ns.

    `since`: when the state became what it is; None: it has been so from the start.
    """

    def __init__(self, quiet_ns: int) -> None:
        self._quiet = quiet_ns
        self._opened: int | None = None
        self._byte: int | None = None
        self._frame: int | None = None
        self._reading: int | None = None
        self._complaint: tuple[LineState, str] | None = None
        self._next = 0
        self.state: LineState = "closed"
        self.text = _SENTENCES["closed"]
        self.since: int | None = None

    @property
    def deadline(self) -> int | None:
        """When to look again, while the port is open."""
        return None if self._opened is None else self._next

    def opened(self, mono_ns: int) -> None:
        """The port is open."""
        self._opened = mono_ns
        self._next = mono_ns + self._quiet
        self._byte = self._frame = self._reading = None
        self._complaint = None

    def byte(self, mono_ns: int) -> None:
        """Bytes arrived."""
        self._byte = mono_ns

    def frame(self, mono_ns: int) -> None:
        """A whole frame arrived."""
        self._frame = mono_ns

    def reading(self, mono_ns: int) -> bool:
        """A reading arrived; True if the state changed."""
        self._reading, self._complaint = mono_ns, None
        return self._become("online", _SENTENCES["online"], mono_ns)

    def complain(self, state: LineState, text: str) -> bool:
        """Frames arrive that give no reading, for this reason; True if it is new."""
        new = (state, text) != self._complaint
        self._complaint = (state, text)
        return new

    def refuse(self, text: str, mono_ns: int) -> bool:
        """Another device answers here, in words; at once foreign. True if it is new."""
        self._reading = None
        self._become("foreign", text, mono_ns)
        return self.complain("foreign", text)

    def closed(self, error: PortError, mono_ns: int) -> bool:
        """The port is lost, or could not be opened; True if the state changed."""
        self._opened = None
        state: LineState = "missing"
        for known in ("busy", "forbidden", "unusable"):
            if error.state == known:
                state = known
        return self._become(state, str(error), mono_ns)

    def judge(self, mono_ns: int) -> bool:
        """Look at what came last; True if the state changed."""
        if self._opened is None:
            return False
        self._next = mono_ns + self._quiet
        if self._fresh(self._reading, mono_ns):
            return False
        if self._fresh(self._frame, mono_ns):
            unverified: tuple[LineState, str] = ("unverified", _SENTENCES["unverified"])
            return self._become(*(self._complaint or unverified), mono_ns)
        if mono_ns - self._opened < self._quiet and self.state != "online":
            return False
        state: LineState = "noise" if self._fresh(self._byte, mono_ns) else "silent"
        return self._become(state, _SENTENCES[state], mono_ns)

    # --- Private ------------------------------------------------------------------

    def _fresh(self, mark: int | None, mono_ns: int) -> bool:
        return mark is not None and mono_ns - mark < self._quiet

    def _become(self, state: LineState, text: str, mono_ns: int) -> bool:
        changed = state != self.state
        if changed:
            self.since = mono_ns
        self.state, self.text = state, text
        return changed


class IdentityCheck:
    """Whether the device at the other end is the one that is meant: `name`.

    `serial` is its configured serial number, or empty; `known` what it said of itself
    the first time; `owners` maps serial numbers to the names of the devices that they
    belong to, shared by all devices, so that two swapped cables are told by name.
    """

    def __init__(
        self,
        name: str,
        serial: str,
        known: Identity | None,
        owners: dict[str, str] | None,
        *,
        can_ask: bool,
    ) -> None:
        self._name = name
        self._serial = serial
        self.known = known
        self._owners = {} if owners is None else owners
        self._can_ask = can_ask
        self.verified = not can_ask

    @property
    def proved(self) -> bool:
        """Whether it was asked, and answered as meant."""
        return self._can_ask and self.verified

    def doubt(self) -> None:
        """The line was lost or silent: ask again before believing.

        Who cannot be asked and was refused stays so until the right one is heard.
        """
        self.verified = self.verified and not self._can_ask

    def see(self, identity: Identity) -> str:
        """Take an answer. "" if it is this device, else what is wrong, in words."""
        wrong = self._wrong(identity)
        self.verified = not wrong
        if not wrong and identity.serial:
            self._owners.setdefault(identity.serial, self._name)
        return wrong

    # --- Private ------------------------------------------------------------------

    def _wrong(self, identity: Identity) -> str:
        known, serial = self.known, identity.serial
        expected = self._serial or (known.serial if known else "")
        owner = self._owners.get(serial)
        if serial != expected and (expected or owner not in (None, self._name)):
            meant = f", expected {expected}" if expected else ""
            whose = "it is unknown here"
            if owner not in (None, self._name):
                whose = f"it is that of {owner}: are cables swapped?"
            elif serial:
                whose += f'; if the device was exchanged, configure serial = "{serial}"'
            return f"serial number {serial or '(none)'} answers{meant}; {whose}"
        model = known.model if known and known.serial == serial else ""
        if model and identity.model != model:
            return f"model {identity.model or '(none)'} answers, expected {model}"
        return ""
