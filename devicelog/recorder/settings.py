"""What the configuration says of one device and its port."""

from typing import Literal

import msgspec

NAME = r"^[a-z0-9][a-z0-9_-]{0,31}$"


class DeviceSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One `[[devices]]` block.

    `name` stands in topics, tags and session ids. `port` is a path (best by-path), a
    `socket://host:port` or an `rfc2217://host:port`. `access`: `poll` sends what the
    profile declares, `tap` only listens. `serial` is the device's own serial number;
    without it the first device that answers is remembered. `dtr` and `rts` are set
    before the port is opened.
    """

    name: str
    profile: str
    port: str
    access: Literal["poll", "tap"] = "poll"
    label: str = ""
    serial: str = ""
    dtr: bool = False
    rts: bool = False
