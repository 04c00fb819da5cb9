"""The jitter buffer: packets go in as the network brings them, octets come out in the beat of the tick.

It serves the codecs whose octets are units of the RTP clock (PCMU, PCMA, G.722: 8000 a second), so it is
addressed by timestamp and gives any number of octets, whatever the packet time of the far side. It does no
I/O and reads no clock. Lengths and *positions* (timestamps without wrap-around) are octets; one octet is
125 µs.

**How long packets wait** is measured, and how long they should, by :mod:`media.delay`. Silence moves the
play-out for nothing: whoever starts to speak is played at the target. An underrun that ends with the packet
that was waited for goes on with that packet, late: the delay has grown by the wait, nothing said is lost.
What remains, and the drift between the phone's clock and ours, shows in ``excess``: the receiver then takes
a few octets more or fewer and stretches them to the tick.

**What is missing** is told apart by sequence numbers: a gap in timestamps without one in sequence numbers
is a pause of the talker (RFC 3551 section 4.1), not a loss. A stream that breaks off is lost for 100 ms,
then quiet.

**Another time line** (the far side restarted, or changed its timestamps on a transfer) is glued to the end
of the old one: at once if the sequence numbers go on or nothing is playing, otherwise when packets have
agreed on it for 40 ms. Until then they are strays.
"""

from typing import Final, NamedTuple, TypeAlias

from media.delay import PlayoutDelay

OCTETS_PER_SECOND: Final = 8000
TICK: Final = 160
"""Octets in 20 ms."""

_SLACK: Final = 3 * TICK  # beyond the longest delay: then nobody took for a while, or a dam broke
_DRY: Final = 800  # after 100 ms without a packet nothing is expected any more
_AGREED: Final = 320.0  # 40 ms of packets on another time line make it true
_ALIKE: Final = 800.0  # octets by which their transits may differ
_MISORDER: Final = 100  # RFC 3550 appendix A.1: further back, the sequence was restarted
_DROPOUT: Final = 3000  # and further ahead too
_MISSING: Final = 64  # how many lost packets are remembered, to know them from duplicates
_CROWD: Final = 128  # packets, more than any honest stream has in the buffer
_STOPPED: Final = 1 << 62  # the position that is played next while nothing is


class Gap(NamedTuple):
    """Octets that are not there: lost, or never sent because the talker paused."""

    octets: int
    lost: bool


Taken: TypeAlias = bytes | list[bytes | Gap] | None
"""What one tick gets: all its octets; some, in order, with the gaps between; or nothing was expected."""


class JitterBuffer:
    """The packets of one received stream, between the network and the tick.

    ``minimum`` and ``maximum`` bound the target delay, in seconds. The counters count packets: ``lost`` ones
    never came, ``late`` ones came after their time, ``duplicate`` ones had come before, ``discarded`` ones
    belonged to no time line, or there were too many.
    """

    __slots__ = (
        "_delay",
        "_end",
        "_limit",
        "_missing",
        "_next",
        "_pauses",
        "_played",
        "_quiet",
        "_rest",
        "_sequence",
        "_slots",
        "_started",
        "_stray",
        "_timestamp",
        "discarded",
        "duplicate",
        "late",
        "lost",
        "received",
    )

    def __init__(self, minimum: float = 0.020, maximum: float = 0.200) -> None:
        self.received = self.late = self.duplicate = self.lost = self.discarded = 0
        self._delay = PlayoutDelay(minimum * OCTETS_PER_SECOND, maximum * OCTETS_PER_SECOND)
        self._limit = int(maximum * OCTETS_PER_SECOND) + _SLACK
        self._slots: dict[int, bytes] = {}  # by position
        self._rest = b""  # of a packet played in part; starts at _next
        self._next = _STOPPED  # position to be played next
        self._played = 0  # end of what was given out
        self._end = 0  # end of the newest packet; with the sequence and timestamp of the one to follow it
        self._sequence = 0
        self._timestamp = 0
        self._started = False
        self._quiet = -1  # equals _end when the far side said that nothing follows for now
        self._pauses: list[tuple[int, int]] = []  # from, to; in order
        self._missing: dict[int, None] = {}  # sequence numbers skipped, oldest first
        self._stray: tuple[float, float, int, int] | None = None  # first transit, clock, received; how many

    @property
    def target(self) -> float:
        """The delay it strives for, in seconds."""
        return self._delay.wanted / OCTETS_PER_SECOND

    @property
    def delay(self) -> float:
        """The delay it adds now to the fastest packets, in seconds."""
        return max(self._delay.present, 0.0) / OCTETS_PER_SECOND

    @property
    def excess(self) -> float:
        """Octets by which the delay (smoothed) is above the target; below it when negative."""
        return 0.0 if self._next == _STOPPED else self._delay.present - self._delay.wanted

    def restart(self) -> None:
        """A new stream begins (its SSRC changed): whatever comes next is its first packet."""
        self._stop()
        self._slots.clear()
        self._started = False

    def put(
        self, sequence: int, timestamp: int, payload: bytes, arrival: float, measured: bool = True
    ) -> None:
        """A packet arrived at ``arrival`` (seconds of any steady clock).

        Not ``measured``: it was read late, nobody knows how late; the network's delay is not learnt from it.
        """
        self.received += 1
        clock = arrival * OCTETS_PER_SECOND
        position = self._end
        if (
            sequence == self._sequence
            and timestamp == self._timestamp
            and 0 <= position - self._next <= self._limit
            and payload
        ):
            if measured:
                self._delay.observe(clock, position, self._next)
            self._slots[position] = payload
            self._sequence = (sequence + 1) & 0xFFFF
            octets = len(payload)
            self._end = position + octets  # as _follow does: a call costs as much as all of this
            self._timestamp = (timestamp + octets) & 0xFFFFFFFF
        else:
            self._put_unusual(sequence, timestamp, payload, clock, measured)

    def event(self, sequence: int, timestamp: int) -> None:
        """A packet of this stream without audio: telephone-event (RFC 4733) or comfort noise (RFC 3389).

        It is no loss, and nothing is expected until audio comes again.
        """
        if self._started and self._in_sequence(sequence):
            self._quiet = self._end

    def take(self, octets: int = TICK) -> Taken:
        """The next octets, for one tick; other than ``TICK`` of them to correct the delay."""
        rest = self._rest
        if octets == TICK and len(rest) < TICK:
            payload = self._slots.pop(self._next + len(rest), None)
            if payload is not None:
                missing = TICK - len(rest)
                if len(payload) >= missing:
                    self._next = self._played = self._next + TICK
                    self._rest = payload[missing:]
                    return rest + payload[:missing]
                self._rest = rest + payload
        return self._gather(octets)

    def holds(self, octets: int) -> bool:
        """Whether that many octets could be taken without a gap."""
        position = self._next + len(self._rest)
        end = self._next + octets
        while position < end and (payload := self._slots.get(position)):
            position += len(payload)
        return position >= end

    def _follow(self, timestamp: int, octets: int) -> None:
        """Expect the successor of a packet of that many octets at ``_end``."""
        self._end += octets
        self._timestamp = (timestamp + octets) & 0xFFFFFFFF

    # Packets out of the ordinary.

    def _put_unusual(
        self, sequence: int, timestamp: int, payload: bytes, clock: float, measured: bool
    ) -> None:
        step = _signed(sequence - self._sequence, 16)
        position = self._end + _signed(timestamp - self._timestamp, 32)
        jumped = step == 0 and self._jumps(clock, position)
        if not self._started or jumped or (measured and not self._delay.fits(clock, position)):
            if not self._rebase(sequence, timestamp, clock, position):
                self.discarded += 1
                return
            step, position = 0, self._end
        if not self._in_sequence(sequence):
            self.duplicate += 1
            return
        if not payload or position in self._slots or len(self._slots) >= _CROWD:
            self.discarded += 1
            return
        if self._admit(clock, position, len(payload)):
            if measured:
                self._delay.observe(clock, position, self._next)
            self._slots[position] = payload
        if position >= self._end:
            self._note_pause(position - max(step, 0) * len(payload))
            self._end = position
            self._follow(timestamp, len(payload))

    def _jumps(self, clock: float, position: int) -> bool:
        """Whether the next packet's timestamp goes back, or leaves out more than the time that has passed.

        Such are phones that stamp G.722 at 16 kHz, by the sampling rate instead of the RTP clock.
        """
        pause = position - self._end
        return pause < 0 or self._delay.lag(clock, position) < -pause / 2 < 0

    def _rebase(self, sequence: int, timestamp: int, clock: float, position: int) -> bool:
        """Take a packet for the first of another time line; false if it may as well be a stray."""
        playing = self._started and self._next != _STOPPED
        if playing and sequence == self._sequence:
            self._timestamp = timestamp  # all goes on but the timestamp
            return True
        if playing and not self._agreed(clock, position):
            return False
        self.restart()
        self._started = True
        self._missing.clear()
        self._sequence = sequence
        self._timestamp = timestamp
        self._end += self._limit  # so that the play-out can begin ahead of it
        self._delay.rebase(clock, self._end)
        return True

    def _agreed(self, clock: float, position: int) -> bool:
        """Whether nothing but strays has come for a while, and all of them on one time line."""
        transit = clock - position
        if self._stray is not None:
            first_transit, first_clock, first_received, count = self._stray
            alone = self.received - first_received == count
            if alone and abs(transit - first_transit) < _ALIKE:
                self._stray = first_transit, first_clock, first_received, count + 1
                return clock - first_clock >= _AGREED
        self._stray = transit, clock, self.received, 1
        return False

    def _in_sequence(self, sequence: int) -> bool:
        """Count what the sequence number tells; false if the packet came before."""
        step = _signed(sequence - self._sequence, 16)
        if -_MISORDER <= step < 0:
            if sequence not in self._missing:
                return False
            del self._missing[sequence]
            self.lost -= 1
            return True
        if 0 < step <= _DROPOUT:
            self.lost += step
            for skipped in range(max(step - _MISSING, 0), step):
                self._missing[(self._sequence + skipped) & 0xFFFF] = None
            while len(self._missing) > _MISSING:
                del self._missing[next(iter(self._missing))]
        self._sequence = (sequence + 1) & 0xFFFF
        return True

    def _note_pause(self, until: int) -> None:
        """What lies between the newest packet and what is known to be lost was never sent."""
        if until > self._end:
            self._pauses.append((self._end, until))

    def _admit(self, clock: float, position: int, length: int) -> bool:
        """Whether a packet still has its place; the play-out is moved where that serves better."""
        ahead = position - self._next
        if self._next == _STOPPED and position >= self._played:
            self._start(clock, position)
        elif ahead > self._limit:
            self._skip(clock, position)
        elif ahead < 0:
            waited = self._end <= self._next and self._played <= position
            if waited and self._delay.present - ahead <= self._delay.maximum:
                self._next = position
                self._delay.shift(-ahead)
            elif position < self._played or ahead + length <= 0:
                self.late += 1
                return False
        return True

    def _start(self, clock: float, position: int) -> None:
        """Somebody begins to speak: play from where the delay is what it should be."""
        wait = self._delay.wanted - max(self._delay.lag(clock, position), 0.0)
        self._next = max(position - max(round(wait / TICK), 1) * TICK, self._played)
        self._pauses = [(self._next, position)]
        self._delay.place(clock, self._next)

    def _skip(self, clock: float, position: int) -> None:
        """Far more is here than should be: go on near the newest, after one lost tick to fade over."""
        begin = position - round(self._delay.wanted / TICK) * TICK
        stale = [start for start in self._slots if start < begin]
        for start in stale:
            del self._slots[start]
        self.discarded += len(stale)
        self._rest = b""
        self._next = begin - TICK
        self._delay.place(clock, self._next)

    def _stop(self) -> None:
        self._next = _STOPPED
        self._rest = b""
        self._pauses.clear()
        self._stray = None

    # Ticks out of the ordinary.

    def _gather(self, octets: int) -> Taken:
        """Cut and join what is there to the octets asked for."""
        if self._next == _STOPPED:
            return None
        self._delay.shift(TICK - octets)
        pieces: list[bytes | Gap] = []
        while octets:
            if self._rest or self._advance():
                piece: bytes | Gap = self._rest[:octets]
                self._rest = self._rest[octets:]
                length = len(piece)
                self._played = self._next + length
            else:
                piece = self._gap(octets)
                length = piece.octets
            self._next += length
            octets -= length
            pieces.append(piece)
        if self._next >= self._end and self._next - self._played >= _DRY:
            self._stop()
        return _condensed(pieces)

    def _advance(self) -> bool:
        """Make the packet at the play-out position the rest, if there is one; drop what has been passed."""
        payload = self._slots.pop(self._next, b"")
        while not payload and self._slots and (first := min(self._slots)) <= self._next:
            payload = self._slots.pop(first)[self._next - first :]
        self._rest = payload
        return bool(payload)

    def _gap(self, octets: int) -> Gap:
        """What is not there, up to the next packet or the next border of a pause."""
        if not self._slots:
            return Gap(octets, lost=self._quiet != self._end)
        octets = min(octets, min(self._slots) - self._next)
        while self._pauses and self._pauses[0][1] <= self._next:
            del self._pauses[0]
        if self._pauses:
            start, end = self._pauses[0]
            if start <= self._next:
                return Gap(min(octets, end - self._next), lost=False)
            octets = min(octets, start - self._next)
        return Gap(octets, lost=True)


def _condensed(pieces: list[bytes | Gap]) -> Taken:
    whole = [piece for piece in pieces if isinstance(piece, bytes)]
    if len(whole) == len(pieces):
        return b"".join(whole)
    if whole or any(isinstance(piece, Gap) and piece.lost for piece in pieces):
        return pieces
    return None


def _signed(value: int, bits: int) -> int:
    """The difference of two numbers that wrap around, as the nearer of its two readings."""
    half = 1 << (bits - 1)
    return ((value + half) & ((1 << bits) - 1)) - half
