"""What one browser publishes, and finding out which stream a packet belongs to.

An SSRC tells a stream only once it is bound: by the MID and RID in its first packets (RFC 8843 section 9.2,
RFC 8852), or because the offer names it. A MID and RID that comes under a new SSRC goes on as the same
stream; the SSRC it had is not listened to any more. So there are never more streams than lines and layers,
however many SSRCs a peer invents.

RTX packets (RFC 4588) are opened here: the first two octets are the number of the packet they repeat.
"""

from collections.abc import Mapping
from typing import Final

from conferencing.embedded.codecs import Codec
from conferencing.embedded.extensions import Extension
from conferencing.embedded.media import Source
from conferencing.embedded.offer import RIDS, Offer, OfferedLine
from conferencing.embedded.stream import SharedClock, Upstream, VideoStream
from conferencing.embedded.voice import Voice

GONE_AFTER: Final = 5.0  # s without a packet: the camera is off
Elements = Mapping[int, tuple[int, int]]
_ORDER: Final = ("", *RIDS)


class Publication:
    """A picture that is published: its layers, and whether it may be."""

    def __init__(self, participant_id: str, source: Source) -> None:
        self.participant_id = participant_id
        self.source = source
        self.allowed = True
        self.streams: list[VideoStream] = []  # ascending

    def is_shown(self, now: float) -> bool:
        """Whether it deserves a slot: there was a picture a moment ago."""
        return self.allowed and any(now - stream.last_arrival < GONE_AFTER for stream in self.streams)

    def layers(self, now: float) -> list[VideoStream]:
        """What can be forwarded now, the lowest first."""
        if not self.allowed or not self.streams:
            return []
        return [stream for stream in self.streams if stream.is_live(now)]


class Binding:
    """What an SSRC is. ``codecs`` by payload type, of RTX the codec that is repeated."""

    __slots__ = ("codecs", "publication", "repairs", "stream", "voice")

    def __init__(
        self,
        codecs: Mapping[int, Codec],
        *,
        voice: Voice | None = None,
        stream: VideoStream | None = None,
        publication: Publication | None = None,
        repairs: bool = False,
    ) -> None:
        self.codecs = codecs
        self.voice = voice
        self.stream = stream
        self.publication = publication
        self.repairs = repairs


class Publisher:
    """All that one browser publishes."""

    def __init__(self, participant_id: str, upstream: Upstream) -> None:
        self.clock = SharedClock()
        self.voice = Voice(participant_id, self.clock)
        self.microphone_allowed = True
        self.camera = Publication(participant_id, Source.CAMERA)
        self.screen = Publication(participant_id, Source.SCREEN)
        self.bindings: dict[int, Binding] = {}
        self._upstream = upstream
        self._lines: dict[str, OfferedLine] = {}
        self._named: dict[int, tuple[OfferedLine, int]] = {}  # SSRC -> line, the SSRC it repairs or 0
        self._extensions: dict[Extension, int] = {}
        self._former: set[int] = set()

    def negotiated(self, offer: Offer) -> None:
        """Take what was offered: the lines, their extensions and SSRCs."""
        lines = [line for line in offer.lines if line.place.source]
        self._lines = {line.mid: line for line in lines if line.taken}
        self._extensions = {}
        self._named = {}
        for line in lines:
            self._extensions.update(line.extensions)
            if not line.rids:
                self._named.update((ssrc, (line, 0)) for ssrc in line.ssrcs)
                self._named.update((repair, (line, ssrc)) for repair, ssrc in line.repairs.items())
        # Payload types may have moved: SSRCs are bound anew by their next packets.
        self._former.clear()
        self._rebind()

    def close(self) -> None:
        """Let go of all streams."""
        self._lines.clear()
        self._named.clear()
        self.bindings.clear()
        self.camera.streams.clear()
        self.screen.streams.clear()

    def publication(self, source: Source) -> Publication | None:
        """The picture from that source; None for the microphone."""
        return {Source.CAMERA: self.camera, Source.SCREEN: self.screen}.get(source)

    def streams(self) -> list[VideoStream]:
        """All video streams."""
        return [*self.camera.streams, *self.screen.streams]

    def bind(self, ssrc: int, payload_type: int, found: Elements, packet: bytes) -> Binding | None:
        """Find out what a new SSRC is; None when it cannot be told, or is not wanted."""
        if ssrc in self._former or not ssrc:
            return None
        mid = self._text(Extension.MID, found, packet)
        repaired = self._text(Extension.REPAIRED_RID, found, packet)
        rid = self._text(Extension.RID, found, packet)
        if mid in self._lines:
            line = self._lines[mid]
            repairs = bool(repaired) or payload_type in line.rtx.values()
        elif ssrc in self._named:
            line, original = self._named[ssrc]
            repairs, rid, repaired = bool(original), "", ""
        else:
            return None
        if line.mid not in self._lines:
            return None
        rid = repaired or rid
        if (rid not in line.rids) if line.rids else rid:
            return None
        return self._bound(line, ssrc, rid, repairs=repairs)

    def _text(self, extension: Extension, found: Elements, packet: bytes) -> str:
        at = found.get(self._extensions.get(extension, 0))
        return packet[at[0] : at[0] + at[1]].decode("ascii", "replace") if at else ""

    def _bound(self, line: OfferedLine, ssrc: int, rid: str, *, repairs: bool) -> Binding:
        codecs = _codecs(line, repairs=repairs)
        if line.place.source is Source.MICROPHONE:
            binding = Binding(codecs, voice=self.voice)
            self._replace(self.voice.stream.ssrc, ssrc)
            self.voice.stream.bind(ssrc)
        else:
            publication = self.camera if line.place.source is Source.CAMERA else self.screen
            stream = self._stream(publication, rid)
            binding = Binding(codecs, stream=stream, publication=publication, repairs=repairs)
            if repairs:
                old = (
                    key for key, value in self.bindings.items() if value.repairs and value.stream is stream
                )
                self._replace(next(old, 0), ssrc)
            else:
                self._replace(stream.ssrc, ssrc)
                stream.bind(ssrc)
        self.bindings[ssrc] = binding
        return binding

    def _replace(self, old: int, new: int) -> None:
        if old and old != new:
            self.bindings.pop(old, None)
            if len(self._former) < 100:  # a peer that changes more often hurts only itself
                self._former.add(old)

    def _stream(self, publication: Publication, rid: str) -> VideoStream:
        for stream in publication.streams:
            if stream.rid == rid:
                return stream
        stream = VideoStream(rid, self.clock, self._upstream)
        publication.streams.append(stream)
        publication.streams.sort(key=lambda stream: _ORDER.index(stream.rid))
        return stream

    def _rebind(self) -> None:
        """After a new offer: the known SSRCs keep their streams, with the payload types of now."""
        for ssrc, binding in tuple(self.bindings.items()):
            if binding.voice is not None:
                source = Source.MICROPHONE
            else:
                source = binding.publication.source if binding.publication else Source.CAMERA
            line = next((line for line in self._lines.values() if line.place.source is source), None)
            if line is None:
                del self.bindings[ssrc]
            else:
                binding.codecs = _codecs(line, repairs=binding.repairs)


def _codecs(line: OfferedLine, *, repairs: bool) -> dict[int, Codec]:
    """The codecs of a line by payload type; of RTX by that of RTX."""
    if not repairs:
        return {number: codec for codec, number in line.formats.items()}
    return {line.rtx[number]: codec for codec, number in line.formats.items() if number in line.rtx}
