"""Makes `elements.json`: which elements FHIR R4 has, of what is exported.

    pip download fhir.resources==6.1.0 --no-deps; unzip fhir.resources-6.1.0-*.whl
    python derive.py fhir/resources > elements.json

The classes of that version are R4 (4.0.1), made by their authors from HL7's own
definitions; the source alone is read, nothing of it is run. Extensions and contained
resources are left out, for none are exported.
"""

import ast
import json
import sys
from pathlib import Path

RESOURCES = (
    "Bundle",
    "Device",
    "DeviceMetric",
    "Procedure",
    "Observation",
    "Provenance",
)
SAID = {
    "source": "FHIR R4 (4.0.1), by fhir.resources 6.1.0: see derive.py",
    "licence": "FHIR: CC0 (HL7); fhir.resources: BSD, (c) Md Nazrul Islam",
}
LEFT_OUT = ("extension", "modifierExtension", "contained")
RELEASE = "Version: 4.0.1"


def classes(folder):
    """Each class by its name."""
    found = {}
    for path in sorted(folder.glob("*.py")):
        tree = ast.parse(path.read_text())
        if RELEASE not in (ast.get_docstring(tree) or ""):
            continue
        found |= {it.name: it for it in tree.body if isinstance(it, ast.ClassDef)}
    return found


def bases(node, known):
    """The class and what it is derived from, as far as these are of FHIR."""
    yield node
    for base in node.bases:
        name = base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "")
        if name in known:
            yield from bases(known[name], known)


def elements(node):
    """Name and description of each element that stands in this class."""
    for it in node.body:
        if not isinstance(it, ast.AnnAssign) or not isinstance(it.value, ast.Call):
            continue
        said = {word.arg: word.value for word in it.value.keywords}
        name = ast.literal_eval(said["alias"])
        if name.startswith("_") or name in LEFT_OUT:
            continue
        yield name, element(it, said)


def element(it, said):
    """Of which type it is, whether there may be many, or must be one."""
    kind, many = it.annotation, False
    if isinstance(kind, ast.Subscript):
        kind, many = kind.slice, True
    name = kind.attr if isinstance(kind, ast.Attribute) else kind.id
    found = {"type": name.removesuffix("Type")}
    first = it.value.args[0]
    required = isinstance(first, ast.Constant) and first.value is ...
    if required or "element_required" in said:
        found["required"] = True
    if many:
        found["many"] = True
    if "one_of_many" in said:
        found["choice"] = ast.literal_eval(said["one_of_many"])
        if ast.literal_eval(said["one_of_many_required"]):
            found["required_choice"] = True
    if "enum_values" in said and found["type"] == "Code":
        values = ast.literal_eval(said["enum_values"])
        if "+" not in values:  # there it breaks off
            found["values"] = values
    if "enum_reference_types" in said:
        found["to"] = ast.literal_eval(said["enum_reference_types"])
    return found


def types(folder):
    """All types that these resources are made of."""
    known = classes(folder)
    found, waiting = {}, [*RESOURCES]
    while waiting:
        name = waiting.pop()
        if name in found or name not in known:
            continue
        told = [*bases(known[name], known)][::-1]
        found[name] = {key: it for node in told for key, it in elements(node)}
        waiting += [it["type"] for it in found[name].values()]
    return dict(sorted(found.items()))


if __name__ == "__main__":
    made = SAID | {"types": types(Path(sys.argv[1]))}
    print(json.dumps(made, indent=1))
