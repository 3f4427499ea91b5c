"""A site with one patient's sessions, notes and a massage; no recorder runs."""

import pytest
from system.commands.site import Site
from unit.export.clinic import MASTER, Small

from devicelog.operations import master

NAME = "Canaria Öxebø-Zwölfer"
NOTE = "her sister Canarina Ypsilontis drove"
NUMBER = "CNRY-4711-0815"


class Exporting(Site):
    """`code`: the patient; `sessions`: hers; `other`: nobody's."""

    def export(self, *args, code=0):
        """To stdout; what was said on stderr stands beside it."""
        return self.run("export", self.code, *args, code=code)

    def audits(self):
        rows = self.json("audit", "show", "--limit", "1000")
        return [it for it in rows if it["what"] == "exported"]

    @property
    def left(self):
        """Files beside the configuration."""
        found = (it for it in self.folder.iterdir() if it.is_file())
        return sorted(it.name for it in found if it.suffix != ".toml")


@pytest.fixture
def site(tmp_path):
    return made(tmp_path)


def made(folder, count=3):
    site = Exporting(folder).write()
    clinic = Small(site.data)
    with clinic.writer:
        clinic.begin("us-1")
        site.code = clinic.add(NAME, birth_date="1958-03-09", record_number=NUMBER)
        site.sessions = [f"us-1.us.2026112{n}T101502Z" for n in range(1, count + 1)]
        for name in site.sessions:
            clinic.treat(name)
            clinic.assign(name, site.code, clinician="kb", confirm=True)
        site.other = clinic.treat("us-1.us.20261123T111502Z")
        note = {"session_id": site.sessions[0], "note": NOTE}
        clinic.ask("annotate", facts={"site": "knee", "side": "left"}, **note)
        clinic.ask(
            "add_treatment",
            pseudonym=site.code,
            treatment="massage",
            minutes=20,
            note=NOTE,
        )
    master.written(site.data / "keys" / "master", MASTER)
    return site
