"""One peer's media transport: ICE finds the way, DTLS the keys, SRTP carries (RFC 8827, RFC 8834).

The states and the reasons are in ``media.webrtc.states``. The handler hears of CONNECTED and of CLOSED once
each, of the latter however it came.

Which ICE it is, is the owner's affair: the answering half of the mux (``media.webrtc.ice``), or the whole of
it for who calls a server (``media.webrtc.agent``). All above that is the same.

We are the DTLS server unless the peer's ``a=setup`` is ``passive``; as a client the handshake begins with
the first proven path, so that no ClientHello goes to an address that has not shown to be the peer's.

Everything happens on the loop's thread. Time is in seconds of the owner's clock.
"""

from collections.abc import Callable
from typing import Final, Protocol

from media.webrtc.dtls import Certificate, DtlsSession, DtlsState, Fingerprint
from media.webrtc.path import Agent, Counters, IceParameters, Path, Peer, Traffic
from media.webrtc.srtp import SrtpError, SrtpSession
from media.webrtc.states import TRANSITIONS, Event, Reason, TransportError, TransportState

CONNECT_TIMEOUT: Final = 30.0  # s from connect() to the keys
_SETUPS: Final = frozenset(("actpass", "active", "passive"))


class TransportHandler(Protocol):
    """Who gets what a peer sends. ``now`` is the owner's clock; packets are authentic, and in clear."""

    def rtp_received(self, packet: bytes, now: float) -> None:
        """One RTP packet: at least its header, its SSRC among the first 256 of the peer."""

    def rtcp_received(self, packet: bytes, now: float) -> None:
        """One compound RTCP packet."""

    def connected(self) -> None:
        """Media may flow."""

    def closed(self, reason: Reason) -> None:
        """It is over: exactly once, however it came."""


class Owner(Protocol):
    """What a transport asks of its mux or client."""

    certificate: Certificate
    counters: Counters
    traffic: Traffic
    clock: Callable[[], float]

    def closed(self, peer: "PeerTransport") -> None:
        """Forget the peer."""


class PeerTransport:
    """The way to one peer. Made by ``MediaMux.peer`` and ``MediaClient.peer``."""

    def __init__(self, owner: Owner, handler: TransportHandler, make: Callable[[Peer], Agent]) -> None:
        self.state = TransportState.NEW
        self.handler = handler
        self._owner = owner
        self._counters = owner.counters
        self._traffic = owner.traffic
        self._ice = make(self)
        self._ice.on_selected = self._path_selected
        self._dtls: DtlsSession | None = None
        self._active = False
        self._ready = False  # for a ClientHello
        self._srtp: SrtpSession | None = None
        self._deadline = 0.0

    @property
    def local(self) -> IceParameters:
        """Our ICE credentials, for the SDP."""
        return self._ice.local

    @property
    def fingerprint(self) -> str:
        """The value of ``a=fingerprint``."""
        return self._owner.certificate.fingerprint

    @property
    def setup(self) -> str:
        """The value of ``a=setup``: in an offer, that is before :meth:`connect`, then in an answer."""
        if self.state is TransportState.NEW:
            return "actpass"
        return "active" if self._active else "passive"

    @property
    def remote_address(self) -> str | None:
        """Where media is sent to, as text; None before there is a path."""
        path = self._ice.selected
        return None if path is None else f"{path.address[0]} {path.address[1]}"

    def candidates(self) -> list[str]:
        """The values of ``a=candidate``."""
        return self._ice.candidates()

    def connect(self, remote: IceParameters, fingerprint: str, setup: str) -> None:
        """Await the peer that signalling describes.

        Raises:
            TransportError: not NEW, or an unknown ``setup``.
            FingerprintError: a fingerprint by a hash that is not good enough, or not one at all.
        """
        if setup not in _SETUPS:
            raise TransportError(f"expected a=setup of actpass, active or passive, not {setup!r}")
        expected = Fingerprint(fingerprint)
        self._move(Event.CONNECT)
        self._active = setup == "passive"
        self._dtls = DtlsSession(self._owner.certificate, expected, server=not self._active)
        self._ice.connect(remote)
        self._deadline = self._owner.clock() + CONNECT_TIMEOUT

    def add_candidate(self, value: str) -> None:
        """Take an ``a=candidate`` of the peer, whenever it comes.

        What cannot be used is passed over: a name, ``.local`` above all; TCP; nonsense; the empty one that
        says that there are no more, for the peer may yet be found by its own checks (RFC 8863).
        """
        if self.state is not TransportState.CLOSED:
            self._ice.add_candidate(value)

    async def renew(self) -> None:
        """Begin an ICE restart of ours: from now on ``local`` and ``candidates()`` are new, for an offer.

        Media flows on as it did until :meth:`restart` has led to a new path.

        Raises:
            TransportError: there is nothing to restart.
        """
        self._check_restart()
        await self._ice.renew()

    def restart(self, remote: IceParameters) -> IceParameters:
        """ICE restart: take the peer's new credentials, return ours.

        The old ones hold until there is a path nominated under the new. In the client's role :meth:`renew`
        comes first, whoever restarts: sockets take time.

        Raises:
            TransportError: there is nothing to restart, or it was not begun.
        """
        self._check_restart()
        self._ice.restart(remote)
        return self._ice.local

    def send_rtp(self, packet: bytes | bytearray) -> None:
        """Send one RTP packet; what cannot be sent now is dropped and counted. Late is worse than lost."""
        srtp, path = self._srtp, self._ice.selected
        if srtp is None:
            self._counters.early += 1
            return
        if path is None:
            self._counters.unsent += 1
            return
        try:
            path.send(srtp.protect(packet), path.address)
            self._traffic.sent += 1
        except SrtpError:
            self._counters.unprotectable += 1
        except OSError:  # EWOULDBLOCK, ENETUNREACH ...
            self._counters.unsent += 1

    def send_rtcp(self, packet: bytes | bytearray) -> None:
        """Send one compound RTCP packet, or drop and count it."""
        srtp, path = self._srtp, self._ice.selected
        if srtp is None:
            self._counters.early += 1
            return
        if path is None:
            self._counters.unsent += 1
            return
        try:
            path.send(srtp.protect_rtcp(packet), path.address)
        except SrtpError:
            self._counters.unprotectable += 1
        except OSError:
            self._counters.unsent += 1

    def close(self) -> None:
        """Tell the peer and let go of it; harmless when CLOSED."""
        self._end(Event.CLOSE, Reason.CLOSED)

    def media_received(self, path: Path, data: bytes, now: float) -> None:
        """SRTP or SRTCP from a proven address: the second octet tells (RFC 5761 section 4)."""
        srtp = self._srtp
        if srtp is None:
            self._counters.early += 1
            return
        rtcp = 192 <= data[1] <= 223
        try:
            packet = srtp.unprotect_rtcp(data) if rtcp else srtp.unprotect(data)
        except SrtpError:
            self._counters.undecryptable += 1
            return
        path.heard_at = now
        if rtcp:
            self.handler.rtcp_received(packet, now)
        else:
            self._traffic.received += 1
            self.handler.rtp_received(packet, now)

    def dtls_received(self, path: Path, data: bytes, now: float) -> None:
        """A DTLS datagram from a proven address."""
        if self._dtls is not None:
            self._dtls_moved(self._dtls, self._dtls.receive(data))

    def tick(self, now: float) -> None:
        """Let time pass; called by the mux several times a second."""
        if not self._ice.tick(now):
            found = self._ice.selected is not None or self.state is TransportState.CONNECTED
            self._end(Event.LOST, Reason.NO_CONSENT if found else Reason.NO_CONNECTION)
        elif self.state is TransportState.CHECKING:
            if now > self._deadline:
                self._end(Event.LOST, Reason.NO_CONNECTION)
            elif self._dtls is not None and self._ready:
                self._dtls_moved(self._dtls, self._dtls.tick())

    def fail(self) -> None:
        """End a peer whose handler failed."""
        self._end(Event.CLOSE, Reason.INTERNAL_ERROR)

    def _path_selected(self, path: Path | None, now: float) -> None:
        """The first path lets the handshake begin."""
        self._ready = self._ready or path is not None
        if path is not None and self.state is TransportState.CHECKING and self._active and self._dtls:
            self._dtls_moved(self._dtls, self._dtls.tick())

    def _dtls_moved(self, dtls: DtlsSession, datagrams: list[bytes]) -> None:
        self._send_dtls(datagrams)
        self._counters.forged += dtls.forged
        dtls.forged = 0
        if dtls.state is DtlsState.CLOSED:
            self._end(Event.LOST, Reason.CLOSED_BY_PEER)
        elif dtls.state is DtlsState.SECURED and self.state is TransportState.CHECKING:
            self._srtp = dtls.srtp()
            if self._srtp is None:
                self._end(Event.LOST, Reason.NO_PROFILE)
                return
            self._move(Event.SECURED)
            self.handler.connected()

    def _send_dtls(self, datagrams: list[bytes]) -> None:
        path = self._ice.selected
        for datagram in datagrams:
            try:
                if path is not None:
                    path.send(datagram, path.address)
            except OSError:
                self._counters.unsent += 1

    def _end(self, event: Event, reason: Reason) -> None:
        if self.state is TransportState.CLOSED:
            return
        self._move(event)
        if self._dtls is not None:
            self._send_dtls(self._dtls.close())
        self._srtp = None
        self._ice.close()
        self._owner.closed(self)
        self.handler.closed(reason)

    def _check_restart(self) -> None:
        if self.state not in (TransportState.CHECKING, TransportState.CONNECTED):
            raise TransportError(f"cannot restart while {self.state.name}")

    def _move(self, event: Event) -> None:
        state = TRANSITIONS.get((self.state, event))
        if state is None:
            raise TransportError(f"{event.name} is not for {self.state.name}")
        self.state = state
