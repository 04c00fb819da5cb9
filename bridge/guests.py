"""Those behind the engine, as the telephones hear them: browsers, whose Opus comes as the network brings it.

An engine hands over frames of its loudest participants once a tick (``conferencing.engine``); each of them
has a :class:`Guest` here, which stands for a place among the three loudest as a telephone does. A guest's
level comes with the frames, so only who is heard is decoded, straight to the 16 kHz of the mix. What is lost
is corrected from the payload after it (Opus carries the one before in a lower quality) or concealed.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from conferencing.engine import SpeakerFrame
from media.codecs import CompandingLaw, Pcm, opus
from media.frames import Frame, FrameBuffer, Lost, Piece
from media.resample import Downsampler

RATE: Final = 16_000
TICK: Final = 320  # samples in 20 ms

FORGET: Final = 500  # ticks of silence after which a guest's decoder is let go

# Mean squares of int16 samples by -dBov; -127 is digital silence.
_POWERS: Final = [32768.0**2 * 10 ** (-level / 10) for level in range(127)] + [0.0]

_NOTHING: Final[Pcm] = np.zeros(0, np.int16)
_FADE: Final = np.linspace(0.0, 1.0, TICK, dtype=np.float32)


class Guest:
    """One who speaks behind the engine (a ``bridge.mix_room.Speaker``)."""

    __slots__ = ("_buffer", "_decoder", "_down", "_pieces", "_rest", "level", "level_tick", "present")

    law: CompandingLaw | None = None
    """It says samples."""
    speaks = True
    """The engine hands over nothing of those who may not be heard."""

    def __init__(self, tick: int) -> None:
        self.level = 0.0
        self.level_tick = tick
        self.present = False
        self._buffer = FrameBuffer(TICK)
        self._decoder: opus.Decoder | None = None  # made when it is heard
        self._down = Downsampler()
        self._pieces: list[Piece] = []  # of this tick
        self._rest = _NOTHING  # of the payloads decoded so far

    def put(self, frame: SpeakerFrame) -> None:
        """A frame came. What is not Opus is left out, as if it were lost."""
        payload = frame.payload
        try:
            samples = opus.samples(payload, RATE)
        except opus.OpusError:
            return
        power = _POWERS[min(max(-frame.level, 0), 127)]
        self._buffer.put(frame.sequence, Frame(payload, samples, power, len(payload) <= opus.SILENCE))

    def advance(self) -> float:
        """Go on by a tick; how loud it is (mean square), 0 when nothing came."""
        self._pieces = pieces = self._buffer.take()
        self.present = bool(pieces) or self._buffer.talking
        return max((piece.power for piece in pieces if isinstance(piece, Frame)), default=0.0)

    def begin(self) -> None:
        """It is to be heard from now on; what it said before was not decoded."""
        if self._decoder is None:
            self._decoder = opus.Decoder(RATE)
        self._decoder.reset()
        self._down.reset()
        self._rest = _NOTHING

    def heard(self, *, narrow: bool, wide: bool) -> tuple[Pcm | None, Pcm | None]:
        """What it says in this tick at 8 and at 16 kHz, each only where asked for."""
        if not self.present or self._decoder is None:
            return None, None
        pcm = np.concatenate([self._rest, *(_decoded(self._decoder, piece) for piece in self._pieces)])
        if len(pcm) < TICK:
            pcm = np.concatenate([pcm, np.zeros(TICK - len(pcm), np.int16)])
        now, self._rest = pcm[:TICK], pcm[TICK:]
        if self._buffer.excess and len(self._rest) >= TICK:
            now = np.rint(now * (1.0 - _FADE) + self._rest[:TICK] * _FADE).astype(np.int16)
            self._rest = self._rest[TICK:]
        return self._down.process(now) if narrow else None, now if wide else None


class Guests:
    """Those behind the engine who have spoken of late in one meeting."""

    __slots__ = ("_guests",)

    def __init__(self) -> None:
        self._guests: dict[str, Guest] = {}

    def __len__(self) -> int:
        return len(self._guests)

    def advance(self, frames: Sequence[SpeakerFrame], tick: int) -> Iterator[tuple[Guest, float]]:
        """Take what came in this tick; who says something, and how loud (mean square)."""
        guests = self._guests
        for frame in frames:
            guest = guests.get(frame.participant.id)
            if guest is None:
                guest = guests[frame.participant.id] = Guest(tick)
            guest.put(frame)
        for key, guest in tuple(guests.items()):
            power = guest.advance()
            if power:
                yield guest, power
            elif tick - guest.level_tick > FORGET and not guest.present:
                del guests[key]


def _decoded(decoder: opus.Decoder, piece: Piece) -> Pcm:
    try:
        if isinstance(piece, Lost):
            return (
                decoder.recover(piece.following, piece.samples)
                if piece.following
                else decoder.conceal(piece.samples)
            )
        return decoder.decode(piece.payload)
    except opus.OpusError:  # a table of contents in order, and nonsense behind it
        return decoder.conceal(piece.samples)
