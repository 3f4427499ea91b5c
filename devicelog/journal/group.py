"""Entries that are handed over together."""

import threading
from collections.abc import Sequence

from devicelog.journal.ledger import Answer
from devicelog.model.flow import Draft


class Group:
    """What becomes durable whole or not at all, and who waits for it."""

    def __init__(self, drafts: Sequence[Draft], *, awaited: bool = False) -> None:
        self.drafts = tuple(drafts)
        self.urgent = awaited or any(draft.edge for draft in drafts)
        # Most groups are awaited by nobody, and an event is dear: 3 us of CPU.
        self.done = threading.Event() if awaited else None
        self.answer: Answer = []

    def settle(self, answer: Answer) -> None:
        """Tell what became of it."""
        self.answer = answer
        if self.done is not None:
            self.done.set()
