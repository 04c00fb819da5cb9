"""How long received packets wait before they are played, and how long they should.

Lengths are octets, one unit of the 8 kHz RTP clock: 125 µs. ``clock`` is the time of arrival in that unit,
``position`` an RTP timestamp without its wrap-around. Their difference is the *transit* of a packet: how
long it travelled, but for an unknown constant. ``_floor`` follows the transit of the fastest packets;
transit minus floor is the *lag* of one packet behind those. ``_offset`` is the transit of the play-out:
arrival clock minus the position that is played next. Hence ``offset - floor`` is how long the fastest
packets wait: the delay that the jitter buffer adds.

A packet is in time if its lag is below that delay. The target therefore follows a high quantile of the
lags: each packet above the estimate raises it by ``_UP``, each one below lowers it by ``_DOWN``, so it
rests where ``_DOWN / (_UP + _DOWN)`` = 1 % are above. It grows by 10 ms a packet and shrinks by 5 ms a
second. Half a tick is added for the phase between packets and ticks.
"""

from typing import Final

_UP: Final = 80.0
_DOWN: Final = 0.8
_SAFETY: Final = 80.0
_FLOOR_RISE: Final = 1 / 256  # a fast packet is forgotten within some five seconds
_OFFSET_GAIN: Final = 1 / 32
_EARLIEST: Final = -1600.0  # a lag outside these bounds belongs to another time line
_LATEST: Final = 2400.0


class PlayoutDelay:
    """The delay of one stream: measured, and where it should be. ``minimum`` and ``maximum`` in octets."""

    __slots__ = ("_floor", "_minimum", "_offset", "_quantile", "maximum")

    def __init__(self, minimum: float, maximum: float) -> None:
        self.maximum = maximum
        self._minimum = minimum
        self._quantile = 0.0
        self._floor = 0.0
        self._offset = 0.0

    @property
    def wanted(self) -> float:
        """The delay to strive for."""
        return min(max(self._quantile + _SAFETY, self._minimum), self.maximum)

    @property
    def present(self) -> float:
        """The delay as it is, smoothed."""
        return self._offset - self._floor

    def observe(self, clock: float, position: int, playing: int) -> None:
        """A packet arrived while ``playing`` was next to be played. Runs for every packet."""
        lag = clock - position - self._floor
        if lag < 0.0:
            self._floor += lag
        else:
            self._floor += lag * _FLOOR_RISE
        if lag <= self._quantile:
            self._quantile -= _DOWN
        elif self._quantile < self.maximum:
            self._quantile += _UP
        self._offset += (clock - playing - self._offset) * _OFFSET_GAIN

    def lag(self, clock: float, position: int) -> float:
        """How much later than the fastest before it a packet came."""
        return clock - position - self._floor

    def fits(self, clock: float, position: int) -> bool:
        """Whether a packet can be of this time line at all."""
        return _EARLIEST <= self.lag(clock, position) <= _LATEST

    def rebase(self, clock: float, position: int) -> None:
        """A new time line begins with this packet; what is known of the network's jitter stays."""
        self._floor = clock - position

    def place(self, clock: float, playing: int) -> None:
        """The play-out was set to ``playing``."""
        self._offset = clock - playing

    def shift(self, octets: int) -> None:
        """The play-out was moved back by ``octets`` (so the delay grows)."""
        self._offset += octets
