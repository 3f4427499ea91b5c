"""Labels with a code that a tablet's camera reads: it opens the device's bind page."""

from io import BytesIO

import segno

from devicelog.console.visit import Answer, Shown, Visit


def sheet(visit: Visit) -> Answer:
    """One for each device, to be printed and cut."""
    base = _base(visit)
    codes = {name: code(f"{base}/bind?device={name}") for name in visit.labels}
    return Shown("labels.html", {"labels": visit.labels, "codes": codes})


def code(address: str) -> str:
    """SVG, scaled by its frame."""
    made = BytesIO()
    segno.make(address, error="m").save(
        made, kind="svg", xmldecl=False, svgns=True, omitsize=True, border=2
    )
    return made.getvalue().decode()


def _base(visit: Visit) -> str:
    scheme = "https" if visit.house.tls else "http"
    names = visit.house.recording.loaded.config.console.names
    named = [it for it in sorted(visit.house.hosts) if it.rpartition(":")[0] in names]
    return f"{scheme}://{(named or sorted(visit.house.hosts))[0]}"
