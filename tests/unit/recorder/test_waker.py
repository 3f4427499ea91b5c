"""Waking who waits in a selector: also when it has just ended, and no other file."""

import os
import select
import threading

from devicelog.recorder.waker import Waker


def waits(fd):
    return bool(select.select([fd], [], [], 0)[0])


def test_a_waking_is_heard_once_however_often_it_came():
    it = Waker()
    for _ in range(100_000):  # more than the pipe holds
        it.wake()
    assert waits(it.fd)
    while waits(it.fd):
        it.heard()
    it.wake()
    it.heard()

    assert not waits(it.fd)
    it.close()


def test_who_wakes_what_has_ended_writes_nowhere():
    it = Waker()
    it.close()
    # The next descriptors are those that were closed.
    ours, theirs = os.pipe2(os.O_NONBLOCK)
    it.wake()

    assert not waits(ours)
    os.close(ours)
    os.close(theirs)


def test_waking_and_ending_at_once_disturb_nobody():
    for _ in range(300):
        it, errors = Waker(), []

        def wake(it=it, errors=errors):
            try:
                for _ in range(20):
                    it.wake()
            except OSError as error:
                errors.append(error)

        threads = [threading.Thread(target=wake) for _ in range(2)]
        for thread in threads:
            thread.start()
        it.close()
        for thread in threads:
            thread.join()
        assert errors == []
