"""SRTP: the packets, encrypted and authenticated (RFC 3711, RFC 7714), by libsrtp.

The keys come from the DTLS handshake (RFC 5764 section 4.2): one for what the client writes, one for what
the server writes. Each SSRC has an *index* of its own: the sequence number with its count of wraps. Under
one key no index may be used twice: with GCM two packets of one index give the authentication key away.
libsrtp refuses that as long as it keeps its memory of what was sent, so ``allow_repeat_tx`` stays off and
what it refuses is not sent. The same memory, on the way in, refuses what is replayed.

Costs on one core: 1.2 µs for 100 octets, 2.0 µs for 1100 (GCM), in either direction.
"""

from dataclasses import dataclass
from typing import Final

from pylibsrtp import Error as LibsrtpError
from pylibsrtp import Policy, Session

REPLAY_WINDOW: Final = 1024  # packets: a second of video may come late
MAX_SSRCS: Final = 256  # a peer may use in its life; libsrtp keeps each, and looks through them all


class SrtpError(Exception):
    """The packet cannot be protected, or is not authentic."""


@dataclass(frozen=True, slots=True)
class SrtpProfile:
    """A protection profile, by its name in DTLS (RFC 5764 section 4.1.2, RFC 7714 section 14.2)."""

    name: bytes
    libsrtp: int
    key_size: int
    salt_size: int

    @property
    def keying_size(self) -> int:
        """Octets to export from DTLS: both sides' keys and salts."""
        return 2 * (self.key_size + self.salt_size)

    def split(self, material: bytes) -> tuple[bytes, bytes]:
        """Return the client's and the server's key, each with its salt (RFC 5764 section 4.2)."""
        key, salt = self.key_size, self.salt_size
        keys, salts = material[: 2 * key], material[2 * key :]
        return keys[:key] + salts[:salt], keys[key:] + salts[salt:]


PROFILES: Final = (
    SrtpProfile(b"SRTP_AEAD_AES_128_GCM", Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 16, 12),
    SrtpProfile(b"SRTP_AES128_CM_SHA1_80", Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 16, 14),
)
"""The best first."""


class SrtpSession:
    """Both directions of one peer.

    Every method raises :class:`SrtpError` and then has changed nothing.
    """

    __slots__ = ("_inbound", "_outbound", "_ssrcs")

    def __init__(self, profile: SrtpProfile, receive_key: bytes, send_key: bytes) -> None:
        self._inbound = Session(_policy(profile, receive_key, Policy.SSRC_ANY_INBOUND))
        self._outbound = Session(_policy(profile, send_key, Policy.SSRC_ANY_OUTBOUND))
        self._ssrcs: set[bytes] = set()

    def protect(self, packet: bytes | bytearray) -> bytes:
        """Encrypt RTP; refuses an index that was used before."""
        try:
            return self._outbound.protect(packet if type(packet) is bytes else bytes(packet))
        except (LibsrtpError, ValueError) as error:
            raise SrtpError(str(error)) from error

    def protect_rtcp(self, packet: bytes | bytearray) -> bytes:
        """Encrypt RTCP."""
        try:
            return self._outbound.protect_rtcp(packet if type(packet) is bytes else bytes(packet))
        except (LibsrtpError, ValueError) as error:
            raise SrtpError(str(error)) from error

    def unprotect(self, packet: bytes) -> bytes:
        """Decrypt RTP; refuses what is forged or replayed."""
        ssrc = packet[8:12]
        known = ssrc in self._ssrcs
        if not known and len(self._ssrcs) >= MAX_SSRCS:
            raise SrtpError(f"more than {MAX_SSRCS} SSRCs")
        try:
            plain = self._inbound.unprotect(packet)
        except (LibsrtpError, ValueError) as error:
            raise SrtpError(str(error)) from error
        if not known:
            self._ssrcs.add(ssrc)
        return plain

    def unprotect_rtcp(self, packet: bytes) -> bytes:
        """Decrypt RTCP; refuses what is forged or replayed."""
        ssrc = packet[4:8]
        known = ssrc in self._ssrcs
        if not known and len(self._ssrcs) >= MAX_SSRCS:
            raise SrtpError(f"more than {MAX_SSRCS} SSRCs")
        try:
            plain = self._inbound.unprotect_rtcp(packet)
        except (LibsrtpError, ValueError) as error:
            raise SrtpError(str(error)) from error
        if not known:
            self._ssrcs.add(ssrc)
        return plain


def _policy(profile: SrtpProfile, key: bytes, ssrcs: int) -> Policy:
    policy = Policy(key=key, ssrc_type=ssrcs, srtp_profile=profile.libsrtp)
    policy.window_size = REPLAY_WINDOW
    policy.allow_repeat_tx = False
    return policy
