"""Opening and closing ports off the loop.

Either may take seconds (a network adapter that is off, output that nobody takes) and
must not stop the other lines.
"""

import queue
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

from devicelog.errors import PortError
from devicelog.recorder.port import TappedPort

# The number of a link; its open port, why there is none, or None: it is closed now.
Outcome = tuple[int, TappedPort | PortError | None]


class Opener:
    """Opens and closes in threads; what became of each is fetched with `done`.

    `ports` is how many there are: each has at most one thing under way, and none waits
    for another. `wake` is called (from a worker) when there is something to fetch.
    """

    def __init__(self, ports: int, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._done: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        self._pool: Final = ThreadPoolExecutor(
            max(1, ports), thread_name_prefix="opener"
        )

    def open(self, number: int, opening: Callable[[], TappedPort]) -> None:
        """Begin to open the port of link `number`."""
        self._begin(number, opening)

    def close_port(self, number: int, port: TappedPort) -> None:
        """Begin to close the port of link `number`."""
        self._begin(number, port.close)

    def done(self) -> list[Outcome]:
        """What came to an end since the last call."""
        ended = []
        while not self._done.empty():
            ended.append(self._done.get())
        return ended

    def close(self) -> None:
        """Wait for what is under way, and close what it brought."""
        self._pool.shutdown(wait=True)
        for _, outcome in self.done():
            if outcome is not None and not isinstance(outcome, PortError):
                outcome.close()

    def _begin(self, number: int, work: Callable[[], TappedPort | None]) -> None:
        def finish(future: Future[TappedPort | None]) -> None:
            error = future.exception()
            if error is None:
                self._done.put((number, future.result()))
            elif isinstance(error, PortError):
                self._done.put((number, error))
            else:
                self._done.put((number, PortError(f"cannot be opened: {error!r}")))
            self._wake()

        self._pool.submit(work).add_done_callback(finish)
