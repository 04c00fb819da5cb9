"""What the benchmark prints: the machine, and tables that also go into `--json`."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

Row = Mapping[str, str | float | int | None]


class Report:
    """Tables in the order they were measured."""

    def __init__(self) -> None:
        self.machine = machine()
        self.tables: dict[str, list[Row]] = {}

    def heading(self) -> None:
        for name, value in self.machine.items():
            print(f"{name:12} {value}")

    def table(self, title: str, rows: list[Row], note: str = "") -> None:
        """Print rows of equal keys; the first column to the left, numbers to the right."""
        self.tables[title] = rows
        print(f"\n{title}")
        if not rows:
            print("  (nothing measured)")
            return
        cells = [list(rows[0]), *([_cell(value) for value in row.values()] for row in rows)]
        widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
        for row in cells:
            rest = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
            print("  " + "  ".join([row[0].ljust(widths[0]), *rest]))
        if note:
            print(f"  {note}")
        sys.stdout.flush()

    def as_json(self) -> dict[str, Any]:
        return {"machine": self.machine, "tables": self.tables}


def _cell(value: str | float | int | None) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.3f}" if abs(value) < 1 else f"{value:.1f}"
    return str(value)


def machine() -> dict[str, str]:
    """Where this ran, and with what."""
    model = re.search(r"^model name\s*:\s*(.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return {
        "CPU": model[1] if model else platform.processor(),
        "cores": str(os.cpu_count()),
        "load before": f"{os.getloadavg()[0]:.2f}",
        "kernel": platform.release(),
        "Python": platform.python_version(),
        **{name: version(name) for name in ("passerelle", "numpy", "uvloop", "Twisted", "av")},
        "SIPp": _sipp(),
    }


def _sipp() -> str:
    if shutil.which("sipp") is None:
        return "needs Debian package sip-tester"
    text = subprocess.run(["sipp", "-v"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"SIPp v(\S+?)\.?\n", text)
    return found[1] if found else "?"
