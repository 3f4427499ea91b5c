"""Opening ports off the loop: a slow or hanging open must not stop the other lines."""

import queue
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

from devicelog.errors import PortError
from devicelog.recorder.port import TappedPort

_WORKERS: Final = 4

Opened = tuple[int, TappedPort | PortError]


class Opener:
    """Opens ports in threads; what became of each is fetched with `done`.

    `wake` is called (from a worker) when there is something to fetch.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._done: queue.SimpleQueue[Opened] = queue.SimpleQueue()
        self._pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="opener")

    def open(self, number: int, opening: Callable[[], TappedPort]) -> None:
        """Begin to open the port of link `number`."""

        def finish(future: Future[TappedPort]) -> None:
            error = future.exception()
            if error is None:
                self._done.put((number, future.result()))
            elif isinstance(error, PortError):
                self._done.put((number, error))
            else:
                self._done.put((number, PortError(f"cannot be opened: {error!r}")))
            self._wake()

        self._pool.submit(opening).add_done_callback(finish)

    def done(self) -> list[Opened]:
        """Openings that came to an end since the last call."""
        ended = []
        while not self._done.empty():
            ended.append(self._done.get())
        return ended

    def close(self) -> None:
        """Wait for openings under way and close what they brought."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        for _, outcome in self.done():
            if not isinstance(outcome, PortError):
                outcome.close()
