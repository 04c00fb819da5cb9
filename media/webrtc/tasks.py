"""What goes on in the background, kept so that nothing is left behind."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog
from aioice.stun import TransactionError

logger = structlog.get_logger(__name__)


class Tasks:
    """The tasks of one client. The network's failures end one quietly, a bug of ours is logged."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._running)

    def spawn(self, work: Coroutine[Any, Any, object]) -> None:
        """Begin it."""
        task = asyncio.get_running_loop().create_task(_quietly(work))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def finish(self) -> None:
        """Wait for all, and for what they begin."""
        while self._running:
            await asyncio.wait(self._running)


async def _quietly(work: Coroutine[Any, Any, object]) -> None:
    try:
        await work
    except (OSError, TransactionError, TimeoutError) as error:
        logger.debug("The network failed", error=str(error))
    except Exception:
        logger.exception("A task of a client's transport failed")
