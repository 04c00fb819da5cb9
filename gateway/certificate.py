"""TLS certificates: looking at a given one, and making one of our own for the demo in a local network.

A browser gives a page its camera only in a secure context, elsewhere than on localhost HTTPS; and no
authority signs for an address in a local network. So the demo signs for itself, for ``LIFETIME``, and
browsers warn once. It is made anew when it has expired or the machine has another address.
"""

import os
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from config.outcome import Outcome, PasserelleError

LIFETIME = timedelta(days=365)
_MARGIN = timedelta(days=1)


def check(certificate: Path, key: Path) -> None:
    """Raise `PasserelleError`, naming the file, unless this is a certificate with its key."""
    try:
        for file in (certificate, key):
            with file.open("rb"):
                pass
        # No password: else OpenSSL would ask for one on the terminal.
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificate, key, password="")
    except OSError as error:  # ssl.SSLError is one
        raise PasserelleError(
            f"The TLS certificate cannot be used: {error.filename or certificate}: {error.strerror or error}",
            outcome=Outcome.UNAVAILABLE,
            hint="http.certificate and http.key are PEM files that belong together; the key has no password.",
        ) from None


def provide(certificate: Path, key: Path, host: str) -> None:
    """See to it that there is a certificate for the address ``host``, with its key (mode 0600)."""
    if certificate.exists() and key.exists() and _fits(certificate.read_bytes(), host):
        return
    private = ec.generate_private_key(ec.SECP256R1())
    secret = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    key.unlink(missing_ok=True)
    with os.fdopen(os.open(key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(secret)
    certificate.write_bytes(_sign(private, host).public_bytes(serialization.Encoding.PEM))


def fingerprint(certificate: Path) -> str:
    """SHA-256 as browsers show it: what to compare before trusting."""
    digest = x509.load_pem_x509_certificate(certificate.read_bytes()).fingerprint(hashes.SHA256())
    return digest.hex(":").upper()


def _sign(private: ec.EllipticCurvePrivateKey, host: str) -> x509.Certificate:
    now = datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Passerelle demo")])
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(host)), x509.DNSName("localhost")])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _MARGIN)
        .not_valid_after(now + LIFETIME)
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(private, hashes.SHA256())
    )


def _fits(pem: bytes, host: str) -> bool:
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound):
        return False
    addresses = names.get_values_for_type(x509.IPAddress)
    return ip_address(host) in addresses and certificate.not_valid_after_utc > datetime.now(UTC) + _MARGIN
