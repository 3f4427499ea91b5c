"""A sink that is harsher than any server: it loses, refuses, forgets to answer."""

from devicelog.errors import SinkUnavailable
from devicelog.sinks.base import Rejected, Said


class Harsh:
    """Keeps what it took; `moods` says how each call goes, by turns.

    ok: all taken. down: nothing. torn: half is taken, then the line is cut without an
    answer. keep: half is taken, the rest is to come again. poison: an entry whose seq
    divides by seven is refused for good.
    """

    name = "harsh"

    def __init__(self, moods):
        self.moods = moods
        self.connects = 0
        self.there = False
        self.log = []  # seq, historical
        self.presented = []  # head at each presentation
        self.closed = False

    def _mood(self):
        return self.moods.pop(0) if self.moods else "ok"

    def connect(self):
        self.connects += 1
        if self._mood() == "down":
            raise SinkUnavailable("harsh is down")
        self.there = True

    def present(self, view):
        self.presented.append(view.last_seq())

    def send(self, entries, *, historical, view):
        assert self.there
        mood = self._mood()
        if mood == "down":
            self.there = False
            raise SinkUnavailable("harsh went away")
        half = entries[: (len(entries) + 1) // 2]
        taken = entries if mood in ("ok", "poison") else half
        answers = []
        for entry in taken:
            if mood == "poison" and entry.seq % 7 == 0:
                answers.append(Rejected("divides by seven"))
                continue
            self.log.append((entry.seq, historical))
            answers.append(Said.TAKEN)
        if mood == "torn":
            self.there = False
            raise SinkUnavailable("harsh was cut")
        return [*answers, *[Said.KEEP] * (len(entries) - len(taken))]

    def tend(self, view):
        if not self.there:
            raise SinkUnavailable("harsh is away")

    def close(self):
        self.closed = True
