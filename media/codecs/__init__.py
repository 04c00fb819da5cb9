"""The audio codecs of the telephone side, each behind one immutable descriptor.

All three carry 64 kbit/s: one octet is one unit of the 8 kHz RTP clock, whatever the codec, and a tick of
20 ms is 160 octets. G.722 samples at 16 kHz and says 8000 in SDP nonetheless (RFC 3551 section 4.5.2), so
it decodes two samples from every octet. PCM is numpy int16, mono.

A *stateless* codec (G.711) maps octet by octet: one ``law`` serves every leg, and takes a whole matrix, one
row a stream, in one call. A stateful one (G.722) needs a decoder per stream received and an encoder per
stream sent.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from media.codecs import g722
from media.codecs.g711 import ALAW, ULAW, CompandingLaw
from media.codecs.pcm import Octets, Pcm

TICK = 0.020
"""The gateway's heartbeat, in seconds: everything is taken, mixed and encoded in pieces of this length."""


class Decoder(Protocol):
    """Turns payloads of one stream into PCM, in order."""

    def decode(self, payload: bytes, /) -> Pcm:
        """Decode any number of octets."""
        ...


class Encoder(Protocol):
    """Turns PCM of one stream into payloads, in order."""

    def encode(self, pcm: Pcm, /) -> bytes:
        """Encode one tick of samples."""
        ...

    def prime(self, pcm: Pcm, /) -> None:
        """Learn the state that a listener of ``pcm`` (one tick, sent by another encoder) now has."""
        ...


@dataclass(frozen=True, slots=True)
class Codec:
    """What a codec is called in SDP, its units, and how to make its two halves."""

    name: str  # the encoding name of rtpmap
    payload_type: int  # the static one, RFC 3551 section 6
    clock_rate: int  # RTP timestamp units a second
    sample_rate: int  # PCM samples a second
    octets_per_tick: int
    law: CompandingLaw | None = field(repr=False)  # what a stateless codec decodes and encodes matrices with
    decoder: Callable[[], Decoder] = field(repr=False)
    encoder: Callable[[], Encoder] = field(repr=False)

    @property
    def stateless(self) -> bool:
        """Whether every octet stands alone, so that all streams may share one decoder and one encoder."""
        return self.law is not None

    @property
    def samples_per_tick(self) -> int:
        """PCM samples in one tick of 20 ms."""
        return self.sample_rate // 50


PCMU = Codec("PCMU", 0, 8000, 8000, 160, ULAW, lambda: ULAW, lambda: ULAW)
PCMA = Codec("PCMA", 8, 8000, 8000, 160, ALAW, lambda: ALAW, lambda: ALAW)
G722 = Codec("G722", 9, 8000, 16000, 160, None, g722.Decoder, g722.Encoder)

__all__ = ["G722", "PCMA", "PCMU", "TICK", "Codec", "CompandingLaw", "Decoder", "Encoder", "Octets", "Pcm"]
