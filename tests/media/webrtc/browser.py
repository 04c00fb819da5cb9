"""A peer for tests: the browser's half of ICE, DTLS and SRTP over whatever carries its datagrams.

It speaks through the modules under test, so what it proves is behaviour; that strangers understand us is
proved with aiortc and Chromium.
"""

from collections.abc import Callable
from random import Random

from media.webrtc import stun
from media.webrtc.dtls import Certificate, DtlsSession, DtlsState, Fingerprint
from media.webrtc.ice import IceParameters
from media.webrtc.srtp import SrtpSession
from media.webrtc.stun import Attribute, MessageType

HIGH, LOW = 0x7EFFFFFF, 0x6E000001  # PRIORITY of two candidates
CERTIFICATE = Certificate.generate()


class Browser:
    """``send`` takes what it has to say; feed what it hears to :meth:`receive`."""

    def __init__(self, send: Callable[[bytes], object], *, seed: int = 1, server: bool = False) -> None:
        self.send = send
        self.random = Random(seed)
        self.local = IceParameters.generate(self.random)
        self.remote = IceParameters("", "")
        self.fingerprint = CERTIFICATE.fingerprint
        self.answers = True  # to checks
        self.mapped: list[bytes] = []  # transactions of ours that succeeded
        self.errors: list[int] = []
        self.asked = 0  # checks of theirs
        self.dtls: DtlsSession | None = None
        self.srtp: SrtpSession | None = None
        self.received: list[bytes] = []  # SRTP, decrypted
        self._server = server
        self._fingerprint = ""

    def describe(self, remote: IceParameters, fingerprint: str) -> None:
        self.remote = remote
        self._fingerprint = fingerprint

    def check(
        self,
        *,
        nominate: bool = False,
        priority: int = HIGH,
        nomination: int | None = None,
        password: str | None = None,
        extra: tuple[tuple[int, bytes], ...] = (),
    ) -> bytes:
        """Return a Binding request."""
        attributes = [
            (Attribute.USERNAME, f"{self.remote.ufrag}:{self.local.ufrag}".encode()),
            (Attribute.PRIORITY, priority.to_bytes(4)),
            (Attribute.ICE_CONTROLLING, bytes(8)),
            *extra,
        ]
        if nominate:
            attributes.append((Attribute.USE_CANDIDATE, b""))
        if nomination is not None:
            attributes.append((Attribute.NOMINATION, nomination.to_bytes(4)))
        key = (self.remote.password if password is None else password).encode()
        return stun.write(MessageType.REQUEST, self.random.randbytes(12), attributes, key)

    def receive(self, data: bytes) -> None:
        if data[0] <= 3:
            self._stun(data)
        elif data[0] <= 63:
            if self.dtls is None:
                self.handshake()
            self._moved(self._session.receive(data))
        elif self.srtp is not None:
            rtcp = 192 <= data[1] <= 223
            self.received.append(self.srtp.unprotect_rtcp(data) if rtcp else self.srtp.unprotect(data))

    def handshake(self) -> None:
        """Begin, or as the server be ready."""
        if self.dtls is None:
            self.dtls = DtlsSession(CERTIFICATE, Fingerprint(self._fingerprint), server=self._server)
        if not self._server:
            self._moved(self.dtls.tick())

    def rtp(self, sequence: int, ssrc: int = 7, payload: bytes = b"speech") -> bytes:
        """Return an SRTP packet."""
        if self.srtp is None:
            raise AssertionError("no keys yet")
        return self.srtp.protect(plain(sequence, ssrc, payload))

    @property
    def _session(self) -> DtlsSession:
        if self.dtls is None:
            raise AssertionError("no handshake yet")
        return self.dtls

    def _moved(self, datagrams: list[bytes]) -> None:
        if self._session.state is DtlsState.SECURED and self.srtp is None:
            self.srtp = self._session.srtp()
        for datagram in datagrams:
            self.send(datagram)

    def _stun(self, data: bytes) -> None:
        message = stun.parse(data)
        if message is None:
            raise AssertionError("the server wrote what it cannot read")
        if message.type is MessageType.REQUEST:
            self.asked += 1
            if not message.authenticates(self.local.password.encode()):
                raise AssertionError("the server's check is not under our password")
            if self.answers:
                self.send(stun.success(message, ("192.0.2.1", 9), self.local.password.encode()))
        elif not message.authenticates(self.remote.password.encode()):
            raise AssertionError("the server's answer is not under its password")
        elif message.type is MessageType.SUCCESS:
            self.mapped.append(message.transaction)
        else:
            value = message.attributes[Attribute.ERROR_CODE]
            self.errors.append(value[2] * 100 + value[3])


def plain(sequence: int, ssrc: int = 7, payload: bytes = b"speech") -> bytes:
    """Return an RTP packet in clear."""
    return b"\x80\x60" + sequence.to_bytes(2) + bytes(4) + ssrc.to_bytes(4) + payload
