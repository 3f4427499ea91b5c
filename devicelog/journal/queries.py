"""What the reader asks of the file, in SQL."""

from typing import Final

import msgspec

ENTRIES: Final = (
    "SELECT seq, at_ns, device, channel, kind, subject, key, body, mac, crc"
    " FROM entries "
)
REST: Final = (
    " AND seq > :after AND (:kind IS NULL OR kind = :kind)"
    " AND (:device IS NULL OR device = :device)"
    " AND (:channel IS NULL OR channel = :channel)"
    " ORDER BY seq LIMIT :limit"
)
BY_SEQ: Final = ENTRIES + "WHERE 1" + REST
BY_SUBJECT: Final = (
    ENTRIES
    + "INDEXED BY entries_subject WHERE subject = :subject AND subject <> ''"
    + REST
)
# A session has a thousand readings to each thing that is said of it.
SAID: Final = (
    ENTRIES
    + "INDEXED BY entries_said WHERE subject = :subject AND subject <> ''"
    + " AND kind = :kind AND kind <> 'reading'"
    + REST
)
BY_KIND: Final = (
    ENTRIES + "INDEXED BY entries_kind WHERE kind = :kind AND kind <> 'reading'" + REST
)
# By both indexes, for the rows of a session's readings would all be read else.
_BOTH: Final = (
    "SELECT seq FROM entries INDEXED BY entries_subject"
    " WHERE subject = :subject AND subject <> ''"
    " INTERSECT SELECT seq FROM entries INDEXED BY entries_kind"
    " WHERE kind = :kind AND kind <> 'reading' AND seq BETWEEN :first AND :last"
)
OF_SUBJECT: Final = ENTRIES + f"WHERE seq IN ({_BOTH}) ORDER BY seq"
BACKWARDS: Final = (
    ENTRIES
    + "INDEXED BY entries_subject WHERE subject = ? AND subject <> '' AND seq < ?"
    + " ORDER BY seq DESC LIMIT ?"
)
LAST: Final = (
    "SELECT e.seq, at_ns, e.device, channel, e.kind, subject, key, body, mac, crc"
    " FROM latest l JOIN entries e ON e.seq = l.seq WHERE l.device = ? AND l.kind = ?"
)
LAST_OF_CHANNEL: Final = (
    "SELECT seq, at_ns, device, channel, kind, subject, key, body, mac, crc"
    " FROM entries NOT INDEXED WHERE seq <= :seq AND kind = :kind"
    " AND device = :device AND channel = :channel ORDER BY seq DESC LIMIT 1"
)
# By two indexes alone: no row is read.
READINGS: Final = (
    "SELECT (SELECT count(*) FROM entries INDEXED BY entries_subject"
    " WHERE subject = :subject AND subject <> '')"
    " - (SELECT count(*) FROM entries INDEXED BY entries_said"
    " WHERE subject = :subject AND subject <> '' AND kind <> 'reading')"
)
ANY_OF_CHANNEL: Final = "SELECT 1 FROM entries WHERE device = ? AND channel = ? LIMIT 1"
ENTRY: Final = (
    "SELECT e.seq, at_ns, e.device, channel, kind, subject, key, body, mac, crc FROM "
)
STANDING: Final = ENTRY + "bindings b JOIN entries e USING (seq) WHERE session_id = ?"
# From the few that wait to their entries: else the whole journal is walked.
AHEAD: Final = (
    ENTRY
    + "ahead a CROSS JOIN entries e USING (seq)"
    + " WHERE :device IS NULL OR a.device = :device ORDER BY e.seq"
)
_SESSION: Final = (
    "SELECT session_id, device, channel, started_ns, ended_ns, ended_ns IS NULL,"
    " reason, flags, treatment_id, settings, totals,"
    " CASE WHEN s.readings THEN s.readings ELSE coalesce(t.readings, 0) END,"
    " readings_sha256, coalesce(first_seq, 0), coalesce(last_seq, 0),"
    " coalesce(retired, 0),"
    " coalesce(b.pseudonym, ''), coalesce(b.clinician, ''),"
    " coalesce(p.purpose, 'treatment'), coalesce(a.facts, '{}') FROM "
)
_SAID: Final = (
    " LEFT JOIN subjects t ON t.subject = session_id"
    " LEFT JOIN purposes p USING (session_id)"
    " LEFT JOIN annotations a USING (session_id)"
)
SESSIONS: Final = (
    _SESSION + "sessions s LEFT JOIN bindings b USING (session_id)" + _SAID
)

# By name in the rows of heads; what no wire named may be on one of these devices.
TOUCHED: Final = SESSIONS + (  # noqa: S608  (our own text)
    " WHERE (ended_ns IS NULL OR ended_ns >= :since) AND (s.session_id IN"
    " (SELECT session_id FROM heads WHERE :head IN (serial, id))"
    " OR device IN (SELECT value FROM json_each(:devices)) AND NOT EXISTS"
    " (SELECT 1 FROM heads h WHERE h.session_id = s.session_id))"
    " AND (:before IS NULL OR first_seq < :before)"
    " ORDER BY started_ns DESC, s.session_id DESC LIMIT :limit"
)
HEAD_NAMES: Final = (
    "SELECT DISTINCT CASE WHEN serial <> '' THEN serial ELSE id END AS name"
    " FROM heads ORDER BY name"
)
OPEN: Final = SESSIONS + " WHERE ended_ns IS NULL ORDER BY started_ns, s.session_id"
FOUND: Final = SESSIONS + (
    " WHERE (NOT :open OR ended_ns IS NULL)"
    " AND (:device IS NULL OR device = :device)"
    " AND (:channel IS NULL OR channel = :channel)"
    " AND (:since IS NULL OR started_ns >= :since)"
    " AND (:before IS NULL OR first_seq < :before)"
    " AND (:pseudonym IS NULL OR coalesce(b.pseudonym, '') = :pseudonym)"
    " AND (:purpose IS NULL OR coalesce(p.purpose, 'treatment') = :purpose)"
    " AND (:treatment IS NULL OR treatment_id = :treatment)"
    " ORDER BY started_ns DESC, s.session_id DESC LIMIT :limit"
)


_COUNT: Final = "SELECT count(*) FROM "
_UNASSIGNED: Final = (
    " WHERE coalesce(b.pseudonym, '') = ''"
    " AND coalesce(p.purpose, 'treatment') = 'treatment'"
)
UNASSIGNED: Final = (
    SESSIONS + _UNASSIGNED + " ORDER BY started_ns, s.session_id LIMIT :limit"
)
COUNT_UNASSIGNED: Final = (
    _COUNT
    + "sessions s LEFT JOIN bindings b USING (session_id)"
    + " LEFT JOIN purposes p USING (session_id)"
    + _UNASSIGNED
)
# Summed in the file: a year of rows is not taken apart for a few numbers.
USES: Final = (
    "SELECT device, count(*),"
    " total(json_extract(CAST(totals AS TEXT), '$.emission_s')),"
    " count(*) FILTER (WHERE reason = 'fault'),"
    " CAST(total(json_extract(CAST(totals AS TEXT), '$.contacts_lost')) AS INTEGER)"
    " FROM sessions WHERE :device IS NULL OR device = :device GROUP BY device"
)
TIMER_ERRORS: Final = (
    "SELECT json_extract(CAST(totals AS TEXT), '$.timer_error_pct') AS error"
    " FROM sessions WHERE device = :device AND error IS NOT NULL"
    " ORDER BY started_ns DESC LIMIT :limit"
)


_THEIRS: Final = (
    "bindings b INDEXED BY bindings_pseudonym CROSS JOIN sessions s USING (session_id)"
)


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """The next sessions after (`after_ns`, `after_id`), in order of their start.

    `pseudonym` None: of everybody. `from_ns` is within, `to_ns` is not.
    """

    after_ns: int = -(2**63)
    after_id: str = ""
    pseudonym: str | None = None
    from_ns: int | None = None
    to_ns: int | None = None
    limit: int = 500


def asked(page: Page) -> dict[str, object]:
    """What `in_order` and `counted` are asked with.

    One lower bound, the later of both: of two, SQLite would walk from the earlier.
    """
    told = msgspec.structs.asdict(page)
    if page.from_ns is not None and page.from_ns > page.after_ns:
        told |= {"after_ns": page.from_ns, "after_id": ""}  # each id is above it
    return told


def in_order(page: Page) -> str:
    """See `Page`."""
    said = _SAID + _which(page)
    return (
        _SESSION + _from(page) + said + " ORDER BY started_ns, session_id LIMIT :limit"
    )


def counted(page: Page) -> str:
    """How many there are, whatever the limit."""
    return _COUNT + _from(page) + _which(page)


# One row is taken apart, not a history of them.
LAST_TREATMENT: Final = (
    _SESSION
    + _THEIRS
    + _SAID
    + " WHERE b.pseudonym = :pseudonym AND b.pseudonym <> ''"
    + " AND coalesce(p.purpose, 'treatment') = 'treatment'"
    + " ORDER BY started_ns DESC, session_id DESC LIMIT 1"
)


def _from(page: Page) -> str:
    """A patient's sessions are found by the index of bindings, never by a scan."""
    if page.pseudonym is None:
        return "sessions s LEFT JOIN bindings b USING (session_id)"
    return _THEIRS


def _which(page: Page) -> str:
    which = " WHERE (started_ns, session_id) > (:after_ns, :after_id)"
    if page.pseudonym is not None:
        which += " AND b.pseudonym = :pseudonym AND b.pseudonym <> ''"
    if page.to_ns is not None:
        which += " AND started_ns < :to_ns"
    return which
