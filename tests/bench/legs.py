"""CPU, loss and punctuality by the number of legs; and the same senders into Janus."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from tests.interop.peers.network import Network

from . import janus
from .load import Counted, Load, cpu_seconds, resident_mb
from .report import Row
from .subject import Reading, Subject, quantile

SETTLE = 8.0  # the announcements are over
CALL_RATE = 50.0
SPEAKERS = 3


@dataclass(frozen=True, slots=True)
class Shape:
    """So many legs, in rooms of so many (None: one room for all), of whom three a room speak."""

    legs: int
    room_size: int | None = None
    codec: str = "PCMU"

    @property
    def rooms(self) -> int:
        return 1 if self.room_size is None else -(-self.legs // self.room_size)

    def room_of(self, leg: int) -> int:
        return leg % self.rooms

    def speaking(self) -> list[int]:
        """Legs go round the rooms, so the first three rounds are three of each room."""
        return list(range(min(SPEAKERS * self.rooms, self.legs)))


def measure(home: Path, network: Network, shape: Shape, seconds: float) -> Row:
    """One row: set the legs up, let them settle, account for a window, hang up, compare the counts."""
    with (
        Subject(home / "gateway", network.address(), shape.rooms) as subject,
        Load(home, network.address()) as load,
    ):
        idle = subject.idle_mb()
        zero = subject.read()
        load.open(shape.legs, codec=shape.codec, speaking=shape.speaking())
        load.dial(
            (subject.address, 5060), [subject.pins[shape.room_of(i)] for i in range(shape.legs)], CALL_RATE
        )
        time.sleep(SETTLE)
        load.reset()
        before = subject.read()
        time.sleep(seconds)
        after = subject.read()
        window = load.count()
        busy = subject.idle_mb()
        load.silence()
        time.sleep(0.3)
        load.hang_up()
        subject.empty()
        total, end = load.count(), subject.read()
    return (
        _row(shape, before, after, window)
        | _losses(zero, end, total)
        | {
            "MB idle": idle,
            "kB/call": (busy - idle) * 1000 / shape.legs,
            "failed": total.refused + total.dropped + total.silent_legs,
        }
    )


def _row(
    shape: Shape, before: Reading, after: Reading, window: Counted
) -> dict[str, str | float | int | None]:
    cpu = (after.cpu - before.cpu) / (after.at - before.at) * 100
    return {
        "legs": f"{shape.legs} {shape.codec}, "
        + ("one room" if shape.room_size is None else f"rooms of {shape.room_size}"),
        "% of a core": cpu,
        "% per leg": cpu / shape.legs,
        "tick late p50 ms": quantile(before.tick_late, after.tick_late, 0.5) * 1000,
        "p99 ms": quantile(before.tick_late, after.tick_late, 0.99) * 1000,
        "at phones p99 ms": window.lateness(0.99),
    }


def _losses(zero: Reading, end: Reading, total: Counted) -> dict[str, str | float | int | None]:
    """What one side sent and the other did not count, over the whole run."""
    return {
        "packets": total.sent + total.received,
        "lost in": int(total.sent - (end.packets_in - zero.packets_in)),
        "lost out": int(end.packets_out - zero.packets_out - total.received),
    }


def measure_janus(home: Path, network: Network, legs: int, seconds: float) -> Row:
    """The same legs as plain-RTP participants of one AudioBridge room that mixes at 16 kHz, as we do."""
    shape = Shape(legs)
    with janus.AudioBridge() as bridge, Load(home, network.address()) as load:
        idle = resident_mb(bridge.process.pid)
        bridge.room(1, 16000)
        ports = load.open(legs, speaking=shape.speaking())
        load.aim([bridge.join(1, load.address, port) for port in ports])
        time.sleep(SETTLE)
        load.reset()
        start, before = time.monotonic(), cpu_seconds(bridge.process.pid)
        time.sleep(seconds)
        cpu = (cpu_seconds(bridge.process.pid) - before) / (time.monotonic() - start) * 100
        window = load.count()
        return {
            "legs": f"{legs} PCMU, one room",
            "% of a core": cpu,
            "% per leg": cpu / legs,
            "at phones p99 ms": window.lateness(0.99),
            "lost out": window.lost,
            "MB idle": idle,
            "kB/call": (resident_mb(bridge.process.pid) - idle) * 1000 / legs,
            "failed": window.silent_legs,
        }
