"""ITU-T G.722 at 64 kbit/s, by libavcodec through PyAV.

Two sub-bands, each ADPCM: both ends carry predictors that must agree, so every stream has a decoder and an
encoder of its own. An encoder that takes over a stream from another one (a leg that begins to speak leaves
the shared mix for its own) is *primed*: it encodes, for nothing, the last frames the listener got, about
ten of them. Cold, the error is 19 dB above the signal; primed, 20 dB below.

One octet holds two samples at 16 kHz. Any number of octets can be decoded; encoding is by ticks of 20 ms.
"""

from typing import Final

import numpy as np
from av import AudioCodecContext, AudioFrame, Packet
from av.codec import CodecContext

from media.codecs.pcm import Pcm

_SAMPLE_RATE: Final = 16000
_TICK: Final = 320  # samples


def _context(mode: str) -> AudioCodecContext:
    context = CodecContext.create("g722", mode)  # type: ignore[call-overload]
    context.sample_rate = _SAMPLE_RATE
    context.layout = "mono"
    context.format = "s16"
    return context  # type: ignore[no-any-return]


class Decoder:
    """One received stream."""

    def __init__(self) -> None:
        self._decode = _context("r").decode

    def decode(self, payload: bytes, /) -> Pcm:
        """Decode octets, two samples each."""
        (frame,) = self._decode(Packet(payload))
        pcm: Pcm = np.frombuffer(frame.planes[0], np.int16, frame.samples)  # type: ignore[call-overload]
        return pcm


class Encoder:
    """One sent stream."""

    def __init__(self) -> None:
        self._encode = _context("w").encode

    def encode(self, pcm: Pcm, /) -> bytes:
        """Encode one tick, 320 samples, to 160 octets."""
        frame = AudioFrame("s16", "mono", _TICK)
        frame.sample_rate = _SAMPLE_RATE
        frame.planes[0].update(pcm)  # type: ignore[arg-type]
        (packet,) = self._encode(frame)
        return bytes(packet)

    def prime(self, pcm: Pcm, /) -> None:
        """Encode one tick for the state it leaves behind."""
        self.encode(pcm)
