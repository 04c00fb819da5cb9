"""What goes on in the background."""

import asyncio

import pytest
from structlog.testing import capture_logs

from media.webrtc.tasks import Tasks


@pytest.mark.parametrize(("error", "logged"), [(OSError, 0), (TimeoutError, 0), (ZeroDivisionError, 1)])
def test_the_networks_failures_are_quiet_and_ours_are_not(error: type[Exception], logged: int) -> None:
    async def work() -> None:
        raise error

    async def scenario() -> None:
        tasks = Tasks()
        tasks.spawn(work())
        assert len(tasks) == 1
        await tasks.finish()
        assert len(tasks) == 0

    with capture_logs() as logs:
        asyncio.run(scenario())
    assert sum(one["log_level"] == "error" for one in logs) == logged


def test_what_a_task_begins_is_waited_for_too() -> None:
    done = []

    async def scenario() -> None:
        tasks = Tasks()

        async def second() -> None:
            await asyncio.sleep(0)
            done.append(2)

        async def first() -> None:
            await asyncio.sleep(0)
            tasks.spawn(second())

        tasks.spawn(first())
        await tasks.finish()

    asyncio.run(scenario())
    assert done == [2]
