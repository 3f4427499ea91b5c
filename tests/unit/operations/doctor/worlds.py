"""A configuration, a journal and a machine's files, each of which a test spoils."""

from pathlib import Path

import msgspec
from journals import fill, reading
from unit.records.identity_clinic import MASTER, KeyedClinic

from devicelog.clock import SystemClock
from devicelog.errors import DevicelogError
from devicelog.operations import master
from devicelog.operations.config import load
from devicelog.operations.doctor.finding import SEVERITIES
from devicelog.operations.doctor.table import CHECKS
from devicelog.operations.doctor.world import World

LOOKS = {it.name: it.look for it in CHECKS}


class Place:
    """`lines` follow `[site]` and `[journal]` in the configuration."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "devicelog.toml"
        self.data = folder / "data"
        self.root = folder / "root"
        self.root.mkdir()
        self.status = None
        self.clock = SystemClock()
        self.write()

    def write(self, lines="", *, site="sim-test", simulated="true", directory=None):
        self.config.write_text(
            f'[site]\nname = "{site}"\nsimulated = {simulated}\n'
            f'[journal]\ndirectory = "{directory or self.data}"\nballast_mb = 0\n'
            f"{lines}"
        )

    def record(self):
        """A journal of this site, with a reading and a master key."""
        config = load(self.config).config
        master.written(master.path_of(config), MASTER)
        clinic = KeyedClinic(self.data)
        with clinic.open() as journal:
            fill(journal, [[reading(1)]])
        return clinic

    def file(self, path, text=""):
        """One of the machine's own files."""
        it = self.root / path.lstrip("/")
        it.parent.mkdir(parents=True, exist_ok=True)
        it.write_text(text)
        return it

    @property
    def world(self):
        told = {"root": self.root, "clock": self.clock, "status": self.status}
        try:
            return World(str(self.config), load(self.config), **told)
        except DevicelogError as error:
            return World(str(self.config), None, str(error), **told)

    def look(self, name):
        """The findings of one check, each well formed."""
        found = list(LOOKS[name](self.world))
        assert found
        for it in found:
            assert it.name == name
            assert it.severity in SEVERITIES
            assert it.found
            assert it.meaning
            assert it.severity == "ok" or it.remedy
            msgspec.json.encode(it)
        return found

    def one(self, name):
        """The only finding: severity, case, and what it says to do."""
        (it,) = self.look(name)
        return it.severity, it.case, it.remedy

    def right(self, name):
        """Whether nothing is found any more."""
        return {it.severity for it in self.look(name)} == {"ok"}
