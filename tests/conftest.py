"""What was skipped for want of a package is told last, by name; where ``CI=true`` it is a failure."""

import os
from collections import Counter

import pytest


def _wanting(config: pytest.Config) -> Counter[str]:
    """Reasons of skipping that name a package, with the number of tests."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    reasons = (report.longrepr[2].removeprefix("Skipped: ") for report in skipped)
    return Counter(reason for reason in reasons if "package" in reason)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if (
        os.environ.get("CI") == "true"
        and session.exitstatus == pytest.ExitCode.OK
        and _wanting(session.config)
    ):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    for reason, count in sorted(_wanting(config).items()):
        print(f"Skipped {count} {'test' if count == 1 else 'tests'}: {reason}")
