"""`python -m tests.bench`: measure everything, or with `--only` a part; print tables, `--json FILE` them."""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from pathlib import Path

from tests.interop.peers.network import Network

from . import calls, delay, idle, janus, legs, sfu
from .legs import Shape
from .report import Report

PARTS = ("idle", "legs", "janus", "g722", "calls", "delay", "sfu")


def main() -> None:
    options = _options()
    report = Report()
    report.heading()
    network = Network()
    wanted = options.only or list(PARTS)
    window = 5.0 if options.quick else 12.0
    with tempfile.TemporaryDirectory(prefix="bench-") as home:
        for part in (part for part in PARTS if part in wanted):
            _run(part, report, Path(home) / part, network, window, quick=options.quick)
    network.close()
    if options.json:
        options.json.write_text(json.dumps(report.as_json(), indent=2) + "\n")


def _run(part: str, report: Report, home: Path, network: Network, window: float, *, quick: bool) -> None:
    sizes = (10, 100) if quick else (10, 100, 300, 500)
    homes = (home / str(number) for number in range(1000))
    if part == "idle":
        report.table("Nobody calls", [idle.measure(next(homes), network, window)])
    elif part == "legs":
        shapes = [Shape(size, group) for group in (None, 5) for size in sizes]
        rows = [legs.measure(next(homes), network, shape, window) for shape in shapes]
        report.table("G.711 legs", rows, "three speak in each room, the others send a quiet room's noise")
    elif part == "g722":
        rows = [legs.measure(next(homes), network, Shape(100, codec="G722"), window)]
        report.table("G.722 legs", rows)
    elif part == "janus" and not janus.installed():
        report.table("Janus AudioBridge: needs Debian package janus", [])
    elif part == "janus":
        rows = [legs.measure_janus(next(homes), network, size, window) for size in (20, 100)]
        ours = [legs.measure(next(homes), network, Shape(size), window) for size in (20, 100)]
        columns = list(rows[0])
        report.table("Janus AudioBridge", rows, "the same senders, plain RTP, mixed at 16 kHz")
        report.table("Passerelle beside it", [{name: row[name] for name in columns} for row in ours])
    elif part == "calls" and shutil.which("sipp") is None:
        report.table("INVITE to 200: needs Debian package sip-tester", [])
    elif part == "calls":
        rates = (10, 50) if quick else (10, 50, 100, 200)
        length = 10.0 if quick else 20.0
        rows = [
            calls.measure(next(homes), network, rate, length, group) for group in (None, 5) for rate in rates
        ]
        report.table("INVITE to 200, calls held 10 s with RTP", rows)
    elif part == "sfu":
        meshes = [(3, sfu.P360), (10, sfu.P360), (20, sfu.P360), (10, sfu.P720), (50, sfu.NONE)]
        chosen = meshes[1:2] if quick else meshes
        rows = [sfu.measure(next(homes), network, size, picture, window) for size, picture in chosen]
        report.table("Browsers in one room", rows, "each sees nine others and hears three, over DTLS-SRTP")
    elif part == "delay":
        report.table(
            "From mouth to ear, G.711 and Opus",
            delay.measure(next(homes), network, 10.0 if quick else 20.0),
            "includes the gateway's jitter buffer for telephones, 20 ms at least; neither end's own",
        )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="smaller sizes and shorter windows, about two minutes"
    )
    parser.add_argument("--only", action="append", choices=PARTS, metavar="NAME", help=", ".join(PARTS))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the tables there, too")
    return parser.parse_args()


if __name__ == "__main__":
    main()
