"""The media of one call: its sockets, its descriptions, its leg and its place in the mixer.

What SIP and the network have in common of a call, apart from what is said in it (``bridge.call``). They come
one after the other::

    open()      two sockets, so that the description can name their port
    describe()  the answer to the INVITE's offer, or an offer of ours when it had none: now there is a leg,
                unless the other side still has to answer
    start()     the ACK: the leg may send, and is in the mixer
    close()     everything is given back, in whatever state it is
"""

from collections.abc import Callable

from bridge.channel import Channel
from bridge.leg import Leg
from bridge.negotiation import Agreement, Negotiation
from bridge.services import Services
from media.sdp import SessionDescription
from media.sockets import MediaSockets
from sip.call import Call, Mismatch, NotAcceptable


class CallMedia:
    """``on_key``, ``on_media`` and ``on_failed`` are those of ``bridge.leg.Leg``."""

    def __init__(
        self,
        call: Call,
        services: Services,
        *,
        on_key: Callable[[str], None],
        on_media: Callable[[], None],
        on_failed: Callable[[Exception], None],
    ) -> None:
        self.leg: Leg | None = None
        self.channel: Channel | None = None
        self._call = call
        self._services = services
        self._on_key = on_key
        self._on_media = on_media
        self._on_failed = on_failed
        self._negotiation: Negotiation | None = None
        self._sockets: MediaSockets | None = None

    async def open(self) -> None:
        """Bind a pair of ports. Raises :class:`PasserelleError` when that cannot be done."""
        services = self._services
        bound, said = self._addresses()
        self._sockets = await MediaSockets.open(bound, services.ports, services.clock)
        self._negotiation = Negotiation(services.media.codecs, said, self._sockets.port)

    def _addresses(self) -> tuple[str, str]:
        """Where media is bound and what SDP says, in the family of the offer or of the signalling."""
        settings = self._services.media
        offer = self._call.offer
        medias = offer.medias if offer else []
        audio = next((media for media in medias if media.kind == "audio" and media.port), None)
        theirs = (offer.address_of(audio) if offer and audio else None) or self._call.local_host
        wide = ":" in theirs
        for index, address in enumerate(settings.address):
            if (":" in address) is wide:
                said = [known for known in settings.advertised if (":" in known) is wide]
                return settings.address[index], said[0] if said else address
        raise NotAcceptable(f"no media address for IPv{'6' if wide else '4'}", Mismatch.ADDRESS)

    def describe(self) -> SessionDescription:
        """What the 200 to the INVITE says. Raises :class:`NotAcceptable`."""
        return self.offer() if self._call.offer is None else self.answer(self._call.offer)

    def answer(self, offer: SessionDescription) -> SessionDescription:
        """Answer an offer. Raises :class:`NotAcceptable` and changes nothing then."""
        answer, agreement = self._described.answer(offer)
        self._agreed(agreement)
        return self._told(answer)

    def offer(self) -> SessionDescription:
        """Offer what we can do."""
        return self._told(self._described.offer())

    def accept(self, answer: SessionDescription) -> None:
        """Take the answer to our offer. Raises :class:`NotAcceptable` and changes nothing then."""
        self._agreed(self._described.accept(answer))

    def _told(self, description: SessionDescription) -> SessionDescription:
        """The other side gets to know our ports: whatever becomes of the call, it may send there."""
        if self._sockets is not None:
            self._sockets.told = True
        return description

    @property
    def _described(self) -> Negotiation:
        if self._negotiation is None:
            raise NotAcceptable
        return self._negotiation

    def _agreed(self, agreement: Agreement) -> None:
        if self.leg is not None:
            self.leg.update(agreement)
            if self.channel is not None:
                self._services.mixer.renew(self.channel)
            return
        services = self._services
        self.leg = Leg(
            agreement,
            services.media,
            services.ports,
            signalling_host=self._call.source.host,
            cname=f"{self._call.id}@passerelle",
            clock=services.clock,
            random=services.random,
            pulse=services.pulse,
            on_key=self._on_key,
            on_media=self._on_media,
            on_failed=self._on_failed,
        )
        if self._sockets is not None:
            ours = (*services.media.address, *services.media.advertised, self._call.local_host)
            self.leg.connect(self._sockets, ours)
            self._sockets.deliver(self.leg.rtp_received, self.leg.rtcp_received)

    def start(self) -> Leg | None:
        """The ACK came: the leg, which may send and be heard from now on; None if nothing was agreed."""
        if self.leg is not None:
            self.leg.open()
            self.channel = self._services.mixer.add(self.leg)
        return self.leg

    def close(self) -> None:
        """Give everything back."""
        if self.channel is not None:
            self._services.mixer.remove(self.channel)
        if self.leg is not None:
            self.leg.goodbye()
            self._services.totals.add(self.leg)
        if self._sockets is not None:
            self._sockets.close()
