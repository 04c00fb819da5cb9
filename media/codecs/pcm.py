"""The two array types that travel between codecs, mixer and the units in between."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Pcm: TypeAlias = NDArray[np.int16]
"""Linear samples, mono; a matrix has one stream a row."""

Octets: TypeAlias = NDArray[np.uint8]
"""Encoded samples, one octet each; a matrix has one stream a row."""
