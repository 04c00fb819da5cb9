"""The benchmark's end of the load generator, and the operating system's account of a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.interop.peers.process import Process

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Counted:
    """What the phones saw. `late_ms[n]`: packets n ms (100: more) late; delays in seconds."""

    sent: int
    received: int
    lost: int
    silent_legs: int
    late_ms: list[int]
    delays: list[float]
    refused: int
    dropped: int
    behind: float

    def lateness(self, share: float) -> float:
        """The lateness in ms that this share of the packets did not exceed."""
        wanted, seen = share * sum(self.late_ms), 0
        for ms, number in enumerate(self.late_ms):
            seen += number
            if seen >= wanted and seen:
                return float(ms + 1)
        return 0.0


class Load:
    """`with Load(home, address) as load: load.open(…); load.dial(…)`."""

    def __init__(self, home: Path, address: str) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self._home = home
        self.address = address

    def __enter__(self) -> Load:
        self.process = Process(
            "generator",
            [sys.executable, "-m", "tests.bench.generator"],
            self._home,
            environ={"PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stop()

    def _do(self, order: str, **values: Any) -> dict[str, Any]:
        if self.process.stdin is None or self.process.stdout is None:
            raise RuntimeError("the generator has no pipes")
        self.process.stdin.write(json.dumps({"do": order, **values}).encode() + b"\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the load generator ended\n{self.process.tail()}")
        answer: dict[str, Any] = json.loads(line)
        if answer.pop("done") != order:
            raise RuntimeError(f"the load generator answered {answer} to {order}")
        return answer

    def open(
        self, count: int, *, codec: str = "PCMU", speaking: list[int] | None = None, pairs: bool = False
    ) -> list[int]:
        """Make that many legs; their RTP ports."""
        answer = self._do(
            "open", address=self.address, count=count, codec=codec, speaking=speaking or [], pairs=pairs
        )
        ports: list[int] = answer["ports"]
        return ports

    def aim(self, targets: list[tuple[str, int]]) -> None:
        self._do("aim", targets=targets)

    def dial(self, gateway: tuple[str, int], users: list[str], rate: float) -> None:
        self._do("dial", address=self.address, gateway=gateway, users=users, rate=rate)

    def hang_up(self) -> None:
        self._do("hang_up")

    def silence(self) -> None:
        self._do("silence")

    def reset(self) -> None:
        self._do("reset")

    def count(self) -> Counted:
        return Counted(**self._do("count"))


def cpu_seconds(pid: int) -> float:
    """CPU time of a process, user and system (proc(5), fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int) -> float:
    """Resident memory, in MB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
