"""Levels and sums of PCM, in a few numpy calls."""

import numpy as np
from numpy.typing import NDArray

from media.codecs.pcm import Pcm


def power(pcm: Pcm) -> float:
    """Mean square of the samples, in squared sample units."""
    samples = pcm.astype(np.float32)
    return float(samples @ samples) / len(samples)


def saturate(total: NDArray[np.int32]) -> Pcm:
    """Sums of samples, held within 16 bits. Rows stay rows."""
    return np.clip(total, -32768, 32767).astype(np.int16)
