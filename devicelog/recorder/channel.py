"""One channel of a device: believes, cuts, keeps, and makes the drafts of it all."""

import hashlib
from collections.abc import Callable, Iterable, Sequence

import msgspec

from devicelog.drivers.profile import Profile
from devicelog.model import codec
from devicelog.model.flow import Draft, LossCause, Reading, SessionEvent
from devicelog.model.states import EMITTING, Modality
from devicelog.recorder.drafts import Drafter
from devicelog.recorder.keep import Keeper, Kept
from devicelog.sessions.gate import Gate, Verdict
from devicelog.sessions.rules import Rules
from devicelog.sessions.session import Session
from devicelog.sessions.tracker import Tracker
from devicelog.sessions.treatment import treatment_id


def rules_of(profile: Profile, modality: Modality, *, verified: bool) -> Rules:
    """What a profile says that decides the sessions of one of its channels."""
    return Rules(
        modality=modality,
        interval_s=profile.interval_s,
        quiet_s=profile.quiet_s,
        resume_window_s=profile.resume_window_s,
        has_timer=profile.timer.direction != "none",
        timer_stops_in=frozenset(profile.timer.stops_in),
        contact_policy=profile.contact.policy,
        contact_unreliable_below=profile.contact.unreliable_below_w_cm2,
        convention=profile.convention,
        combination=profile.combination,
        check_bits=profile.wire.check_bits,
        identity_verified=verified,
    )


class Digest:
    """Count and SHA-256 of a session's kept readings, their bodies in order."""

    def __init__(self) -> None:
        self.count = 0
        self._hash = hashlib.sha256()

    def add(self, body: bytes) -> None:
        """The next body in order of `seq`."""
        self.count += 1
        self._hash.update(body)

    def seal(self, event: SessionEvent) -> SessionEvent:
        """The end of a session, with what its readings add up to."""
        return msgspec.structs.replace(
            event, readings=self.count, readings_sha256=self._hash.hexdigest()
        )


class Channel:
    """Readings in, drafts out. `deadline` is the next time at which `tick` matters.

    `beside`: the channels of its device, for what is one treatment.
    """

    def __init__(
        self,
        drafter: Drafter,
        rules: Rules,
        profile: str,
        taken: Callable[[str], bool],
        beside: Callable[[], Iterable["Channel"]] = tuple,
    ) -> None:
        self.name = drafter.channel
        self.modality = rules.modality
        self._rules = rules
        self._beside = beside
        self._drafter = drafter
        self._profile = profile
        self._gate = Gate(rules)
        self._tracker = Tracker(drafter.device, drafter.channel, rules, taken)
        self._digests: dict[str, Digest] = {}
        self._anchor_ns = drafter.anchor_ns  # under which the last reading was stamped
        self.keeper = Keeper()
        self.last: Reading | None = None

    @property
    def deadline(self) -> int | None:
        """The gate's while it holds something, else the tracker's."""
        return self._gate.deadline if self._gate.holding else self._tracker.deadline

    @property
    def session(self) -> Session | None:
        """The open session as it stands, for the board; made anew at each look."""
        return self._tracker.session

    @property
    def session_id(self) -> str:
        """The open session's id, or empty."""
        return self._tracker.session_id

    @property
    def emitting(self) -> bool:
        """Whether the channel is ramping or running, as far as is known.

        A session taken up from an earlier run counts until a reading says otherwise.
        """
        if not self.session_id:
            return False
        return self.last is None or self.last.state in EMITTING

    def stamp(self, mono_ns: int) -> int:
        """`at_ns` for a reading of this channel."""
        return self._drafter.stamp(mono_ns)

    def offer(self, reading: Reading) -> list[Verdict]:
        """What may be believed now, this reading or an earlier one."""
        return self._gate.take(reading)

    def release(self, mono_ns: int) -> list[Verdict]:
        """What was held long enough."""
        return self._gate.tick(mono_ns)

    def settle(self) -> list[Verdict]:
        """Nothing will follow on this line: what is held is judged now."""
        return self._gate.settle()

    def take(self, reading: Reading) -> list[Draft]:
        """The drafts of a believed reading and of the events around it.

        What a deadline before the reading caused stands before it, what the reading
        caused after it.
        """
        early = self._fallen_due(reading.mono_ns)
        self.last = reading
        self._anchor_ns = self._drafter.anchor_ns
        late = self._tracker.take(reading)
        subject = self._tracker.owner
        drafts = early
        for it in self.keeper.offer(reading, live=bool(subject)):
            drafts.append(self._reading(it, "" if it.preroll else subject))
        return [*drafts, *self._events(late)] if late else drafts

    def tick(self, mono_ns: int) -> list[Draft]:
        """What deadlines up to now cause; nothing while the gate holds a reading."""
        return [] if self._gate.holding else self._fallen_due(mono_ns)

    def lost(self, mono_ns: int, cause: LossCause) -> list[Draft]:
        """The line went away."""
        early = self._fallen_due(mono_ns)
        at_ns = self._drafter.stamp(mono_ns)
        return [*early, *self._events(self._tracker.lost(mono_ns, at_ns, cause))]

    def end(self, mono_ns: int) -> list[Draft]:
        """The run ends; an open session stays open in the journal."""
        early = self._fallen_due(mono_ns)
        return [*early, *(self._reading(it, "") for it in self.keeper.end())]

    def close(self, mono_ns: int, key: str) -> list[Draft]:
        """A person closes the open session; its end carries the request's id."""
        early = self._fallen_due(mono_ns)
        at_ns = self._drafter.stamp(mono_ns)
        closed = self._events(self._tracker.close(mono_ns, at_ns))
        return [*early, *(msgspec.structs.replace(end, key=key) for end in closed)]

    def restore(
        self,
        start: SessionEvent,
        inputs: Sequence[Reading | SessionEvent],
        bodies: Iterable[bytes],
    ) -> None:
        """Take up a session that the last run left open (recorder.restore)."""
        digest = self._digests[start.session_id] = Digest()
        for body in bodies:
            digest.add(body)
        self._tracker.restore(start, inputs)
        for it in inputs:
            if isinstance(it, Reading):
                self._anchor_ns = it.at_ns - it.mono_ns

    def stopped(self, mono_ns: int, *, gap_known: bool) -> list[Draft]:
        """The recorder was away; the restored session's line counts as lost."""
        at_ns = self._drafter.stamp(mono_ns)
        if not gap_known:
            self._anchor_ns = self._drafter.anchor_ns
        events = self._tracker.stopped(mono_ns, at_ns, gap_known=gap_known)
        return self._events(events)

    # --- Private ------------------------------------------------------------------

    def _fallen_due(self, mono_ns: int) -> list[Draft]:
        """What deadlines up to now cause.

        The tracker counts their wall time from the last reading; where the anchor has
        moved since, they move with it.
        """
        due = self._tracker.deadline
        if due is None or mono_ns < due:
            return []
        moved = self._drafter.anchor_ns - self._anchor_ns
        events = self._tracker.tick(mono_ns)
        if moved:
            events = [
                msgspec.structs.replace(event, at_ns=event.at_ns + moved)
                for event in events
            ]
        return self._events(events)

    def _events(self, events: list[SessionEvent]) -> list[Draft]:
        return [self._drafter.event(self._sealed(event)) for event in events]

    def _sealed(self, event: SessionEvent) -> SessionEvent:
        """What the tracker, which knows one channel and no bodies, leaves open."""
        if event.event == "start" and self._rules.combination:
            sessions = (it.session for it in self._beside())
            whole = treatment_id(event, self._rules, filter(None, sessions))
            return msgspec.structs.replace(event, treatment_id=whole)
        if event.event != "end":
            return event
        return self._digests.pop(event.session_id, Digest()).seal(event)

    def _reading(self, kept: Kept, session_id: str) -> Draft:
        body = codec.reading_body(
            kept.reading, self._profile, thinned=kept.thinned, preroll=kept.preroll
        )
        if session_id:
            digest = self._digests.get(session_id)
            if digest is None:
                digest = self._digests[session_id] = Digest()
            digest.add(body)
        return self._drafter.draft(
            "reading", body, kept.reading.at_ns, subject=session_id
        )


def channels_of(
    profile: Profile,
    drafter: Callable[[str], Drafter],
    taken: Callable[[str], bool],
    *,
    verified: bool,
) -> dict[str, Channel]:
    """Those that a profile declares, by name; they know one another."""
    made: dict[str, Channel] = {}
    for it in profile.channels:
        rules = rules_of(profile, it.modality, verified=verified)
        made[it.name] = Channel(
            drafter(it.name), rules, profile.hash, taken, made.values
        )
    return made
