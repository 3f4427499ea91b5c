"""Grafana's words in a query, replaced as its documentation says; and the answer.

`$timeFilter` bounds the time in ms, `$__interval` is a duration, `${name:regex}` is the
variable's value escaped, or all its values in parentheses.
"""

import json
import re
import urllib.parse
import urllib.request

MS = 1_000_000


def escaped(value):
    """As the format `regex` escapes a value."""
    return re.sub(r"[\\^$.*+?()\[\]{}|/]", lambda it: "\\" + it.group(), value)


class Range:
    """The dashboard's time range, in ms; `interval` of the panel."""

    def __init__(self, begin_ns, end_ns, interval="60s"):
        self.begin_ms, self.end_ms = begin_ns // MS, -(-end_ns // MS)
        self.interval = interval

    @property
    def words(self):
        return f"time >= {self.begin_ms}ms and time <= {self.end_ms}ms"

    def holds(self, at_ns):
        return self.begin_ms * MS <= at_ns <= self.end_ms * MS


def replaced(query, span, variables):
    def value(match):
        values = [escaped(it) for it in variables[match.group(1)]]
        return values[0] if len(values) == 1 else f"({'|'.join(values)})"

    told = query.replace("$timeFilter", span.words)
    told = told.replace("$__interval", span.interval)
    told = re.sub(r"\$\{(\w+):regex\}", value, told)
    assert "${" not in told, told
    assert "$_" not in told, told
    return told


class Grafana:
    """What the data source does for a viewer: GET, as the user that may only read."""

    def __init__(self, influxdb, user, password, db):
        self._url = f"http://127.0.0.1:{influxdb.own_port}/query"
        self._words = {"u": user, "p": password, "db": db, "epoch": "ns"}

    def ask(self, query):
        """Rows: tags and columns together; what is null is left out."""
        url = f"{self._url}?{urllib.parse.urlencode(self._words | {'q': query})}"
        with urllib.request.urlopen(url, timeout=30) as answer:
            told = json.loads(answer.read())
        (result,) = told["results"]
        assert "error" not in result, (query, result)
        rows = []
        for series in result.get("series", []):
            tags = {n: it for n, it in series.get("tags", {}).items() if it}
            for values in series["values"]:
                cells = dict(zip(series["columns"], values, strict=True))
                known = {n: it for n, it in cells.items() if it is not None}
                rows.append(tags | known)
        return rows

    def choices(self, query):
        """What a variable offers: the values of the answer, each once."""
        rows = self.ask(query)
        texts = [
            [it for n, it in row.items() if n not in ("time", "key")] for row in rows
        ]
        return list(dict.fromkeys(str(it) for row in texts for it in row))
