"""People before the console of a recorder that runs as a process of its own."""

import contextlib
import threading
from collections.abc import Iterator

import httpx

from devicelog.operations.ask import ask
from devicelog.records.passwords import hashed

SAID = "for a test alone"


def entered(directory: str, url: str, role: str) -> httpx.Client:
    """A user of this role is made, and comes in.

    The cookie is Secure, and the address is http: so it is put in by hand, as browsers
    do for loopback.
    """
    [*ask(directory, "add_user", name=role, role=role, kept=hashed(SAID))]
    said = {"name": role, "password": SAID}
    answer = httpx.post(f"{url}/login", data=said, headers={"origin": url})
    cookie = answer.headers["set-cookie"].partition(";")[0]
    return httpx.Client(
        base_url=url, headers={"cookie": cookie, "origin": url}, timeout=30
    )


@contextlib.contextmanager
def viewers(client: httpx.Client, count: int) -> Iterator[list[int]]:
    """So many live pages; how many pieces each got so far."""
    got, over = [0] * count, threading.Event()

    def look(n: int) -> None:
        with client.stream("GET", "/live") as stream:
            for line in stream.iter_lines():
                got[n] += line.startswith("event: piece")
                if over.is_set():
                    return

    threads = [threading.Thread(target=look, args=(n,)) for n in range(count)]
    for it in threads:
        it.start()
    try:
        yield got
    finally:
        over.set()
        for it in threads:
            it.join(30)
