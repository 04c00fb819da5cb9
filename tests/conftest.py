"""What all tests share: the list of packages for want of which tests were skipped."""

from __future__ import annotations

import re

import pytest

NEEDS = re.compile(r"needs ((?:Debian|Python) package \S+)")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say it last and by name: a matrix that ran half empty must not look like one that passed."""
    reports = [*terminalreporter.stats.get("skipped", []), *terminalreporter.stats.get("failed", [])]
    counts: dict[str, int] = {}
    for report in reports:
        for package in set(NEEDS.findall(str(report.longrepr))):
            counts[package] = counts.get(package, 0) + 1
    if counts:
        terminalreporter.section("missing packages", sep="=", yellow=True)
        for package, count in sorted(counts.items()):
            terminalreporter.line(f"{package}: {count} test{'s' if count > 1 else ''} could not run")
