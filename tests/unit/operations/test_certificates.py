"""A CA of the clinic's own, and a certificate that a browser takes for the console."""

import ssl
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from consoles import clinic

from devicelog.errors import DevicelogError
from devicelog.operations import certificates


def test_the_console_is_served_with_it_and_others_are_refused(tmp_path):
    made = certificates.make(tmp_path / "tls", "sim-clinic", ["localhost", "127.0.0.1"])
    more = f'certificate_file = "{made.certificate}"\nkey_file = "{made.key}"\n'
    trusting = ssl.create_default_context(cafile=made.ca)
    with clinic(tmp_path / "journal", more=more) as here:
        assert here.url.startswith("https://")
        with httpx.Client(base_url=here.url, verify=trusting) as client:
            answer = client.get("/login")
            assert answer.status_code == 200
            assert "strict-transport-security" in answer.headers
        with pytest.raises(httpx.ConnectError), httpx.Client() as client:
            client.get(here.url)


def test_a_new_certificate_comes_from_the_same_ca(tmp_path):
    at = datetime(2026, 1, 1, tzinfo=UTC)
    first = certificates.make(tmp_path, "clinic", ["clinic.local"], at)
    ca = Path(first.ca).read_bytes()
    again = certificates.make(tmp_path, "clinic", ["clinic.local"], at)
    assert Path(again.ca).read_bytes() == ca
    assert again.until == at + timedelta(days=397)


def test_keys_are_for_the_recorders_user_alone(tmp_path):
    made = certificates.make(tmp_path, "clinic", ["clinic.local"])
    for path in (made.key, tmp_path / certificates.CA_KEY):
        assert stat.S_IMODE(Path(path).stat().st_mode) == 0o600


def test_a_certificate_needs_a_name_and_a_folder(tmp_path):
    with pytest.raises(DevicelogError, match="needs a name"):
        certificates.make(tmp_path, "clinic", [])
    (tmp_path / "file").write_text("")
    with pytest.raises(DevicelogError, match="no certificate can be made"):
        certificates.make(tmp_path / "file", "clinic", ["clinic.local"])
