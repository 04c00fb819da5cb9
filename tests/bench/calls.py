"""INVITE to 200 and failures by calls a second, with SIPp; every call held with RTP both ways.

SIPp times each call itself (`-trace_rtt`; its clock ticks every 4 ms), our own time is that of
`/metrics`. Callers all speak: a tone of G.711 from the ACK to the BYE. CPU and packets
are those of the last two seconds before the first calls end, when the most legs are up.
"""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from tests.interop.peers.audio import tone
from tests.interop.peers.network import Network
from tests.interop.peers.process import Process, require
from tests.interop.peers.rtp import encode

from .load import cpu_seconds
from .report import Row
from .subject import Subject, quantile

SCENARIO = Path(__file__).with_name("invite.xml")
HOLD = 10.0
GRACE = 40.0
WINDOW = 2.0


def measure(home: Path, network: Network, rate: int, seconds: float, room_size: int | None = None) -> Row:
    """Calls at that rate for so long, each held ten seconds; into one room, or rooms of so many."""
    program = require("sipp", "sip-tester")
    count = round(rate * seconds)
    rooms = 1 if room_size is None else -(-rate * round(HOLD) // room_size)
    address = network.address()
    home.mkdir(parents=True, exist_ok=True)
    (home / "tone.ul").write_bytes(encode(tone(620, HOLD, 8000)))
    scenario = home / "invite.xml"
    scenario.write_text(SCENARIO.read_text().replace("SOUND", str(home / "tone.ul")))
    with Subject(home / "gateway", network.address(), rooms) as subject:
        (home / "pins.csv").write_text("SEQUENTIAL\n" + "".join(f"{pin};\n" for pin in subject.pins))
        before = subject.read()
        sipp = Process(
            "sipp",
            [
                *(program, subject.target, "-sf", str(scenario), "-inf", str(home / "pins.csv")),
                *("-i", address, "-p", "5060", "-mi", address, "-ci", address, "-bind_local"),
                *("-r", str(rate), "-m", str(count), "-d", str(round(HOLD * 1000)), "-l", "10000"),
                *("-trace_stat", "-stf", str(home / "statistics.csv"), "-fd", "1"),
                *("-trace_rtt", "-rtt_freq", "1", "-nostdin"),
                *("-trace_err", "-error_file", str(home / "errors.txt")),
                *("-timeout", f"{seconds + HOLD + GRACE:.0f}s"),
            ],
            home,
            environ={"TERM": "dumb"},
        )
        time.sleep(min(HOLD, seconds) - WINDOW)
        window = [(subject.read(), cpu_seconds(sipp.pid))]
        time.sleep(WINDOW)
        window.append((subject.read(), cpu_seconds(sipp.pid)))
        try:
            sipp.wait(seconds + HOLD + GRACE)
        except subprocess.TimeoutExpired:
            sipp.stop()
        stuck = subject.empty()
        after = subject.read()
        served = subject.metric("passerelle_calls_total", direction="inbound")
    (first, sipp_before), (last, sipp_after) = window
    span = last.at - first.at
    ok, failed, again = _statistics(home / "statistics.csv")
    times = _times(home)
    return {
        "calls a second": f"{rate}, " + ("one room" if room_size is None else f"rooms of {room_size}"),
        "calls": count,
        "ok (SIPp)": ok,
        "failed": failed + count - ok - failed,
        "retransmitted": again,
        "counted by us": int(served),
        "stuck": stuck,
        "p50 ms": times[len(times) // 2] if times else None,
        "p95 ms": times[int(len(times) * 0.95)] if times else None,
        "max ms": times[-1] if times else None,
        "own p95 ms": quantile(before.invite, after.invite, 0.95) * 1000,
        "RTP/s in": round((last.packets_in - first.packets_in) / span),
        "out": round((last.packets_out - first.packets_out) / span),
        "% of a core": (last.cpu - first.cpu) / span * 100,
        "SIPp's": (sipp_after - sipp_before) / span * 100,
    }


def _statistics(path: Path) -> tuple[int, int, int]:
    header, *rows = path.read_text().splitlines()
    last = dict(zip(header.split(";"), rows[-1].split(";"), strict=False))
    return int(last["SuccessfulCall(C)"]), int(last["FailedCall(C)"]), int(last["Retransmissions(C)"])


def _times(home: Path) -> list[float]:
    """SIPp's own times of each INVITE to its 200, in ms, sorted."""
    rows = [line.split(";") for path in home.glob("*_rtt.csv") for line in path.read_text().splitlines()[1:]]
    return sorted(float(row[1]) for row in rows if len(row) >= 3)
