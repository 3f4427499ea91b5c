"""What stands behind the numbers of one treatment: by whom, by what, on what ground."""

from collections.abc import Iterator
from typing import Final

from devicelog.export.history import Treatment
from devicelog.export.words import Words, utc

_STATIONS: Final = ("decoded", "kept", "published", "stored")


def record(of: Treatment, words: Words) -> Iterator[tuple[str, str]]:
    """Clinician, device, head, times in UTC, coverage, receipt, ids."""
    texts = words.texts
    maker = of.maker
    told = {
        "session": of.session_id,
        "treatment_id": of.treatment_id,
        "clinician": of.clinician,
        "purpose": "" if of.purpose == "treatment" else texts(f"purpose.{of.purpose}"),
        "start": utc(of.started_ns),
        "end": "" if of.ended_ns is None else utc(of.ended_ns),
        "maker": " ".join(filter(None, (maker.model, maker.serial, maker.firmware))),
        "head": texts(f"section.head_{of.head_source}", head=of.head)
        if of.head_source
        else of.head,
        "profile": " ".join(filter(None, (of.profile, of.profile_hash))),
        "coverage": _coverage(of, words),
        "receipt": _receipt(of, words),
        "readings": str(of.readings),
        "readings_sha256": of.readings_sha256,
    }
    for name, said in told.items():
        if said:
            yield texts(f"section.{name}"), said


def assumptions(of: Treatment, words: Words) -> Iterator[str]:
    """In sentences: the convention, the radiating area, the output check."""
    texts = words.texts
    if of.modality == "us":
        yield texts(f"assume.{_convention(of)}")
        if (era := of.settings.get("era_cm2")) is not None:
            yield texts("assume.era", era=words.value("era_cm2", era))
        elif "power_w" in of.settings:
            yield texts("assume.power")
        yield from _corrected(of, words)
    elif of.modality == "if":
        yield texts("assume.rms")
    if coverage := _coverage(of, words):
        yield texts("assume.coverage", coverage=coverage)


def _convention(of: Treatment) -> str:
    """What is known of all of it; `settings` are those of its start."""
    told = str(of.settings.get("intensity_convention", ""))
    unsure = "convention_unknown" in of.flags or told not in ("SATP", "SATA")
    return "unknown" if unsure else told


def _corrected(of: Treatment, words: Words) -> Iterator[str]:
    error = of.numbers.get("output_error_pct")
    if of.check is not None and error is not None:
        said = words.signed(round(error, 1), "%")
        yield words.texts("assume.corrected", check=of.check, error=said)
    elif of.uncorrected:
        yield words.texts(f"uncorrected.{of.uncorrected}")


def _coverage(of: Treatment, words: Words) -> str:
    share = of.numbers.get("coverage_pct")
    return "" if share is None else words.quantity(share, "%")


def _receipt(of: Treatment, words: Words) -> str:
    """`complete: 318 decoded, 318 kept, 318 published, 318 stored and read back`."""
    texts, receipt = words.texts, of.receipt
    if receipt is None:
        return texts("section.receipt_none")
    counts = ((name, getattr(receipt, name)) for name in _STATIONS)
    said = ", ".join(texts(f"receipt.{it}", n=n) for it, n in counts if n is not None)
    return f"{texts(f'receipt.{receipt.state}')}: {said}"
