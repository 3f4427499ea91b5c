"""What the reader asks of the file, in SQL."""

from typing import Final

ENTRIES: Final = (
    "SELECT seq, at_ns, device, channel, kind, subject, key, body, mac FROM entries "
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
LAST: Final = (
    "SELECT e.seq, at_ns, e.device, channel, e.kind, subject, key, body, mac"
    " FROM latest l JOIN entries e ON e.seq = l.seq WHERE l.device = ? AND l.kind = ?"
)
LAST_OF_CHANNEL: Final = (
    "SELECT seq, at_ns, device, channel, kind, subject, key, body, mac"
    " FROM entries NOT INDEXED WHERE seq <= :seq AND kind = :kind"
    " AND device = :device AND channel = :channel ORDER BY seq DESC LIMIT 1"
)
ANY_OF_CHANNEL: Final = "SELECT 1 FROM entries WHERE device = ? AND channel = ? LIMIT 1"
ENTRY: Final = (
    "SELECT e.seq, at_ns, e.device, channel, kind, subject, key, body, mac FROM "
)
STANDING: Final = ENTRY + "bindings b JOIN entries e USING (seq) WHERE session_id = ?"
AHEAD: Final = (
    ENTRY
    + "ahead a JOIN entries e USING (seq)"
    + " WHERE :device IS NULL OR a.device = :device ORDER BY e.seq"
)
SESSIONS: Final = (
    "SELECT session_id, device, channel, started_ns, ended_ns, ended_ns IS NULL,"
    " reason, flags, treatment_id, settings, totals,"
    " CASE WHEN s.readings THEN s.readings ELSE coalesce(t.readings, 0) END,"
    " readings_sha256, coalesce(first_seq, 0), coalesce(last_seq, 0),"
    " coalesce(retired, 0),"
    " coalesce(b.pseudonym, ''), coalesce(b.clinician, ''),"
    " coalesce(p.purpose, 'treatment'), coalesce(a.facts, '{}')"
    " FROM sessions s LEFT JOIN subjects t ON t.subject = s.session_id"
    " LEFT JOIN bindings b USING (session_id) LEFT JOIN purposes p USING (session_id)"
    " LEFT JOIN annotations a USING (session_id)"
)
