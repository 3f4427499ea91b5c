"""What the operator may set about the console: the table `[console]`."""

import msgspec


class ConsoleSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The page for the people in the clinic.

    `host`: loopback, or an address of the clinic's network; then only with a
    certificate (`devicelog console cert` makes one). `names`: what tablets call this
    machine. `port` 0: any that is free, told in the log. `idle_min`, `longest_h`: how
    long somebody stays logged in without a touch, and at all.
    """

    enabled: bool = True
    host: str = "127.0.0.1"
    port: int = 8470
    names: tuple[str, ...] = ()
    certificate_file: str = ""
    key_file: str = ""
    language: str = "en"
    idle_min: float = 15.0
    longest_h: float = 8.0
