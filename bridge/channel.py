"""One telephone in the mixer: what it says in this tick and what it is to hear."""

from collections.abc import Callable
from typing import Final, Protocol

import numpy as np

from bridge.announcer import Utterance
from bridge.shared_stream import SharedStream
from bridge.speech import Speech
from media.codecs import Codec, CompandingLaw, Encoder, Pcm
from media.resample import Downsampler, Upsampler

NARROW: Final = 8000
WIDE: Final = 16000
"""The sample rates at which is mixed, in Hz."""


class Hears(Protocol):
    """Where a telephone's speech comes from: see ``media.receiver.AudioReceiver``."""

    def skip(self, ticks: int) -> None:
        """Ticks passed in which nobody took."""

    def take_plain(self) -> bytes | None:
        """This tick's octets of a stateless codec when they are whole and need no care."""

    def take_pcm(self) -> Pcm | None:
        """Else this tick's samples, mended as needed; None for silence."""


class Line(Protocol):
    """A telephone's media as the mixer sees it: see ``bridge.leg.Leg``."""

    codec: Codec
    speaks: bool
    """Whether what it sends is meant for the meeting (not on hold)."""

    @property
    def receiver(self) -> Hears:
        """Where its speech comes from; another one when the codec has changed."""

    def send(self, payload: bytes, tick: int) -> None:
        """Send this tick's 20 ms, if it may be sent anything."""

    def failed(self, error: Exception) -> None:
        """It raised, and is in the mixer no more."""


class Channel:
    """A line in the mixer. The mixer and its room read and write the fields; nobody else does.

    ``frame`` is what the line said in this tick: octets of a stateless codec, samples at the codec's rate,
    or None. ``own`` is what it is to hear when that is not what the room hears (a ``bridge.sums.Taker``).
    """

    __slots__ = (
        "_down",
        "_up",
        "apart_until",
        "codec",
        "encoder",
        "frame",
        "gain",
        "level",
        "level_tick",
        "line",
        "muted",
        "on_spoken",
        "own",
        "pcm",
        "receiver",
        "shared",
        "speech",
        "utterance",
    )

    def __init__(self, line: Line) -> None:
        self.line = line
        self.codec = line.codec
        self.receiver = line.receiver
        self.shared: SharedStream | None = None  # what it hears in the room while it is not apart
        self.muted = False
        self.frame: bytes | Pcm | None = None
        self.level = 0.0  # mean square, smoothed
        self.level_tick = -1  # when it last spoke
        self.utterance: Utterance | None = None
        self.on_spoken: Callable[[], None] | None = None
        self.encoder: Encoder | None = None
        self.apart_until = -1  # the last tick for which a stateful encoder of its own is kept
        self.gain = 1.0  # of what it hears
        self.own: bytes | None = None
        self.pcm: Pcm | None = None  # the same before it is encoded, where the codec carries state
        self.speech: Speech | None = None  # on its way to those behind the engine, while in a meeting
        self._up = Upsampler()
        self._down = Downsampler()

    @property
    def is_wide(self) -> bool:
        """Whether its codec carries 16 kHz."""
        return self.codec.sample_rate == 16000

    @property
    def law(self) -> CompandingLaw | None:
        """What its frames are of when they are octets."""
        return self.codec.law

    @property
    def speaks(self) -> bool:
        """Whether what it says is for the meeting: not muted, nor on hold."""
        return not self.muted and self.line.speaks

    @property
    def present(self) -> bool:
        """Whether it said something in this tick."""
        return self.frame is not None

    def begin(self) -> None:
        """It is to be heard from now on: what it said long ago is not to ring on in the filters."""
        self._up.reset()
        self._down.reset()

    def heard(self, *, narrow: bool, wide: bool) -> tuple[bytes | Pcm | None, Pcm | None]:
        """What it said in this tick at 8 and at 16 kHz: as it came, the other only where asked for."""
        frame = self.frame
        if frame is None:
            frame = np.zeros(self.codec.samples_per_tick, np.int16)
        if self.is_wide:
            pcm = decoded(frame, self.law)
            return self._down.process(pcm) if narrow else None, pcm
        return frame, self._up.process(decoded(frame, self.law)) if wide else None

    def encode(self) -> None:
        """Encode what it is to hear by an encoder of its own, where the codec carries state."""
        if self.codec.stateless:
            return
        pcm, self.pcm = self.pcm, None
        if self.encoder is None:
            self.encoder = self.codec.encoder()
        self.own = self.encoder.encode(
            np.zeros(self.codec.samples_per_tick, np.int16) if pcm is None else pcm
        )

    def retune(self) -> None:
        """The line has negotiated anew: forget what was of another codec. Not while in a room's sums."""
        self.receiver = self.line.receiver
        if self.codec is not self.line.codec:
            self.codec = self.line.codec
            self.frame = self.own = self.pcm = self.encoder = None


def decoded(frame: bytes | Pcm, law: CompandingLaw | None) -> Pcm:
    """The samples of a frame that may be octets of a law still."""
    if not isinstance(frame, bytes):
        return frame
    if law is None:
        raise ValueError("octets of no law")
    return law.decode(frame)
