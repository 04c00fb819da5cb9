"""ITU-T G.711: μ-law and A-law, by tables.

A companded octet is a sign, a 3-bit segment (the exponent) and a 4-bit step within it. Decoding is a table
of 256 values, from the formulas of the Recommendation; encoding a table of 65,536, one for each 16-bit
sample: the code whose decision interval holds the sample. Both index whole matrices in one call, so that a
mixer decodes all legs of a tick together.

The Recommendation works on 14-bit (μ) and 13-bit (A) magnitudes; PCM here is scaled to 16 bit, as
everywhere.
"""

from typing import Final

import numpy as np

from media.codecs.pcm import Octets, Pcm

_ULAW_BIAS: Final = 132
_ULAW_CLIP: Final = 32635


class CompandingLaw:
    """One law: both decoder and encoder, for it has no state."""

    def __init__(self, decoding: Pcm, encoding: Octets) -> None:
        self._decoding = decoding
        self._encoding = encoding

    def decode(self, payload: bytes | Octets, /) -> Pcm:
        """Expand octets; the result has their shape."""
        octets = np.frombuffer(payload, np.uint8) if isinstance(payload, bytes) else payload
        return self._decoding.take(octets)

    def compress(self, pcm: Pcm, /) -> Octets:
        """Compress samples; the result has their shape."""
        return self._encoding.take(pcm.view(np.uint16))

    def encode(self, pcm: Pcm, /) -> bytes:
        """Compress samples to a payload; rows of a matrix follow one another."""
        return self.compress(pcm).tobytes()

    def prime(self, pcm: Pcm, /) -> None:
        """Nothing to learn: every sample stands alone."""


def _ulaw_decoding() -> Pcm:
    code = ~np.arange(256, dtype=np.uint8)  # all bits travel inverted
    exponent, step = (code >> 4) & 7, (code & 0x0F).astype(np.int32)
    magnitude = ((2 * step + 33) << (exponent + 2)) - _ULAW_BIAS
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def _ulaw_encoding() -> Octets:
    sample = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32)
    magnitude = np.minimum(np.abs(sample), _ULAW_CLIP) + _ULAW_BIAS
    exponent = np.floor(np.log2(magnitude)).astype(np.int32) - 7
    step = (magnitude >> (exponent + 3)) & 0x0F
    sign = np.where(sample < 0, 0x80, 0)
    codes: Octets = (~(sign | exponent << 4 | step)).astype(np.uint8)
    return codes


def _alaw_decoding() -> Pcm:
    code = np.arange(256, dtype=np.uint8) ^ 0x55  # even bits travel inverted
    exponent, step = ((code >> 4) & 7).astype(np.int32), (code & 0x0F).astype(np.int32)
    linear, curved = (2 * step + 1) << 3, (2 * step + 33) << (exponent + 2)
    magnitude = np.where(exponent == 0, linear, curved)
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


def _alaw_encoding() -> Octets:
    sample = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32)
    magnitude = np.where(sample < 0, ~sample, sample) >> 4  # no zero but the positive one
    exponent = np.maximum(np.floor(np.log2(np.maximum(magnitude, 1))).astype(np.int32) - 3, 0)
    step = (magnitude >> np.maximum(exponent - 1, 0)) & 0x0F
    sign = np.where(sample < 0, 0, 0x80)
    codes: Octets = ((sign | exponent << 4 | step) ^ 0x55).astype(np.uint8)
    return codes


ULAW: Final = CompandingLaw(_ulaw_decoding(), _ulaw_encoding())
ALAW: Final = CompandingLaw(_alaw_decoding(), _alaw_encoding())
