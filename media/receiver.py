"""One leg's way from RTP packets to the tick: jitter buffer, decoder, concealment, time-scaling.

The mixer asks once a tick, and the answer costs as little as it can::

    payload = receiver.take_plain()         # most ticks of a G.711 leg: its octets, for the batch
    if payload is None:
        pcm = receiver.take_pcm()           # everything else: samples, or None for silence

``take_plain`` answers only for a stateless codec, and only when the tick's octets are all there and need
nothing but decoding, which the mixer does for all legs in one call. Whenever it answers None, ``take_pcm``
has to be called for the same tick; it decodes, conceals what is lost, cross-fades back, and corrects the
delay of the jitter buffer by stretching. Together they consume exactly one tick.
"""

from collections import deque
from typing import Final

import numpy as np

from media.codecs import Codec, Pcm
from media.conceal import HISTORY, Concealer
from media.jitter import TICK, Gap, JitterBuffer, Taken
from media.stretch import lengthen, period, shorten

_MOST_SKIPPED: Final = 25  # ticks; no buffer holds more
_REVIEW: Final = 8  # ticks between two looks at the delay
_HURRY: Final = 3  # the same, when it is far from where it should be
_FAR: Final = 400.0  # octets: 50 ms
_EXCESS: Final = 120.0  # octets above the target that are worth a seam: 15 ms
_DEFICIT: Final = -80.0
_SHORTEST: Final = 0.0025  # seconds that one correction adds or removes
_LONGEST: Final = 0.015


class AudioReceiver:
    """The audio that one leg sends us, tick by tick. Not to be shared between streams.

    ``minimum`` and ``maximum`` bound the delay of the jitter buffer, in seconds; ``jitter`` has the counters.
    """

    __slots__ = (
        "_codec",
        "_concealer",
        "_correct",
        "_decode",
        "_history",
        "_pending",
        "_plain",
        "_review",
        "_scale",
        "_take",
        "_taken",
        "jitter",
        "put",
    )

    def __init__(self, codec: Codec, minimum: float = 0.020, maximum: float = 0.200) -> None:
        self.jitter = JitterBuffer(minimum, maximum)
        self.put = self.jitter.put
        self._take = self.jitter.take
        self._codec = codec
        self._scale = codec.sample_rate // codec.clock_rate  # samples in an octet
        self._decode = codec.decoder().decode
        self._concealer = Concealer(codec.sample_rate)
        self._concealer.silence()
        # The last ticks given out: as octets where nobody had to decode them yet.
        self._history: deque[bytes | Pcm] = deque(maxlen=int(HISTORY / 0.020) + 1)
        self._plain = False  # whether the stream plays undisturbed, so that take_plain may answer
        self._pending = False  # whether take_plain has taken and left the rest to take_pcm
        self._taken: Taken = None
        self._review = _REVIEW
        self._correct = False  # whether the next take_pcm corrects the delay

    def restart(self) -> None:
        """The stream is another one from now on (its SSRC changed)."""
        self.jitter.restart()
        self._decode = self._codec.decoder().decode

    def skip(self, ticks: int) -> None:
        """Ticks passed in which nobody took: what was said then is gone, so that what follows is not late."""
        for _ in range(min(ticks, _MOST_SKIPPED)):
            self._take()

    def take_plain(self) -> bytes | None:
        """This tick's octets if they need nothing but decoding; None if ``take_pcm`` has to be asked."""
        if not self._plain:
            return None
        self._review -= 1
        if not self._review and self._due():
            return None
        taken = self._take()
        if taken.__class__ is bytes:
            self._history.append(taken)
            return taken
        self._taken = taken
        self._pending = True
        return None

    def take_pcm(self) -> Pcm | None:
        """This tick's samples, whatever it takes; None for silence."""
        if self._pending:
            self._pending = False
            return self._heard(self._taken)
        if not self._codec.stateless:
            self._review -= 1
            if not self._review:
                self._due()
        if self._correct:
            self._correct = False
            return self._corrected()
        return self._heard(self._take())

    def _heard(self, taken: Taken) -> Pcm | None:
        concealer = self._concealer
        if taken is None:
            self._plain = False
            if concealer.silent:
                return None
            return self._give(self._piece(Gap(TICK, lost=False), []))
        if isinstance(taken, bytes):
            return self._give(self._piece(taken, []))
        pieces: list[Pcm] = []
        for piece in taken:
            pieces.append(self._piece(piece, pieces))
        return self._give(np.concatenate(pieces))

    def _piece(self, piece: bytes | Gap, before: list[Pcm]) -> Pcm:
        """Samples for a part of a tick; ``before`` are those of the tick so far."""
        concealer = self._concealer
        if isinstance(piece, bytes):
            pcm = self._decode(piece)
            return concealer.recover(pcm) if concealer.active else pcm
        if not concealer.active:
            concealer.begin(self._past(before))
        samples = piece.octets * self._scale
        return concealer.conceal(samples) if piece.lost else concealer.fade(samples)

    def _give(self, pcm: Pcm) -> Pcm:
        self._history.append(pcm)
        self._plain = self._codec.stateless and not self._concealer.active
        return pcm

    def _past(self, since: list[Pcm]) -> Pcm:
        past = [self._decode(tick) if isinstance(tick, bytes) else tick for tick in self._history]
        return np.concatenate([*past, *since]) if past or since else np.zeros(0, np.int16)

    def _due(self) -> bool:
        """Whether the delay is so far from its target that this tick should correct it."""
        excess = self.jitter.excess
        self._review = _REVIEW if abs(excess) < _FAR else _HURRY
        self._correct = not _DEFICIT <= excess <= _EXCESS and not self._concealer.active
        return self._correct

    def _corrected(self) -> Pcm | None:
        """A tick made of a pitch period more or less; an ordinary one if not all of that is there."""
        rate, past, excess = self._codec.sample_rate, self._past([]), self.jitter.excess
        longest = int(_LONGEST * rate)
        if len(past) < 3 * longest:
            return self._heard(self._take())
        shift = period(past[-3 * longest :], int(_SHORTEST * rate), longest, self._scale)
        octets = TICK + (shift if excess > 0 else -shift) // self._scale
        taken = self._take(octets if self.jitter.holds(octets) else TICK)
        if not isinstance(taken, bytes) or len(taken) != octets:
            return self._heard(taken)
        pcm, samples = self._decode(taken), self._codec.samples_per_tick
        if excess > 0:
            return self._give(shorten(pcm, samples, rate))
        return self._give(lengthen(pcm, samples, rate, past))
