"""How long a store keeps what it was given: for ever, if it is set up rightly."""

from typing import Final

import msgspec

from devicelog.sinks.influx_server import Server, Silent

_FOREVER: Final = frozenset({"0s", "0h0m0s", ""})


class _Rule(msgspec.Struct, frozen=True):
    everySeconds: int = 0  # noqa: N815  (2.x calls it so)


class _Bucket(msgspec.Struct, frozen=True):
    name: str = ""
    retentionRules: tuple[_Rule, ...] = ()  # noqa: N815  (the same)


class _Buckets(msgspec.Struct, frozen=True):
    buckets: tuple[_Bucket, ...] = ()


def kept_for(server: Server) -> str | None:
    """How long, in the store's words; empty is for ever, None where it is not said.

    Raises SinkUnavailable.
    """
    try:
        return _bucket(server)
    except (Silent, msgspec.DecodeError):
        return _policy(server)


def _bucket(server: Server) -> str | None:
    """2.x: the rules of the bucket."""
    data = server.quiet("/api/v2/buckets", [("name", server.bucket)])
    for it in msgspec.json.decode(data, type=_Buckets).buckets:
        if it.name == server.bucket:
            seconds = [rule.everySeconds for rule in it.retentionRules]
            shortest = min((s for s in seconds if s), default=0)
            return f"{shortest} s" if shortest else ""
    return None


def _policy(server: Server) -> str | None:
    """1.x: the policy into which is written without naming one."""
    (answer,) = server.ask([f'SHOW RETENTION POLICIES ON "{server.bucket}"'])
    for series in answer:
        for values in series.values:
            said = dict(zip(series.columns, values, strict=True))
            if said.get("default"):
                duration = str(said.get("duration", ""))
                return "" if duration in _FOREVER else duration
    return None
