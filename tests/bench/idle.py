"""What the process costs when nobody calls, with a thousand rooms stored."""

from __future__ import annotations

import time
from pathlib import Path

from tests.interop.peers.network import Network

from .report import Row
from .subject import Subject

ROOMS = 1000
SETTLE = 3.0


def measure(home: Path, network: Network, seconds: float) -> Row:
    with Subject(home / "gateway", network.address(), ROOMS) as subject:
        time.sleep(SETTLE)
        before = subject.read()
        time.sleep(seconds)
        after = subject.read()
        return {
            "idle": f"{ROOMS} rooms stored",
            "% of a core": (after.cpu - before.cpu) / (after.at - before.at) * 100,
            "MB": subject.idle_mb(),
        }
