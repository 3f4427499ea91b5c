"""Where Grafana is, and how it reaches the store: the table `[grafana]`."""

import msgspec


class GrafanaSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Only `devicelog dashboards` reads this. Secrets come from files alone.

    `token_file`: a service account's token that may write dashboards and data sources.
    `source_*`: how Grafana asks the store, as a user that may only read, never as the
    recorder; `source_url` where it reaches it under another address. A password goes
    with `source_user` (1.x), else a token (2.x).
    """

    url: str
    token_file: str
    ca_file: str = ""
    source_url: str = ""
    source_user: str = ""
    source_password_file: str = ""
    source_token_file: str = ""
