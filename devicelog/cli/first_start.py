"""`run` without a configuration: the set-up page, its link shown on the terminal."""

import os
import shlex
import signal
import sys
import threading
from pathlib import Path

from devicelog.cli import output
from devicelog.errors import ConfigError
from devicelog.operations.config import DEFAULT


def is_due(option: str | None, path: Path) -> bool:
    """Whether nothing was named, nothing is there, and somebody sees the terminal.

    A file that was named and is missing is a mistake; a service has no terminal, and
    the link belongs into no log.
    """
    if option or os.environ.get("DEVICELOG_CONFIG") or not sys.stderr.isatty():
        return False
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:  # it may be there: reading it tells
        return False
    return False


def set_up(path: Path) -> None:
    """Serve the page until it is saved. Raises ConfigError where it was not."""
    # Only a first start pays for its parts.
    from devicelog.console.setup import served  # noqa: PLC0415

    ending = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    # As it is called where a configuration has it: there is none yet.
    language = os.environ.get("DEVICELOG_CONSOLE_LANGUAGE", "en")
    saved = served.run(path, _tell, ending, language=language)
    if saved is None:
        raise ConfigError(
            "the set-up page ended, and no configuration was saved",
            hint="`devicelog run` opens it anew; `config init` writes a sample",
        )
    option = "" if saved == DEFAULT else f" --config {shlex.quote(str(saved))}"
    output.talk(f"devicelog: {saved} is saved; start with: devicelog run{option}")


def _tell(link: str) -> None:
    output.talk(
        "devicelog: there is no configuration yet. Open this link in a browser on this "
        f"machine, within 30 minutes (Ctrl-C ends it):\n\n    {link}\n"
    )
