"""Made-up weeks as a journal that is kept, so that the next start has them at once."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Final

from devicelog import __version__
from devicelog.errors import DevicelogError
from devicelog.journal.schema import VERSION
from devicelog.journal.settings import JournalSettings
from devicelog.journal.writer import Writer
from devicelog.simulation.conserve import conserved
from devicelog.simulation.month import Month

SITE: Final = "sim-clinic"
_FRESH: Final = timedelta(days=7)  # older ones are made anew
_UNDER: Final = "devicelog"
_BEGUN: Final = "begun-"


class Ended(DevicelogError):
    """Somebody ended it before the weeks were whole; nothing of them is kept."""


def cache() -> Path:
    """Where programs keep what they can make again."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / _UNDER


def kept(
    cache: Path,
    days: int,
    *,
    seed: int,
    now: datetime,
    progress: Callable[[int], bool] = lambda _: True,
) -> Path:
    """The directory of a journal with so many working days before today.

    Made if it is not there or too old; its counts are seen to conserve. `progress` is
    told how many days are over; where it answers False, Ended is raised. Raises
    DevicelogError where there is no room for it.
    """
    whole = cache / f"demo-{__version__}-{VERSION}-{seed}-{days}"
    if _fresh(whole, now):
        return whole
    try:
        cache.mkdir(parents=True, exist_ok=True)
        for old in cache.glob("demo-*"):
            if not _fresh(old, now):
                shutil.rmtree(old, ignore_errors=True)
        with _begun(cache) as begun:
            _make(str(begun), days, seed, now, progress)
            _put(begun, whole, now)
    except OSError as error:
        raise DevicelogError(
            f"made-up weeks cannot be kept in {cache}: {error}",
            hint="free some space there, or do without: --days 0",
        ) from error
    return whole


# --- Private ----------------------------------------------------------------------


@contextlib.contextmanager
def _begun(cache: Path) -> Iterator[Path]:
    """A directory of our own; those go whose makers were killed."""
    with contextlib.ExitStack() as stack:
        with _held(cache):
            for left in cache.glob(f"{_BEGUN}*"):
                with contextlib.suppress(OSError), _held(left, wait=False):
                    shutil.rmtree(left)
            made = tempfile.TemporaryDirectory(prefix=_BEGUN, dir=cache)
            begun = Path(stack.enter_context(made))
            stack.enter_context(_held(begun))
        yield begun


@contextlib.contextmanager
def _held(directory: Path, *, wait: bool = True) -> Iterator[None]:
    """Nobody else holds it within; who dies lets go. Not to wait: BlockingIOError."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield
    finally:
        os.close(fd)


def _fresh(whole: Path, now: datetime) -> bool:
    """Whether it is there, and was in use in these days."""
    journal = whole / "journal.db"
    if not journal.exists():
        return False
    used = datetime.fromtimestamp(journal.stat().st_mtime, UTC)
    return now - used < _FRESH


def _put(begun: Path, whole: Path, now: datetime) -> None:
    try:
        begun.replace(whole)
    except OSError:
        if not _fresh(whole, now):  # else somebody else was quicker
            raise


def _make(
    directory: str,
    days: int,
    seed: int,
    now: datetime,
    progress: Callable[[int], bool],
) -> None:
    zone: tzinfo = now.tzinfo or UTC
    month = Month((now - timedelta(days=1)).date(), days, seed=seed, zone=zone)

    def told(over: int) -> None:
        if not progress(over):
            raise Ended("ended before the weeks were whole")

    settings = JournalSettings(directory, ballast_mb=0)
    with Writer(settings, simulated=True, site=SITE, clock=month.clock) as writer:
        counts = month.write(writer, told)
    conserved(directory, counts)
