"""DTLS: who the peer is, and the keys for SRTP (RFC 5763, RFC 5764, RFC 9147 section 5 for the handshake).

Signalling carries the fingerprint of each side's certificate; the handshake is believed when the peer shows
the certificate of that fingerprint, and nothing else about the certificate matters. Nothing but the
handshake and the closing alert travels over DTLS; data channels are not for us.

::

    HANDSHAKE ──── certificate of the fingerprint, Finished ────► SECURED ── close_notify, close() ──► CLOSED
       │  ▲                                                                                             ▲
       └──┘ failed: begin anew                               close() ───────────────────────────────────┘

A handshake begins in clear, so anybody who can forge the peer's address can write into it. Hence: alerts in
clear are not read, records that no handshake could contain never reach OpenSSL (:func:`plausible`), and a
handshake that fails all the same is begun anew without a word instead of ending the peer. What remains:
who forges a well-formed Certificate between the two flights, from the peer's proven address, spoils that
one handshake. From SECURED on OpenSSL drops what is not authenticated.

Sans-IO but for OpenSSL's own clock: it retransmits a flight after 1 s, then after 2, 4 ... s, when
:meth:`DtlsSession.tick` lets it. Browsers are quicker: a ClientHello that comes again says that our answer
was lost, and gets the same answer at once, a few times. (Records in clear may be repeated as they are.)
"""

import hmac
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from struct import Struct
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL, crypto

from media.webrtc.srtp import PROFILES, SrtpProfile, SrtpSession

MTU: Final = 1200  # octets of UDP payload
_DTLS_1_2: Final = 0xFEFD
_CIPHERS: Final = b"ECDHE+AESGCM:ECDHE+CHACHA20"
_EXPORTER: Final = b"EXTRACTOR-dtls_srtp"
_LIFETIME: Final = timedelta(days=3650)  # of the certificate; it dies with the process
_HASHES: Final[dict[str, Callable[[], hashes.HashAlgorithm]]] = {
    "sha-256": hashes.SHA256,
    "sha-384": hashes.SHA384,
    "sha-512": hashes.SHA512,
}

_RECORD: Final = Struct("!BHHHIH")  # type, version, epoch, sequence number (16 + 32 bits), length
_MESSAGE: Final = Struct("!BBHHBHBH")  # type, length 8 + 16, number, offset 8 + 16, fragment 8 + 16
_CHANGE_CIPHER_SPEC: Final = 20
_HANDSHAKE: Final = 22
_CLIENT_HELLO: Final = 1
_MAX_MESSAGE: Final = 1 << 14
_REPEATS: Final = 8  # of our answer to a ClientHello; a forger must not make us an amplifier
_FROM_CLIENT: Final = frozenset((1, 11, 15, 16))  # hello, certificate and its proof, key exchange
_FROM_SERVER: Final = frozenset((0, 2, 3, 4, 11, 12, 13, 14, 22))


class FingerprintError(ValueError):
    """An ``a=fingerprint`` that cannot be used; the text says what was expected."""


class DtlsState(Enum):
    """See the diagram."""

    HANDSHAKE = auto()
    SECURED = auto()
    CLOSED = auto()


class Fingerprint:
    """The peer's certificate as signalling names it: ``sha-256 AB:CD:...`` (RFC 8122 section 5)."""

    def __init__(self, text: str) -> None:
        algorithm, _, value = text.strip().partition(" ")
        make = _HASHES.get(algorithm.lower())
        if make is None:
            raise FingerprintError(f"expected a fingerprint by {', '.join(_HASHES)}, not {algorithm!r}")
        self._hash = make()
        try:
            self._digest = bytes.fromhex(value.strip().replace(":", ""))
        except ValueError:
            raise FingerprintError("expected a fingerprint of hexadecimal octets") from None
        if len(self._digest) != self._hash.digest_size:
            raise FingerprintError(f"expected {self._hash.digest_size} octets of {algorithm}")

    def matches(self, certificate: x509.Certificate) -> bool:
        """Whether that is the certificate."""
        return hmac.compare_digest(certificate.fingerprint(self._hash), self._digest)


class Certificate:
    """Who we are, as long as the process lives. ``fingerprint`` is for the SDP."""

    def __init__(self, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
        digest = certificate.fingerprint(hashes.SHA256()).hex(":").upper()
        self.fingerprint = f"sha-256 {digest}"
        self.context = _context(key, certificate)

    @classmethod
    def generate(cls) -> "Certificate":
        """Make one: ECDSA on P-256, signed by itself."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "passerelle")])
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder(
            issuer_name=name,
            subject_name=name,
            public_key=key.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=now - timedelta(days=1),  # clocks differ
            not_valid_after=now + _LIFETIME,
        )
        return cls(key, builder.sign(key, hashes.SHA256()))


def _context(key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> SSL.Context:
    context = SSL.Context(SSL.DTLS_METHOD)
    context.set_min_proto_version(_DTLS_1_2)
    context.set_options(SSL.OP_NO_TICKET | SSL.OP_NO_RENEGOTIATION | SSL.OP_NO_QUERY_MTU)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_cipher_list(_CIPHERS)
    context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, _verify)
    context.use_certificate(certificate)
    context.use_privatekey(key)
    context.set_tlsext_use_srtp(b":".join(profile.name for profile in PROFILES))
    return context


def _verify(connection: SSL.Connection, certificate: crypto.X509, error: int, depth: int, valid: int) -> bool:
    """OpenSSL asks about each certificate of the chain: the peer's own, at depth 0, is all that counts."""
    fingerprint: Fingerprint = connection.get_app_data()
    return depth > 0 or fingerprint.matches(certificate.to_cryptography())


class DtlsSession:
    """One peer's handshake. Methods return the datagrams to send; ``forged`` counts what was not used."""

    def __init__(self, certificate: Certificate, fingerprint: Fingerprint, *, server: bool) -> None:
        self.state = DtlsState.HANDSHAKE
        self.forged = 0
        self._context = certificate.context
        self._fingerprint = fingerprint
        self._server = server
        self._expected = _FROM_CLIENT if server else _FROM_SERVER
        self._connection = self._begin()
        self._answer: list[bytes] = []  # to the ClientHello
        self._repeats = 0

    def receive(self, datagram: bytes) -> list[bytes]:
        """Take one datagram of the peer."""
        if self.state is DtlsState.CLOSED:
            return []
        if self.state is DtlsState.HANDSHAKE and not plausible(datagram, self._expected):
            self.forged += 1
            return []
        self._connection.bio_write(datagram)
        written = self._advance()
        if self.state is DtlsState.HANDSHAKE and _is_client_hello(datagram):
            return self._answered(written)
        return written

    def tick(self) -> list[bytes]:
        """Begin, if that is for us, and retransmit what is due. Call it often, until SECURED."""
        if self.state is DtlsState.CLOSED:
            return []
        self._connection.DTLSv1_handle_timeout()
        return self._advance()

    def close(self) -> list[bytes]:
        """Say goodbye, if the peer could believe it."""
        secured = self.state is DtlsState.SECURED
        self.state = DtlsState.CLOSED
        if not secured:
            return []
        try:
            self._connection.shutdown()
        except SSL.Error:
            return []
        return self._written()

    def srtp(self) -> SrtpSession | None:
        """Return a session with the keys; None when the peer shares no profile with us."""
        profile = self._profile()
        if profile is None:
            return None
        material = self._connection.export_keying_material(_EXPORTER, profile.keying_size)
        client, server = profile.split(material)
        return SrtpSession(profile, *((client, server) if self._server else (server, client)))

    def _answered(self, written: list[bytes]) -> list[bytes]:
        """Note our answer to a ClientHello, or give it again."""
        if written:
            self._answer, self._repeats = written, 0
        elif self._answer and self._repeats < _REPEATS:
            self._repeats += 1
            return self._answer
        return written

    def _profile(self) -> SrtpProfile | None:
        name = self._connection.get_selected_srtp_profile()
        return next((profile for profile in PROFILES if profile.name == name), None)

    def _begin(self) -> SSL.Connection:
        connection = SSL.Connection(self._context)
        connection.set_app_data(self._fingerprint)
        connection.set_ciphertext_mtu(MTU)
        if self._server:
            connection.set_accept_state()
        else:
            connection.set_connect_state()
        return connection

    def _advance(self) -> list[bytes]:
        try:
            if self.state is DtlsState.HANDSHAKE:
                self._connection.do_handshake()
                self.state = DtlsState.SECURED
            while True:  # what was resent, and alerts; application data is nothing to us
                self._connection.recv(_MAX_MESSAGE)
        except SSL.WantReadError:
            pass
        except SSL.ZeroReturnError:
            self.state = DtlsState.CLOSED
        except SSL.Error:
            self.forged += 1
            if self.state is DtlsState.HANDSHAKE:
                self._connection = self._begin()
                self._answer = []
                return []
            if self._connection.get_shutdown() & SSL.RECEIVED_SHUTDOWN:  # a fatal alert, authenticated
                self.state = DtlsState.CLOSED
        return self._written()

    def _written(self) -> list[bytes]:
        try:
            return _datagrams(self._connection.bio_read(1 << 16))
        except SSL.WantReadError:
            return []


def plausible(datagram: bytes, expected: frozenset[int]) -> bool:
    """Whether a handshake can contain the datagram: whole records of it, no alert in clear.

    ``expected`` are the types of handshake message the peer may send in clear. What is encrypted passes.
    """
    at = 0
    while at < len(datagram):
        if datagram[at] & 0xE0 == 0x20:  # DTLS 1.3, encrypted (RFC 9147 section 4)
            return True
        if at + _RECORD.size > len(datagram):
            return False
        kind, version, epoch, _, _, length = _RECORD.unpack_from(datagram, at)
        at += _RECORD.size
        if version >> 8 != 0xFE or at + length > len(datagram):
            return False
        if epoch == 0 and not _plausible_record(kind, datagram[at : at + length], expected):
            return False
        at += length
    return at > 0


def _plausible_record(kind: int, body: bytes, expected: frozenset[int]) -> bool:
    if kind == _CHANGE_CIPHER_SPEC:
        return body == b"\x01"
    at = 0
    while kind == _HANDSHAKE and at + _MESSAGE.size <= len(body):
        message, high, low, _, offset_high, offset_low, size_high, size_low = _MESSAGE.unpack_from(body, at)
        length, offset, size = high << 16 | low, offset_high << 16 | offset_low, size_high << 16 | size_low
        if message not in expected or length > _MAX_MESSAGE or offset + size > length:
            return False
        at += _MESSAGE.size + size
    return 0 < at == len(body)


def _is_client_hello(datagram: bytes) -> bool:
    at = _RECORD.size
    return len(datagram) > at and (datagram[0], datagram[at]) == (_HANDSHAKE, _CLIENT_HELLO)


def _datagrams(data: bytes) -> list[bytes]:
    """Cut what OpenSSL wrote into datagrams: whole records, as many as fit."""
    found = []
    start = at = 0
    while at + _RECORD.size <= len(data) and data[at] & 0xE0 != 0x20:
        end = at + _RECORD.size + _RECORD.unpack_from(data, at)[5]
        if end - start > MTU and at > start:
            found.append(data[start:at])
            start = at
        at = end
    if start < len(data):
        found.append(data[start:])
    return found
