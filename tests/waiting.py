"""Waiting for what happens in real time: bounded, and it says what it waited for."""

import threading
import time


def wait_until(true, told=lambda: "", seconds=20.0):
    until = time.monotonic() + seconds
    pause = threading.Event()
    while not true():
        assert time.monotonic() < until, told()
        pause.wait(0.005)
