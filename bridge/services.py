"""What every call of the process shares; put together by ``gateway.app``."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from bridge.announcer import Announcer
from bridge.directory import Directory
from bridge.leg import MediaTotals
from bridge.mixer import Mixer
from bridge.pin_guard import PinGuard
from bridge.ticker import Pulse
from conferencing.engine import Engine
from config.settings import IvrSettings, MediaSettings
from media.ports import PortAllocator


@dataclass(frozen=True, slots=True, eq=False)
class Services:
    """``clock`` gives monotonic seconds."""

    loop: asyncio.AbstractEventLoop
    clock: Callable[[], float]
    random: Random
    media: MediaSettings
    ivr: IvrSettings
    ports: PortAllocator
    mixer: Mixer
    announcer: Announcer
    directory: Directory
    engine: Engine
    guard: PinGuard
    totals: MediaTotals
    pulse: Pulse
