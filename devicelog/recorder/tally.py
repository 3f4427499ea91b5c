"""Counts of one device's line. They conserve, and tests assert the sums."""

from collections.abc import Iterable

import msgspec

from devicelog.model.kinds import Counts
from devicelog.recorder.keep import Keeper
from devicelog.recorder.polling import Poller


class Weighing(msgspec.Struct):
    """A frame whose readings are being judged, one for each channel it speaks of."""

    size: int
    open: int  # so many of them
    believed: int = 0


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
        self.shared_readings = 0

    def silent(self, size: int) -> None:
        """A frame without a reading."""
        self.frames += 1
        self.silent_frames += 1
        self.frame_bytes += size

    def weigh(self, data: bytes, readings: int) -> Weighing:
        """A frame with so many readings; none is believed yet."""
        self.held_bytes += len(data)
        return Weighing(len(data), readings)

    def believe(self, frame: Weighing) -> None:
        """One of its readings counts, and so does the frame, once."""
        frame.open -= 1
        frame.believed += 1
        self.readings += 1
        if frame.believed > 1:
            self.shared_readings += 1
            return
        self.held_bytes -= frame.size
        self.frames += 1
        self.frame_bytes += frame.size

    def doubt(self, frame: Weighing) -> bool:
        """One of its readings does not count; True if none did: it was no frame."""
        frame.open -= 1
        if frame.open or frame.believed:
            return False
        self.held_bytes -= frame.size
        return True

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
            shared_readings=self.shared_readings,
            kept=sum(keeper.kept for keeper in keepers),
            thinned=sum(keeper.thinned for keeper in keepers),
            held=sum(keeper.held for keeper in keepers),
            polls=poller.sent,
            unanswered=poller.unanswered,
            gaps=gaps,
        )
