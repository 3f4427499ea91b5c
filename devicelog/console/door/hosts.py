"""Which names this console answers to: an exact list, looked at before anything else.

A page of a foreign site that makes its name point at this machine (DNS rebinding) sends
that name; what is not on the list gets no answer but 421.
"""

from collections.abc import Collection, Iterable, Sequence


def hosts(host: str, port: int, names: Iterable[str], *, tls: bool) -> frozenset[str]:
    """`name:port` of all that may stand in `Host`; without port where it is usual."""
    loopback = {"127.0.0.1", "localhost", "[::1]"}
    own = {f"[{host}]" if ":" in host else host, *names}
    own |= loopback if own & loopback else set()
    made = {f"{it}:{port}".lower() for it in own}
    if port == (443 if tls else 80):
        made |= {it.lower() for it in own}
    return frozenset(made)


def is_ours(said: Sequence[str], ours: Collection[str]) -> bool:
    """Whether exactly one `Host` was sent, and it is on the list."""
    return len(said) == 1 and said[0].lower() in ours


def same_origin(
    origin: str | None, site: str | None, ours: Collection[str], *, tls: bool
) -> bool:
    """Whether a request that changes something comes from a page of this console.

    `Origin` must name it; where a browser sends none, `Sec-Fetch-Site` must say so.
    """
    if origin is None:
        return site == "same-origin"
    scheme, _, host = origin.partition("://")
    return scheme == ("https" if tls else "http") and host.lower() in ours
