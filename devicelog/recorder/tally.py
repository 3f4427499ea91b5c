"""Counts of one device's line. They conserve, and tests assert the sums."""

from collections.abc import Iterable

from devicelog.model.kinds import Counts
from devicelog.recorder.keep import Keeper
from devicelog.recorder.polling import Poller


class Tally:
    """Running counts; `total` gives them whole."""

    def __init__(self) -> None:
        self.bytes = 0
        self.frame_bytes = 0
        self.noise_bytes = 0
        self.held_bytes = 0  # frames that the gate holds back
        self.frames = 0
        self.silent_frames = 0
        self.readings = 0

    def frame(self, size: int, *, reading: bool) -> None:
        """A frame counts, with or without a reading."""
        self.frames += 1
        self.frame_bytes += size
        if reading:
            self.readings += 1
        else:
            self.silent_frames += 1

    def total(
        self, pending: int, keepers: Iterable[Keeper], poller: Poller, gaps: int
    ) -> Counts:
        """All counts of this run so far. `pending`: bytes in the framer."""
        keepers = list(keepers)
        return Counts(
            bytes=self.bytes,
            frame_bytes=self.frame_bytes,
            noise_bytes=self.noise_bytes,
            pending_bytes=pending + self.held_bytes,
            frames=self.frames,
            silent_frames=self.silent_frames,
            readings=self.readings,
            kept=sum(keeper.kept for keeper in keepers),
            thinned=sum(keeper.thinned for keeper in keepers),
            held=sum(keeper.held for keeper in keepers),
            polls=poller.sent,
            unanswered=poller.unanswered,
            gaps=gaps,
        )
