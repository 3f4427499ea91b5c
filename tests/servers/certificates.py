"""Certificates, right and wrong, made for one test."""

import datetime as dt
from pathlib import Path

import trustme


def make(directory, *, name="localhost", authority=None, expired=False):
    """ca.pem, server.pem and server.key in a directory of their own; which one.

    `authority` None: an authority of its own, which nobody knows yet.
    """
    authority = authority or trustme.CA()
    now = dt.datetime.now(tz=dt.UTC)
    until = now + dt.timedelta(days=-1 if expired else 30)
    server = authority.issue_cert(
        name, not_before=now - dt.timedelta(days=60), not_after=until
    )
    folder = Path(directory)
    folder.mkdir(parents=True)
    authority.cert_pem.write_to_path(folder / "ca.pem")
    server.cert_chain_pems[0].write_to_path(folder / "server.pem")
    server.private_key_pem.write_to_path(folder / "server.key")
    return folder
