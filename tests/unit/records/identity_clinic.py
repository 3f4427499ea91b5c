"""A clinic whose recorder has keys: what the tests of identity share."""

from journals import SITE
from unit.records.clinic import Clinic

from devicelog.journal.settings import JournalSettings
from devicelog.journal.writer import Writer
from devicelog.records.keys import Keyring
from devicelog.records.request import viewing

MASTER = bytes(range(32))
RING = Keyring(MASTER)


class KeyedClinic(Clinic):
    """The same clinic; its journal is chained, and names can be kept."""

    def __init__(self, directory, ring=RING):
        super().__init__(directory, viewing(ring))
        self.ring = ring
        self.open()

    def open(self):
        """A writer as the recorder opens it; the clinic's own desk writes by it."""
        self.writer = Writer(
            JournalSettings(str(self.directory), ballast_mb=0),
            simulated=True,
            site=SITE,
            clock=self.clock,
            chain_key=self.ring.chain_key,
        )
        self.desk._writer = self.writer
        return self.writer

    def add(self, name, **more):
        """A patient; the pseudonym."""
        told = self.ask("add_patients", who=[{"name": name} | more])
        return told.entries[0].subject
