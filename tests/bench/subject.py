"""The gateway being measured, with as many rooms as a shape of load needs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import time
from dataclasses import dataclass
from pathlib import Path

import structlog

from rooms.store import Store
from rooms.values import NewRoom
from tests.interop.peers.gateway import Gateway, Overrides
from tests.interop.peers.process import until

from .load import cpu_seconds, resident_mb

SETTINGS: Overrides = {
    "media": {"ports": "10000-65535"},
    "log": {"format": "json", "level": "info"},
    "limits": {
        "late_ms": 60,
        "calls": 5000,
        "calls_per_second": 700,
        "calls_per_source": 10000,
        "calls_per_second_per_source": 10000,
    },
}
BUCKET = re.compile(r'^(\w+)_bucket\{.*le="([^"]+)".*\} (\S+)$', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Reading:
    """The gateway's own counters at one moment."""

    at: float
    cpu: float
    packets_in: float
    packets_out: float
    tick_late: dict[float, float]
    invite: dict[float, float]


class Subject(Gateway):
    """A `Gateway` without the limits that load would run into, and with rooms made beforehand."""

    def __init__(self, home: Path, address: str, rooms: int) -> None:
        super().__init__(home, address, overrides=SETTINGS)
        self.pins = asyncio.run(_make_rooms(home, rooms))

    def idle_mb(self) -> float:
        return resident_mb(self.process.pid)

    def read(self) -> Reading:
        cpu = cpu_seconds(self.process.pid)
        at = time.monotonic()
        page = self.http("/metrics")[1]
        packets = {way: self.metric("passerelle_rtp_packets_total", direction=way) for way in ("in", "out")}
        buckets = [_buckets(page, name) for name in ("tick_late_seconds", "invite_seconds")]
        return Reading(at, cpu, packets["in"], packets["out"], *buckets)

    def empty(self, timeout: float = 20) -> int:
        """Wait until no call is left; how many are, if that takes too long."""
        with contextlib.suppress(TimeoutError):
            until(lambda: self.metric("passerelle_calls") == 0, timeout, "the last call to end")
        return int(self.metric("passerelle_calls"))


async def _make_rooms(home: Path, count: int) -> list[str]:
    """Through the store, since a command per room would take longer than the measurement."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    store = await Store.open(f"sqlite:///{home / 'passerelle.db'}", home / "passerelle.secret")
    try:
        return [(await store.add(NewRoom(f"Bench {i}", language="en"))).pin for i in range(count)]
    finally:
        await store.close()


def _buckets(page: str, histogram: str) -> dict[float, float]:
    return {
        float(le): float(count)
        for name, le, count in BUCKET.findall(page)
        if name == f"passerelle_{histogram}"
    }


def quantile(before: dict[float, float], after: dict[float, float], share: float) -> float:
    """That quantile of a Prometheus histogram between two readings, linear within its bucket."""
    counts = {le: after[le] - before.get(le, 0.0) for le in sorted(after)}
    wanted = share * max(counts.values(), default=0.0)
    low = low_count = 0.0
    for le, count in counts.items():
        if count >= wanted and count > low_count:
            return (
                low if le == float("inf") else low + (le - low) * (wanted - low_count) / (count - low_count)
            )
        low, low_count = le, count
    return 0.0
