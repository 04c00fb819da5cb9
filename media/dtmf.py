"""Keys pressed during a call: by RTP events (RFC 4733) and by SIP INFO, made into one stream of digits.

An RTP event is four octets, sent again and again while the key is held, all under the RTP timestamp of its
beginning, and its end three times::

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    |     event     |E|R| volume    |            duration           |     E: end; duration in RTP ticks

A press is therefore its (SSRC, timestamp, event) and counts at the first packet that arrives, whichever that
is: lost beginnings and lost ends do not matter. A key held longer than the duration can say comes in segments
(section 2.5.1.3), each under the timestamp at which the one before was full, and is still one press.

Some phones send every press twice, by RTP and by INFO: :class:`PressMerger` lets through one of the two. It
also drops what comes faster than any hand or phone types.

Units: timestamps and durations in ticks of the event's clock rate (Hz), times in seconds.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from struct import Struct
from typing import Final

from media.rtp import timestamp_delta

KEYS: Final = "0123456789*#ABCD"  # by event number, RFC 4733 section 3.2
MAX_DURATION: Final = 0xFFFF  # ticks
END_PACKETS: Final = 3  # section 2.5.1.4
MERGE_WINDOW: Final = 0.5  # s between the RTP event and the INFO of one press
MOST_PRESSES: Final = 20  # within PRESSES_SECONDS: twice what a phone dials from its memory
PRESSES_SECONDS: Final = 1.0

_EVENT: Final = Struct("!BBH")
_END: Final = 0x80
# A sender that cuts segments at whole packets stays short of MAX_DURATION by up to 60 ms at 48 kHz.
_SEGMENT_SLACK: Final = 2880
_INFO_TYPES: Final = ("application/dtmf-relay", "application/dtmf")


class DtmfError(ValueError):
    """The body of an INFO names no key; the text says what was expected."""


class EventReceiver:
    """Turns the RTP events of one call into keys.

    It remembers the press before the latest too, whose last packets may be overtaken. Timestamps need not
    rise from press to press: a sender may have set its clock anew, or replay what it once recorded.
    """

    __slots__ = ("_ended", "_latest", "_previous")

    def __init__(self) -> None:
        self._latest = self._previous = (-1, -1, -1)  # SSRC, timestamp, event
        self._ended = True  # the latest one

    def receive(self, ssrc: int, timestamp: int, payload: bytes) -> str | None:
        """Return the key if this packet is the first of a press; None for repeats, late ones and non-keys."""
        if len(payload) < _EVENT.size:
            return None
        event, flags, _ = _EVENT.unpack_from(payload)
        this = (ssrc, timestamp, event)
        if this == self._latest:
            self._ended |= flags >= _END
            return None
        if this == self._previous:
            return None
        goes_on = self._goes_on(this)
        self._previous, self._latest = self._latest, this
        self._ended = flags >= _END
        return KEYS[event] if event < len(KEYS) and not goes_on else None

    def _goes_on(self, this: tuple[int, int, int]) -> bool:
        """Whether this is the next segment of the latest press."""
        (ssrc, timestamp, event), (latest_ssrc, began, latest_event) = this, self._latest
        if self._ended or (ssrc, event) != (latest_ssrc, latest_event):
            return False
        return MAX_DURATION - _SEGMENT_SLACK <= timestamp_delta(timestamp, began) <= MAX_DURATION + 1


@dataclass(frozen=True, slots=True)
class EventFrame:
    """One packet of a press; ``offset`` is to be added to the RTP timestamp of its beginning."""

    offset: int
    marker: bool
    payload: bytes


def press(key: str, *, ticks: int = 800, packet_ticks: int = 160, volume: int = 10) -> Iterator[EventFrame]:
    """Yield the packets of one press, one to be sent each packet time, the last three its end.

    ``ticks`` is how long the key is held (800 = 100 ms at 8 kHz), ``volume`` in -dBm0 (RFC 4733 §2.3.3).

    Raises:
        ValueError: there is no such key, or it is not held at all.
    """
    if len(key) != 1 or ticks <= 0:
        raise ValueError(f"expected one key held for a while, got {len(key)} held {ticks} ticks")
    event = KEYS.index(key.upper())
    for start in range(0, ticks, packet_ticks):
        elapsed = min(start + packet_ticks, ticks)
        offset = start // MAX_DURATION * MAX_DURATION
        duration = min(elapsed - offset, MAX_DURATION)
        last = elapsed == ticks
        frame = EventFrame(offset, start == 0, _EVENT.pack(event, volume | _END * last, duration))
        yield frame
    for _ in range(END_PACKETS - 1):
        yield EventFrame(frame.offset, False, frame.payload)


def is_dtmf(content_type: str) -> bool:
    """Return whether an INFO of that content type carries a key."""
    return content_type.partition(";")[0].strip().lower() in _INFO_TYPES


def parse_info(body: bytes) -> str | None:
    """Return the key in the body of an INFO; None for a hook flash, which is understood and means nothing.

    ``application/dtmf-relay`` says ``Signal=5`` and ``Duration=160`` on lines of their own, in any case and
    spacing; ``application/dtmf`` just ``5``. Both may give the event's number (11 for ``#``). How long the
    key was held is nobody's business here.

    Raises:
        DtmfError: the body names no key, or more than one.
    """
    text = body.decode("ascii", "replace")
    fields = [line.partition("=") for line in text.replace("\0", "").splitlines() if line.strip()]
    signals = [value for name, equals, value in fields if equals and name.strip().lower() == "signal"]
    if not signals and len(fields) == 1 and not fields[0][1]:
        signals = [fields[0][0]]
    if len(signals) != 1:
        raise DtmfError(f"expected one Signal=<key>, got a body of {len(body)} octets with {len(signals)}")
    signal = signals[0].strip().upper()
    if signal in ("16", "F", "FLASH", "HF", "!"):
        return None
    if len(signal) == 1 and signal in KEYS:
        return signal
    if signal in _NUMBERED:
        return _NUMBERED[signal]
    raise DtmfError("expected a key of 0-9, *, #, A-D")  # not what it was: it may be half a PIN


_NUMBERED: Final = {str(event): KEYS[event] for event in range(10, len(KEYS))}


class Way(Enum):
    """How a press reached us."""

    RTP = "rfc4733"
    INFO = "info"
    SOUND = "inband"


@dataclass(slots=True)
class _Press:
    at: float
    key: str
    way: Way
    told_twice: bool = False

    def is_also(self, key: str, way: Way, now: float) -> bool:
        """Whether that is the second telling of this one."""
        other_way = key == self.key and way is not self.way
        return other_way and not self.told_twice and now - self.at <= MERGE_WINDOW


class PressMerger:
    """Drops the second telling of a press that came both ways, whichever came first, and what no hand types.

    A press is paired with the oldest unpaired one of the same key that came the other way no longer than
    ``MERGE_WINDOW`` ago, and each pair is one press: ``5 5`` told twice stays ``5 5``. Beyond
    ``MOST_PRESSES`` within a second they are dropped: each may be news to everybody in the meeting.
    """

    def __init__(self) -> None:
        self._presses: deque[_Press] = deque()  # those of the last second, no more than MOST_PRESSES

    def accepts(self, key: str, way: Way, now: float) -> bool:
        """Return whether this is a press of its own."""
        presses = self._presses
        while presses and now - presses[0].at > PRESSES_SECONDS:
            presses.popleft()
        for press in presses:
            if press.is_also(key, way, now):
                press.told_twice = True
                return False
        if len(presses) >= MOST_PRESSES:
            return False
        presses.append(_Press(now, key, way))
        return True
