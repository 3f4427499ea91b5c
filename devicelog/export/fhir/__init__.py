"""One patient's history as a FHIR bundle, R4 (4.0.1).

`fhir.resources` has no classes of R4, but of R4B, which changed none of the resources
that stand here; a bundle that they refuse is not written. Patients are pseudonyms: who
one is stands in no bundle.
"""

import importlib
import json
from typing import Any, BinaryIO

from devicelog.errors import DevicelogError
from devicelog.export.fhir.bundle import bundle
from devicelog.export.fhir.codes import read
from devicelog.export.history import Source
from devicelog.export.tables import Counts, Options
from devicelog.export.writers import missing


def ready() -> None:
    """Raise Missing without fhir.resources."""
    _shape()


def write(out: BinaryIO, source: Source, options: Options) -> Counts:
    """One bundle; of a part of a history, that part. Raises Missing."""
    shape = _shape()
    made, counts = bundle(source, read(options.codes_file))
    try:
        shape.model_validate(made)
    except ValueError as error:
        raise DevicelogError(
            f"the bundle is no FHIR: {error}", hint="please report it; nothing is lost"
        ) from error
    out.write(json.dumps(made, ensure_ascii=False, indent=1).encode() + b"\n")
    return counts


def _shape() -> Any:
    """The class of a bundle."""
    try:
        return importlib.import_module("fhir.resources.R4B.bundle").Bundle
    except ImportError as error:
        raise missing("FHIR", "fhir", error) from error
