"""The jitter buffer for codecs whose payloads are frames (Opus): payloads go in, a tick's worth comes out.

``media.jitter`` serves the codecs of telephones, whose octets are time, and decides by timestamps. Here a
payload says how much time is in it, and there are sequence numbers only. They do not count pauses: silence
is not sent (RFC 7587 section 3.1.3). So whatever comes after ``PATIENCE`` ticks without a frame, or after a
frame of silence with nothing behind it, begins a new *talk*.

The first frame of a talk waits for ``lead`` ticks. When the next frame is not there, something has to stand
in for it; if it was only late it is played late, so the delay has grown by the wait, and ``lead`` with it.
A frame that comes after its successor was played makes the delay grow by a tick. When for ``REVIEW`` ticks
there was always more than the one frame in reserve, one is given out in excess, and the delay shrinks: so it
does when a jam is over, and with a far clock that is faster than ours.

Lengths are samples at the rate that the buffer is made for; nothing is decoded here.
"""

from typing import Final, NamedTuple

PATIENCE: Final = 5  # ticks without a frame
MOST_LEAD: Final = 5  # ticks
REVIEW: Final = 50  # ticks
MOST_FRAMES: Final = 8  # held: then a dam broke, and what is old is skipped
RESTART: Final = 25  # a sequence number this far off begins another stream


class Frame(NamedTuple):
    """A payload; how much is in it, how loud it is (for whoever takes it), and whether it is silence."""

    payload: bytes
    samples: int
    power: float
    silent: bool


class Lost(NamedTuple):
    """Samples that are not there; ``following`` is the payload after them, where that is known."""

    samples: int
    following: bytes = b""


Piece = Frame | Lost


class FrameBuffer:
    """The frames of one stream between the network and the tick. ``tick``: samples in 20 ms.

    ``excess``: samples above a tick that the last ``take`` has given, to be cross-faded away.
    """

    __slots__ = (
        "_frames",
        "_fresh",
        "_have",
        "_hold",
        "_last",
        "_lead",
        "_next",
        "_review",
        "_spare",
        "_stretch",
        "_tick",
        "_waited",
        "excess",
    )

    def __init__(self, tick: int) -> None:
        self.excess = 0
        self._tick = tick
        self._frames: dict[int, Frame] = {}  # by sequence number
        self._next: int | None = None  # the sequence number to be played; None: no talk
        self._fresh = False  # whether nothing of the talk was played yet
        self._hold = 0  # ticks until it is
        self._lead = 1
        self._have = 0  # samples given out that no tick has used yet
        self._last = Frame(b"", tick, 0.0, True)  # given out
        self._waited = 0  # ticks since then for which something stood in
        self._stretch = False  # whether the next tick is to be stood in for, to gain time
        self._review = REVIEW
        self._spare = MOST_FRAMES  # the fewest frames left since the last review

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def talking(self) -> bool:
        """Whether frames are being played or about to be."""
        return self._next is not None

    def put(self, sequence: int, frame: Frame) -> None:
        """A frame came; of ``sequence`` 16 bits count."""
        sequence &= 0xFFFF
        behind = 0 if self._next is None else _signed(self._next - sequence)
        if abs(behind) > RESTART:
            self._stop()
            behind = 0
        if self._next is None:
            if frame.silent:
                return
            self._next, self._hold, self._fresh = sequence, self._lead, True
        elif behind > 0 and not self._fresh:
            self._late()
            return
        elif behind > 0:
            self._next = sequence  # overtaken before the talk began
        self._frames[sequence] = frame
        if len(self._frames) > MOST_FRAMES:
            self._skip()

    def take(self) -> list[Piece]:
        """What is to be decoded for the next tick; nothing, while nobody talks or enough was given before."""
        pieces: list[Piece] = []
        self.excess = 0
        if self._next is None:
            return pieces
        if self._hold:
            self._hold -= 1
            return pieces
        self._fetch(pieces)
        self._spare = min(self._spare, len(self._frames))
        self._review -= 1
        if not self._review:
            if self._spare > 1:
                self._lead = max(self._lead - 1, 1)
                self.excess = self._tick if self._fetch(pieces) else 0
            self._review, self._spare = REVIEW, MOST_FRAMES
        return pieces

    def _fetch(self, pieces: list[Piece]) -> bool:
        """Find a tick's worth; whether there was as much."""
        while self._have < self._tick and self._next is not None:
            piece = self._pull(self._next)
            if piece is not None:
                pieces.append(piece)
                self._have += piece.samples
        enough = self._have >= self._tick
        self._have = max(0, self._have - self._tick)
        return enough

    def _pull(self, sequence: int) -> Piece | None:
        """What is played next: a frame, or what stands in for it; None for neither."""
        self._fresh = False
        if self._stretch:
            self._stretch = False
            return Lost(self._tick)
        piece: Piece | None = self._frames.pop(sequence, None)
        if isinstance(piece, Frame):
            self._lead = min(self._lead + self._waited, MOST_LEAD)
            self._waited = 0
            self._last = piece
        elif not self._frames:  # perhaps it is only late
            self._waited += 1
            if self._last.silent or self._waited > PATIENCE:
                self._stop()
                return None
            return Lost(self._tick)
        elif self._waited:  # lost, and something has stood in for it already
            self._waited -= 1
        else:
            following = self._frames.get((sequence + 1) & 0xFFFF)
            piece = Lost(self._last.samples, following.payload if following else b"")
        self._next = (sequence + 1) & 0xFFFF
        return piece

    def _late(self) -> None:
        if self._lead < MOST_LEAD:
            self._lead += 1
            self._stretch = True

    def _skip(self) -> None:
        """Go on with the newest frames."""
        origin = self._next or 0
        held = sorted(self._frames, key=lambda sequence: _signed(sequence - origin))
        self._frames = {sequence: self._frames[sequence] for sequence in held[-self._lead - 1 :]}
        self._next = next(iter(self._frames))

    def _stop(self) -> None:
        self._next = None
        self._frames.clear()
        self._hold = self._waited = self._have = 0
        self._stretch = False


def _signed(difference: int) -> int:
    """The difference of two sequence numbers, as the nearer of its two readings."""
    return ((difference + 0x8000) & 0xFFFF) - 0x8000
