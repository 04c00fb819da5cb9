"""The demo's own certificate."""

import ssl
import stat
from pathlib import Path

from gateway.certificate import fingerprint, provide


def test_a_certificate_is_made_once_and_anew_for_another_address(tmp_path: Path) -> None:
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    provide(certificate, key, "192.0.2.20")
    first = certificate.read_bytes()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificate, key)
    assert len(fingerprint(certificate)) == 32 * 3 - 1
    provide(certificate, key, "192.0.2.20")
    assert certificate.read_bytes() == first
    provide(certificate, key, "2001:db8::1")
    assert certificate.read_bytes() != first
    ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificate, key)


def test_a_damaged_one_is_made_anew(tmp_path: Path) -> None:
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    certificate.write_text("nonsense")
    key.write_text("nonsense")
    provide(certificate, key, "192.0.2.20")
    ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificate, key)
