"""What of a bundle is not FHIR R4, by the elements that R4 (4.0.1) has."""

import json
import re
from pathlib import Path

TYPES = json.loads(Path(__file__).with_name("elements.json").read_text())["types"]
_MOMENT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"
# The regular expressions of R4's page of data types, of the types that are written.
_TEXTS = {
    "Code": r"[^\s]+(\s[^\s]+)*",
    "DateTime": rf"\d{{4}}(-\d\d(-\d\d)?)?|{_MOMENT}",
    "Id": r"[A-Za-z0-9\-.]{1,64}",
    "Instant": _MOMENT,
    "Markdown": r"[ \r\n\t\S]+",
    "String": r"[ \r\n\t\S]+",
    "Uri": r"\S+",
}
_OTHERS = {
    "bool": lambda it: isinstance(it, bool),
    "Decimal": lambda it: type(it) in (int, float),
    "Integer": lambda it: type(it) is int,
    "UnsignedInt": lambda it: type(it) is int and it >= 0,
}


def faults(bundle):
    """Each in words, with its place."""
    kinds = {
        it["fullUrl"]: it["resource"]["resourceType"] for it in bundle.get("entry", ())
    }
    return [*_of("Bundle", bundle, "Bundle", kinds)]


def _of(kind, told, place, kinds):
    """Of one object of this type."""
    known = TYPES[kind]
    for name, value in told.items():
        if name == "resourceType" and value in TYPES:
            continue
        if name not in known:
            yield f"{place}.{name} is not in R4"
            continue
        yield from _element(known[name], value, f"{place}.{name}", kinds)
    choices = [
        known[name]["choice"] for name in told if "choice" in known.get(name, ())
    ]
    yield from (f"{place}.{it}[x] is there twice" for it in _doubled(choices))
    for name, it in known.items():
        if it.get("required") and name not in told:
            yield f"{place}.{name} is missing"
        if it.get("required_choice") and it["choice"] not in choices:
            yield f"{place}.{it['choice']}[x] is missing"


def _doubled(names):
    return {it for it in names if names.count(it) > 1}


def _element(of, value, place, kinds):
    many = of.get("many", False)
    if isinstance(value, list) != many or value == []:
        yield f"{place}: {'a list' if many else 'one'} is due"
        return
    for n, it in enumerate(value if many else [value]):
        yield from _value(of, it, f"{place}[{n}]" if many else place, kinds)


def _value(of, value, place, kinds):
    kind = of["type"]
    if kind == "Resource":
        kind = value["resourceType"]
    if kind in TYPES:
        if not isinstance(value, dict) or not value:
            yield f"{place}: a {kind} is due"
            return
        yield from _of(kind, value, place, kinds)
        target = kinds.get(value.get("reference"), value.get("type"))
        if (
            "to" in of
            and target
            and target not in of["to"]
            and "Resource" not in of["to"]
        ):
            yield f"{place} may not be a {target}"
    elif kind in _TEXTS:
        if not isinstance(value, str) or not re.fullmatch(_TEXTS[kind], value):
            yield f"{place}: {value!r} is no {kind}"
        elif value not in of.get("values", (value,)):
            yield f"{place}: {value!r} is none of {of['values']}"
    elif not _OTHERS[kind](value):
        yield f"{place}: {value!r} is no {kind}"
