"""Patients of chosen pseudonyms, for tests that are not about patients."""

from devicelog.clock import SystemClock
from devicelog.journal.writer import Writer
from devicelog.model import codec
from devicelog.model.audit import AuditBody
from devicelog.model.flow import Draft
from devicelog.operations.config import load
from devicelog.operations.master import keyring
from devicelog.records.keys import Identity, identity_change


def known(site, *codes: str):
    """The site, its journal knowing these patients; no recorder may run."""
    config = load(site.config).config
    ring = keyring(config, make=True)
    body = AuditBody(by="t", request="", mono_ns=0, boot_id="", event="patient_added")
    with Writer(
        config.journal,
        simulated=config.site.simulated,
        site=config.site.name,
        clock=SystemClock(),
        chain_key=ring.chain_key,
    ) as writer:
        for code in codes:
            key, kept = ring.new(code)
            changes = (kept, identity_change(key, code, Identity(f"Patient {code}")))
            at_ns, said = SystemClock().wall_ns(), codec.encode(body)
            draft = Draft(
                at_ns, "-", "-", "audit", code, f"test-{code}", said, changes=changes
            )
            writer.append([draft], 10)
    return site
