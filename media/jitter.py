"""The jitter buffer: packets go in as the network brings them, octets come out in the beat of the tick.

It serves the codecs whose octets are units of the RTP clock (PCMU, PCMA, G.722: 8000 a second), so it is
addressed by timestamp and gives any number of octets, whatever the packet time of the far side. It does no
I/O and reads no clock; lengths and positions are octets, one octet is 125 µs.

**Time lines.** ``position`` is the RTP timestamp without its wrap-around. ``transit`` is arrival minus
position: how long a packet travelled, but for an unknown constant. ``_floor`` follows the transit of the
fastest packets, so transit minus floor is the *delay* of one packet behind the fastest. ``_offset`` is the
same for the play-out: arrival clock minus the position that is played next. Hence ``offset - floor`` is how
long the fastest packets wait here: the delay that the buffer adds.

**How long it should be.** A packet is in time if its delay is below that. The target therefore follows a
high quantile of the delays: each packet above the estimate raises it by ``_UP``, each one below lowers it
by ``_DOWN``; it rests where ``_DOWN / (_UP + _DOWN)`` = 1 % are above. So it grows within a few packets and
shrinks by 5 ms a second. Half a tick is added for the phase between packets and ticks.

**How it gets there.** Silence moves the play-out for nothing: whoever starts to speak is played at the
target. An underrun that ends with the packet that was waited for goes on with that packet, late (the delay
has grown by the wait; nothing said is lost). What remains, and the drift between the phone's clock and
ours, shows in ``excess``; the receiver then takes a few octets more or fewer and stretches them to the
tick.

**What is missing** is told apart by sequence numbers: a gap in timestamps without one in sequence numbers
is a pause (RFC 3551 section 4.1), not a loss. A stream that ends in nothing is lost for 100 ms, then quiet.
"""

from typing import Final, NamedTuple, TypeAlias

OCTETS_PER_SECOND: Final = 8000
TICK: Final = 160
"""Octets in 20 ms."""

_UP: Final = 80.0  # 10 ms for a packet above the quantile
_DOWN: Final = 0.8  # 0.1 ms for one below
_FLOOR_RISE: Final = 1 / 256  # the floor forgets a fast packet within about five seconds
_OFFSET_GAIN: Final = 1 / 32
_SAFETY: Final = TICK // 2

_AHEAD: Final = 3200  # 400 ms: nobody took for a while, or the time line jumped
_EARLY: Final = -1600.0  # a delay outside these bounds belongs to another time line
_LATE: Final = 2400.0
_JUMP: Final = 320.0  # 40 ms of packets that agree on a new time line make it true
_DRY: Final = 800  # after 100 ms without a packet nothing is expected any more
_MISORDER: Final = 100  # RFC 3550 appendix A.1: further back, the sequence was restarted
_DROPOUT: Final = 3000  # and further ahead too
_MISSING: Final = 64  # how many lost packets are remembered, to know them from duplicates
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
    belonged to no time line or overflowed the buffer.
    """

    __slots__ = (
        "_end",
        "_floor",
        "_maximum",
        "_minimum",
        "_missing",
        "_next",
        "_offset",
        "_pauses",
        "_played",
        "_quantile",
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
        self._minimum = minimum * OCTETS_PER_SECOND
        self._maximum = maximum * OCTETS_PER_SECOND
        self._quantile = 0.0
        self._floor = 0.0
        self._offset = 0.0
        self._slots: dict[int, bytes] = {}  # by position
        self._rest = b""  # of a packet played in part; starts at _next
        self._pauses: list[tuple[int, int]] = []  # from, to; in order
        self._missing: dict[int, None] = {}  # sequence numbers skipped so far, oldest first
        self._next = _STOPPED  # position to be played next
        self._played = 0  # end of what was given out
        self._end = 0  # end of the newest packet; with sequence and timestamp of the packet to follow it
        self._sequence = 0
        self._timestamp = 0
        self._quiet = -1  # equals _end when the far side said that nothing follows for now
        self._stray: tuple[float, float, int, int] | None = None
        self._started = False

    @property
    def target(self) -> float:
        """The delay it strives for, in seconds."""
        return self._wanted() / OCTETS_PER_SECOND

    @property
    def delay(self) -> float:
        """The delay it adds now to the fastest packets, in seconds."""
        return max(self._offset - self._floor, 0.0) / OCTETS_PER_SECOND

    @property
    def excess(self) -> float:
        """Octets by which the delay is above the target (smoothed); below it when negative."""
        return 0.0 if self._next == _STOPPED else self._offset - self._floor - self._wanted()

    def restart(self) -> None:
        """A new stream begins (its SSRC changed): whatever comes next is its first packet."""
        self._stop()
        self._slots.clear()
        self._missing.clear()
        self._started = False
        self._stray = None

    def put(self, sequence: int, timestamp: int, payload: bytes, arrival: float) -> None:
        """A packet arrived at ``arrival`` (seconds of any steady clock)."""
        self.received += 1
        clock = arrival * OCTETS_PER_SECOND
        position = self._end
        if (
            sequence == self._sequence
            and timestamp == self._timestamp
            and 0 <= position - self._next <= _AHEAD
            and payload
        ):
            self._observe(clock, position)
            self._append(position, payload)
        else:
            self._put_unusual(sequence, timestamp, payload, clock)

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

    # What is ordinary, in a few lines each: this runs fifty times a second for every telephone.

    def _observe(self, clock: float, position: int) -> None:
        delay = clock - position - self._floor
        if delay < 0.0:
            self._floor += delay
        else:
            self._floor += delay * _FLOOR_RISE
        if delay > self._quantile:
            self._quantile += _UP
        else:
            self._quantile -= _DOWN
        self._offset += (clock - self._next - self._offset) * _OFFSET_GAIN

    def _append(self, position: int, payload: bytes) -> None:
        length = len(payload)
        self._slots[position] = payload
        self._end = position + length
        self._sequence = (self._sequence + 1) & 0xFFFF
        self._timestamp = (self._timestamp + length) & 0xFFFFFFFF

    # What is not.

    def _put_unusual(self, sequence: int, timestamp: int, payload: bytes, clock: float) -> None:
        position = self._end + _signed(timestamp - self._timestamp, 32)
        step = _signed(sequence - self._sequence, 16)
        if not self._started or self._elsewhere(clock, position) or (step == 0 and position < self._end):
            if not self._rebase(sequence, timestamp, clock, position):
                self.discarded += 1
                return
            position, step = self._end, 0
        if not self._in_sequence(sequence):
            self.duplicate += 1
        elif not payload or position in self._slots or len(self._slots) >= 2 * _MISSING:
            self.discarded += 1
        elif self._admit(clock, position, len(payload)):
            self._observe(clock, position)
            if position >= self._end:
                self._note_pause(position, max(step, 0) * len(payload))
                self._timestamp = timestamp
                self._sequence = sequence
                self._append(position, payload)
            else:
                self._slots[position] = payload

    def _elsewhere(self, clock: float, position: int) -> bool:
        return not _EARLY <= clock - position - self._floor <= _LATE

    def _agree(self, clock: float, position: int) -> bool:
        """Whether strays have come for long enough, alone, and on one time line, to be the stream itself."""
        transit = clock - position
        if self._stray is not None:
            first_transit, first_clock, first_received, count = self._stray
            alone = self.received - first_received == count
            if alone and abs(transit - first_transit) < -_EARLY / 2:
                self._stray = first_transit, first_clock, first_received, count + 1
                return clock - first_clock >= _JUMP
        self._stray = transit, clock, self.received, 1
        return False

    def _rebase(self, sequence: int, timestamp: int, clock: float, position: int) -> bool:
        """Take a packet that does not fit for the first of a new time line, glued to the end of the old one.

        False if it may as well be a stray: then it takes more of them (or a stop) to be believed.
        """
        if self._started and sequence == self._sequence and self._next != _STOPPED:
            self._timestamp = timestamp  # only the timestamp jumped
            return True
        if self._started and self._next != _STOPPED:
            if not self._agree(clock, position):
                return False
            self.restart()
        self._started = True
        self._end += _AHEAD  # room to start playing ahead of it
        self._sequence = sequence
        self._timestamp = timestamp
        self._floor = clock - self._end
        self._missing.clear()
        return True

    def _in_sequence(self, sequence: int) -> bool:
        """Count what the sequence number says; false if the packet came before."""
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

    def _note_pause(self, position: int, lost: int) -> None:
        """What lies between the newest packet and this one and was not lost was never sent."""
        if position - lost > self._end:
            self._pauses.append((self._end, position - lost))

    def _admit(self, clock: float, position: int, length: int) -> bool:
        """Whether a packet still has a place; moves the play-out where that serves better."""
        ahead = position - self._next
        if self._next == _STOPPED:
            if position < self._played:
                self.late += 1
                return False
            self._start(clock, position)
        elif ahead > _AHEAD:
            self._overflow(clock, position)
        elif ahead < 0:
            return self._admit_late(position, length)
        return True

    def _admit_late(self, position: int, length: int) -> bool:
        wait = self._next - position
        waited = not self._slots and not self._rest and position >= self._played
        if waited and self._offset - self._floor + wait <= self._maximum:
            self._next = position
            self._offset += wait
            return True
        if wait < length and position >= self._played:
            return True
        self.late += 1
        return False

    def _start(self, clock: float, position: int) -> None:
        """Somebody starts to speak: the play-out begins so that the delay is what it should be."""
        delay = max(clock - position - self._floor, 0.0)
        ahead = max(round((self._wanted() - delay) / TICK), 1) * TICK
        self._next = max(position - ahead, self._played)
        self._offset = clock - self._next
        self._pauses = [(self._next, position)]

    def _overflow(self, clock: float, position: int) -> None:
        """Far more is here than should be: go on with the newest."""
        self._rest = b""
        self._next = position - round(self._wanted() / TICK) * TICK
        self._offset = clock - self._next
        stale = [start for start, payload in self._slots.items() if start + len(payload) <= self._next]
        for start in stale:
            del self._slots[start]
        self.discarded += len(stale)

    def _stop(self) -> None:
        self._next = _STOPPED
        self._rest = b""
        self._pauses.clear()

    def _wanted(self) -> float:
        return min(max(self._quantile + _SAFETY, self._minimum), self._maximum)

    def _gather(self, octets: int) -> Taken:
        """Cut and join what is there to the octets asked for."""
        if self._next == _STOPPED:
            return None
        self._offset += TICK - octets
        pieces: list[bytes | Gap] = []
        while octets:
            piece = self._chunk(octets) if self._rest or self._advance() else self._gap(octets)
            length = len(piece) if isinstance(piece, bytes) else piece.octets
            self._next += length
            if isinstance(piece, bytes):
                self._played = self._next
            octets -= length
            pieces.append(piece)
        if not self._slots and not self._rest and self._next - self._played >= _DRY:
            self._stop()
        if all(isinstance(piece, bytes) for piece in pieces):
            return b"".join(pieces)  # type: ignore[arg-type]
        if any(isinstance(piece, bytes) or piece.lost for piece in pieces):
            return pieces
        return None

    def _chunk(self, octets: int) -> bytes:
        rest = self._rest
        self._rest = rest[octets:]
        return rest[:octets]

    def _advance(self) -> bool:
        """Make the packet at the play-out position the rest, if there is one; drop what has been passed."""
        payload = self._slots.pop(self._next, None)
        while payload is None and self._slots:
            first = min(self._slots)
            if first > self._next:
                return False
            payload = self._slots.pop(first)[self._next - first :] or None
        self._rest = payload or b""
        return payload is not None

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


def _signed(value: int, bits: int) -> int:
    """The difference of two numbers that wrap around, as the nearer of its two readings."""
    half = 1 << (bits - 1)
    return ((value + half) & ((1 << bits) - 1)) - half
