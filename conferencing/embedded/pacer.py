"""A subscriber's video leaves at a pace its link can take (RFC 8298 section 4.1.2 calls it packet pacing).

A key frame is a hundred packets at once; a link of 2 Mbit/s would drop most of them. Packets go out at once
while there is credit, and wait in order otherwise. :meth:`Pacer.tick` renews the credit and sends what
waited, with the abs-send-time of when it really leaves. Audio is not paced.

Units: octets, seconds, bit/s.
"""

from collections import deque
from collections.abc import Callable
from typing import Final

from conferencing.embedded.slot import abs_send_time

PACE: Final = 2.5  # times the estimate
LEAST_RATE: Final = 1_000_000  # bit/s
MAX_CREDIT: Final = 0.04  # s at the pace
MAX_WAITING: Final = 512_000


class Pacer:
    """One subscriber's queue."""

    __slots__ = ("_credit", "_rate", "_send", "_ticked_at", "_waiting", "dropped", "octets", "waiting_octets")

    def __init__(self, send: Callable[[bytes | bytearray], None]) -> None:
        self.octets = 0  # sent, all told
        self.dropped = 0  # packets
        self.waiting_octets = 0
        self._send = send
        self._rate = LEAST_RATE / 8
        self._credit = MAX_CREDIT * self._rate
        self._ticked_at: float | None = None
        self._waiting: deque[tuple[bytes | bytearray, int]] = deque()

    def set_estimate(self, rate: float) -> None:
        """The link is thought to take ``rate`` bit/s."""
        self._rate = max(LEAST_RATE, PACE * rate) / 8

    def send(self, packet: bytes | bytearray, send_time_at: int) -> None:
        """Send or queue a packet whose abs-send-time stands at ``send_time_at`` (0: has none)."""
        size = len(packet)
        if self._credit > 0 and not self._waiting:
            self._credit -= size
            self.octets += size
            self._send(packet)
        elif self.waiting_octets < MAX_WAITING:
            self.waiting_octets += size
            self._waiting.append((packet, send_time_at))
        else:
            self.dropped += 1

    def clear(self) -> None:
        """Send no more of what waits."""
        self._waiting.clear()
        self.waiting_octets = 0

    def tick(self, now: float) -> None:
        """Renew the credit and send what may go."""
        if self._ticked_at is not None:
            gained = self._rate * (now - self._ticked_at)
            self._credit = min(self._credit + gained, max(gained, MAX_CREDIT * self._rate))
        self._ticked_at = now
        if self._waiting:
            self._drain(now)

    def _drain(self, now: float) -> None:
        stamp = abs_send_time(now).to_bytes(3, "big")
        while self._waiting and self._credit > 0:
            packet, at = self._waiting.popleft()
            size = len(packet)
            if at:
                packet = bytearray(packet)
                packet[at : at + 3] = stamp
            self._credit -= size
            self.waiting_octets -= size
            self.octets += size
            self._send(packet)
