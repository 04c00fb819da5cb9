"""What all tests share: no deadline, and the list of packages for want of which tests were skipped."""

from __future__ import annotations

import os
import re
from collections import Counter

import pytest
from hypothesis import HealthCheck, settings

# A busy machine is no error of ours.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

NEEDS = re.compile(r"(?:needs|install) (?:the )?((?:Debian |Python )?package [\w.+-]+)")


def _wanting(reporter: pytest.TerminalReporter | None, *outcomes: str) -> Counter[str]:
    """Packages named as the reason why tests did not run, with the number of tests."""
    reports = [
        report for outcome in outcomes for report in (reporter.stats.get(outcome, []) if reporter else [])
    ]
    return Counter(package for report in reports for package in set(NEEDS.findall(str(report.longrepr))))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where ``CI=true`` everything that can be installed is installed, so a skip for it is a failure."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    passed = session.exitstatus == pytest.ExitCode.OK
    if os.environ.get("CI") == "true" and passed and _wanting(reporter, "skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say it last and by name: a matrix that ran half empty must not look like one that passed."""
    counts = _wanting(terminalreporter, "skipped", "failed")
    if counts:
        terminalreporter.section("missing packages", sep="=", yellow=True)
        for package, count in sorted(counts.items()):
            terminalreporter.line(f"{package}: {count} test{'s' if count > 1 else ''} could not run")
