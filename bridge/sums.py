"""The sums of one tick: what was said goes in, what everybody is to hear comes out, all meetings together.

A call of numpy costs a microsecond or more however little it is given, and a meeting of five would need a
dozen of them. So meetings only note what is to be done, and :meth:`Sums.run` does it for all of them, by
rows of one matrix::

    row = sums.put(frame, law)              # what somebody said: octets of that law, or samples
    total = sums.total([row, …])            # a meeting's sum
    sums.hear(taker, total, without=row)    # its telephones' shared stream, or one who hears a sum of its own
    sums.run()                              # from now on takers have their payload, or their samples

One object serves one sample rate. Rows and totals are numbers that hold until ``run``; 0 is silence.

**Loudness**: a sum of voices may be louder than 16 bits can say. Cutting its peaks off would sound harsh and
put tones into the speech that nobody said. So each taker has a gain: it falls at once, over 2.5 ms, to
where the tick's peak fits, and recovers slowly; one voice alone is never touched. Nor is anything worked
out in the ticks, nearly all, in which every sum fits and no gain is still recovering.
"""

from collections.abc import Iterable, Sequence
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from media.codecs import Codec, CompandingLaw, Pcm
from media.gain import saturate

NOTHING: Final = 0
"""The row, and the total, that is silence."""

_FULL_SCALE: Final = 32768
_RECOVERY: Final = 1.035  # of the gain in a tick: 6 dB in 400 ms
_ATTACK: Final = 0.0025  # s


class Taker(Protocol):
    """Who hears a sum: a telephone, or the stream that many telephones share."""

    codec: Codec
    gain: float
    """Of the last tick, 1 or less."""
    own: bytes | None
    """This tick's payload, where the codec is stateless."""
    pcm: Pcm | None
    """This tick's samples, where it is not."""


class Sums:
    """All sums of a tick, of ``samples`` samples each."""

    def __init__(self, samples: int) -> None:
        self._samples = samples
        self._ramp = np.minimum(np.arange(1, samples + 1) / (_ATTACK * 50 * samples), 1.0).astype(np.float32)
        self._silence = np.zeros(samples, np.int16)
        self._limiting = False  # whether somebody's gain was below 1 in the last tick
        self._begin()

    def _begin(self) -> None:
        self._rows = 1
        self._octets: dict[CompandingLaw, tuple[list[int], list[bytes]]] = {}  # rows, and what is in them
        self._pcm: tuple[list[int], list[Pcm]] = ([0], [self._silence])
        self._totals = 1
        self._parts: list[tuple[list[int], list[int]]] = []  # totals, and their first row; their second; …
        self._takers: list[Taker] = []
        self._heard: list[int] = []  # by taker: the total, and the row that is taken out of it
        self._without: list[int] = []
        self._spoken_to: list[int] = []  # takers to whom something is said, and the rows with the words
        self._words: list[int] = []

    def put(self, frame: bytes | Pcm, law: CompandingLaw | None = None) -> int:
        """Take what somebody said: octets of ``law``, or samples. Raises ValueError if it is not one tick."""
        if len(frame) != self._samples:
            raise ValueError(f"expected {self._samples} samples, got {len(frame)}")
        row = self._rows
        self._rows += 1
        if isinstance(frame, bytes):
            if law is None:
                raise ValueError("octets of no law")
            rows, frames = self._octets.setdefault(law, ([], []))
            frames.append(frame)
        else:
            rows, samples = self._pcm
            samples.append(frame)
        rows.append(row)
        return row

    def total(self, rows: Iterable[int]) -> int:
        """Add some rows up."""
        total = NOTHING
        for place, row in enumerate(rows):
            if not place:
                total = self._totals
                self._totals += 1
            if place == len(self._parts):
                self._parts.append(([], []))
            totals, parts = self._parts[place]
            totals.append(total)
            parts.append(row)
        return total

    def hear(self, taker: Taker, total: int, *, without: int = NOTHING, words: Pcm | None = None) -> None:
        """Let a taker have a total, without what it said itself, at half its loudness behind words."""
        if words is not None:
            self._spoken_to.append(len(self._takers))
            self._words.append(self.put(words))
        self._takers.append(taker)
        self._heard.append(total)
        self._without.append(without)

    def run(self) -> None:
        """Work everything out, and begin anew."""
        takers = self._takers
        if takers:
            said = self._said()
            totals = np.zeros((self._totals, self._samples), np.int32)
            for numbers, rows in self._parts:
                totals[numbers] += said[rows]
            heard = totals[self._heard] - said[self._without]
            if self._words:
                heard[self._spoken_to] = (heard[self._spoken_to] >> 1) + said[self._words]
            fits = not self._limiting and heard.max() < _FULL_SCALE and heard.min() >= -_FULL_SCALE
            _give(takers, heard.astype(np.int16) if fits else saturate(self._limited(heard, takers)))
        if self._rows > 1 or takers:
            self._begin()

    def _said(self) -> Pcm:
        said = np.empty((self._rows, self._samples), np.int16)
        for law, (rows, frames) in self._octets.items():
            said[rows] = law.decode(b"".join(frames)).reshape(-1, self._samples)
        rows, samples = self._pcm
        said[rows] = np.concatenate(samples).reshape(-1, self._samples)
        return said

    def _limited(self, heard: NDArray[np.int32], takers: Sequence[Taker]) -> NDArray[np.int32]:
        """The same sums, softer where they would not fit."""
        peaks = np.maximum(heard.max(axis=1), -heard.min(axis=1))
        before = np.fromiter((taker.gain for taker in takers), np.float32, len(takers))
        after = np.minimum(before * _RECOVERY, 1.0)
        after = np.minimum(after, _FULL_SCALE / np.maximum(peaks, _FULL_SCALE))
        softened = np.flatnonzero(np.minimum(before, after) < 1.0)
        if len(softened):
            start = before[softened, None]
            gains = start + (after[softened, None] - start) * self._ramp
            heard[softened] = heard[softened] * gains
            for index in softened.tolist():
                takers[index].gain = float(after[index])
        self._limiting = bool((after < 1.0).any())
        return heard


def _give(takers: Sequence[Taker], heard: Pcm) -> None:
    """Encode for those with a stateless codec, all of one in one go; the others get samples."""
    encoded: dict[CompandingLaw, list[int]] = {}
    for index, taker in enumerate(takers):
        law = taker.codec.law
        if law is None:
            taker.pcm = heard[index]
        else:
            encoded.setdefault(law, []).append(index)
    for law, rows in encoded.items():
        payloads = law.encode(heard[rows])
        size = heard.shape[1]
        for place, index in enumerate(rows):
            takers[index].own = payloads[place * size : (place + 1) * size]
