"""Where entries go beside the journal: the tables `[mqtt]` and `[influx]`."""

from typing import Literal

import msgspec


class MqttSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A broker. Secrets come from files alone.

    `embedded`: a broker of our own on loopback, at this port (extra `demo`).
    `tls`: certificates are always checked; `ca_file` names another authority's.
    """

    host: str = "127.0.0.1"
    port: int = 1883
    protocol: Literal["5", "3.1.1"] = "5"
    embedded: bool = False
    tls: bool = False
    ca_file: str = ""
    user: str = ""
    password_file: str = ""
    home_assistant: bool = False


class InfluxSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A store. A simulated site writes to `<bucket>_sim`. Secrets come from files."""

    url: str
    org: str = "clinic"
    bucket: str = "devicelog"
    token_file: str = ""
    ca_file: str = ""
