"""The composition root: makes every part of the gateway, wires them, starts and stops them in order.

The only place where floors and neighbours are introduced to each other; no other module builds another's
collaborators. Start goes from the ground up (database, recordings, HTTP, SIP last, so that the first call
finds everything there); stop goes the other way.
"""

import asyncio
import time
from collections.abc import Callable
from random import SystemRandom

import click
import structlog
from twisted.internet.asyncioreactor import AsyncioSelectorReactor

from bridge.announcer import Announcer, Recording
from bridge.desk import Desk
from bridge.leg import MediaTotals
from bridge.mix_room import Chimes
from bridge.mixer import Mixer
from bridge.pin_guard import PinGuard
from bridge.services import Services
from bridge.ticker import TICK, Pulse, Ticker
from conferencing.embedded.engine import EmbeddedEngine
from conferencing.embedded.media import Rates
from conferencing.embedded.plane import Plane
from conferencing.meeting import Limits, MeetingRules
from config.outcome import Outcome, PasserelleError
from config.prompts import find, find_music, find_room_names
from config.settings import Endpoint, Listener, Settings
from config.settings.values import is_unspecified
from config.texts import LANGUAGES
from gateway import run as process
from gateway.addresses import reserved
from gateway.admission import RETRY_AFTER, Admission
from gateway.counting import Counting
from gateway.garbage import Garbage
from gateway.load import Load
from gateway.metrics import Metrics
from gateway.newcomer import introduction, provide_room
from gateway.web.api import Router, create_api
from gateway.web.doors import Doors
from gateway.web.meetings import create_meetings
from gateway.web.origins import Origins
from gateway.web.pages import create_pages
from gateway.web.server import HttpServer
from gateway.web.socket import PageSockets
from media import tones
from media.ports import PortAllocator
from media.webrtc.mux import MediaMux
from rooms.local import LocalDirectory
from rooms.store import Store
from sip.call import Call
from sip.guard import Guard
from sip.message import Request
from sip.resolver import DnsLookup, Resolver
from sip.transport import Source, Transport
from sip.transport.tcp import StreamLimits, TcpTransport
from sip.transport.udp import UdpTransport
from sip.user_agent import Refusal, UserAgent

log = structlog.get_logger(__name__)

# Seconds for the last BYEs to be answered.
FAREWELL_SECONDS = 2.0
# Before a drain runs out, callers are told in words; it takes this many seconds.
WORDS_SECONDS = 5.0
# Between looks for rooms whose time has passed.
SWEEP_SECONDS = 600.0


class App:
    """One gateway. ``demo``: make a room on the first run and say what to dial."""

    def __init__(
        self,
        settings: Settings,
        reactor: AsyncioSelectorReactor,
        loop: asyncio.AbstractEventLoop,
        garbage: Garbage,
        *,
        demo: bool = False,
        lan: bool = False,
        log_lines_lost: Callable[[], int] = lambda: 0,
    ) -> None:
        self._settings = settings
        self._loop = loop
        self._garbage = garbage
        self._demo = demo
        self._lan = lan
        self._log_lines_lost = log_lines_lost
        self._clock = time.monotonic
        self._random = SystemRandom()
        self._not_ready: str | None = "starting"
        self._admission = Admission(settings.limits, self._behind)
        self._totals = MediaTotals()
        self._guard = PinGuard(settings.limits)
        self._mux: MediaMux | None = None
        self._load = Load(
            self._clock,
            time.process_time,
            lambda: max(self._behind(), self._engine_ticker.behind),
            settings.limits.late_ms,
        )
        self._engine = EmbeddedEngine(
            clock=self._clock,
            random=self._random,
            make_plane=self._make_plane,
            has_room=self._load.has_room,
            limits=Limits(
                settings.meetings.max_participants,
                settings.meetings.max_cameras,
                settings.meetings.max_shares,
            ),
        )
        self._engine_ticker = Ticker(loop, self._clock, self._tick)
        self._sockets: PageSockets | None = None
        self._sweeping: asyncio.Task[None] | None = None
        self._store: Store | None = None
        self._desk: Desk | None = None
        self._http: HttpServer | None = None
        self._transports = [self._transport(reactor, listener) for listener in settings.sip.listen]
        self._agent = UserAgent(
            self._transports,
            call_later=loop.call_later,
            clock=self._clock,
            random=self._random,
            on_call=self._on_call,
            admit=self._admit,
            on_ended=self._call_ended,
            guard=Guard(trusted=settings.limits.trusted),
            resolver=Resolver(DnsLookup(), self._random),
        )

    def _transport(self, reactor: AsyncioSelectorReactor, listener: Listener) -> Transport:
        sip = self._settings.sip
        if listener.transport == "udp":
            return UdpTransport(reactor, listener.host, listener.port, advertised=sip.advertised)
        limits = StreamLimits(max_message=sip.max_message_octets, idle=sip.tcp_idle_seconds)
        return TcpTransport(reactor, listener.host, listener.port, advertised=sip.advertised, limits=limits)

    # The life of the process (gateway.run.Application)

    async def start(self) -> None:
        """Start everything. Raises :class:`PasserelleError` that names what cannot be had."""
        settings = self._settings
        self._store = store = await Store.open(settings.database.url, settings.database.secret_file)
        invitation = await provide_room(store, reserved(settings)) if self._demo else None
        announcer = Announcer.load(
            find(settings.ivr.prompts, LANGUAGES),
            find_room_names(settings.ivr.prompts),
            find_music(settings.ivr.prompts),
        )
        self._desk = desk = self._make_desk(store, announcer)
        doors = self._make_doors(store)
        await self._open_media_port()
        pages = self._pages(doors)
        api = create_api(
            lambda: self._not_ready,
            self._metrics(desk).page,
            *pages,
            tls_only=settings.http.public_url.startswith("https:"),
        )
        self._http = HttpServer(api, settings.http.listen, settings.http.tls)
        http = await self._http.start()
        try:
            await self._agent.start()
        except OSError as error:
            raise PasserelleError(
                f"SIP cannot listen: {error}",
                outcome=Outcome.UNAVAILABLE,
                hint="Stop what uses that port, or change sip.listen.",
            ) from error
        desk.ticker.start()
        self._engine_ticker.start()
        self._not_ready = None
        # Where 0 is set, the real ports.
        places = [(each.kind, each.address) for each in self._transports]
        sip = [f"{kind}:{Endpoint(place.host, place.port)}" for kind, place in places]
        log.info("Ready", sip=sip, media=str(settings.media.ports), http=str(http))
        if invitation is not None:
            for line in introduction(settings, invitation, doors.link, lan=self._lan):
                click.echo(line)

    def begin_drain(self) -> None:
        """Refuse new calls from now on; running ones go on."""
        self._not_ready = "draining"
        self._admission.begin_drain()
        self._engine.begin_drain()
        self._agent.close_door(Refusal(Outcome.DRAINING, RETRY_AFTER[Outcome.DRAINING]))
        log.info("Draining", calls=self._admission.running)
        patience = self._settings.limits.drain_seconds - WORDS_SECONDS
        if self._desk is not None and patience > 0:
            self._loop.call_later(patience, self._desk.dismiss_all, Outcome.DRAINING)

    def drained(self) -> bool:
        """Whether there is no call left."""
        return not self._agent.calls and not self._engine.sessions

    async def stop(self, outcome: Outcome) -> None:
        """End every call and close everything, also what was only half started."""
        self._not_ready = "stopping"
        self._engine.close()
        self._agent.hang_up_all(outcome)
        try:
            async with asyncio.timeout(FAREWELL_SECONDS):
                await self._agent.drained()
        except TimeoutError:
            log.warning("Some calls did not answer our BYE", calls=len(self._agent.calls))
        if self._desk is not None:
            self._desk.ticker.stop()
        self._engine_ticker.stop()
        if self._sweeping is not None:
            self._sweeping.cancel()
            await asyncio.wait({self._sweeping})
        await self._agent.stop()
        if self._http is not None:
            await self._http.stop()
        if self._mux is not None:
            self._mux.close()
        if self._store is not None:
            await self._store.close()

    # Wiring

    def _make_doors(self, store: Store) -> Doors:
        return Doors(
            self._settings,
            store,
            LocalDirectory(store),
            self._guard,
            self._engine,
            clock=self._clock,
            wall=time.time,
            random=self._random,
        )

    async def _open_media_port(self) -> None:
        """Open the port for the media of browsers, where an address is named."""
        settings = self._settings.webrtc
        addresses = settings.address or self._settings.media.address
        if any(map(is_unspecified, addresses)):
            log.warning("No meetings for browsers: webrtc.address must name an address")
            return
        try:
            self._mux = await MediaMux.open(
                self._loop,
                addresses,
                settings.port,
                clock=self._clock,
                random=self._random,
                advertised=settings.advertised or self._settings.media.advertised,
            )
        except OSError as error:
            raise PasserelleError(
                f"The media of browsers cannot listen on port {settings.port}: {error.strerror}",
                outcome=Outcome.UNAVAILABLE,
                hint="Stop what uses that port, or change webrtc.port.",
            ) from error

    def _pages(self, doors: Doors) -> list[Router]:
        """What is served to browsers, if their media can be."""
        if self._mux is None:
            return []
        origins = Origins(self._settings.http)
        self._sockets = PageSockets(doors, self._engine, origins, self._clock)
        self._sweeping = asyncio.create_task(self._sweep(doors), name="sweep")
        return [create_pages(), create_meetings(doors, origins), self._sockets.router()]

    def _behind(self) -> float:
        """By how many seconds the telephones' sound is late."""
        return self._desk.ticker.behind if self._desk is not None else 0.0

    def _tick(self, tick: int) -> None:
        self._engine.tick()
        if tick % round(1 / TICK) == 0:
            self._load.read()

    def _make_plane(self, rules: MeetingRules) -> Plane:
        if self._mux is None:
            raise PasserelleError("there is no media for browsers", outcome=Outcome.UNAVAILABLE)
        meetings = self._settings.meetings
        upload = rules.max_video_kbps or meetings.max_upload_kbps
        download = rules.max_video_kbps or meetings.max_download_kbps
        return Plane(
            self._mux.peer,
            clock=self._clock,
            random=self._random,
            rates=Rates(1000 * upload, 1000 * download),
            tiles=self._settings.engine.max_tiles,
        )

    async def _sweep(self, doors: Doors) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            try:
                await doors.sweep()
            except PasserelleError as error:
                log.warning("Rooms whose time has passed stay for now", problem=str(error))

    def _make_desk(self, store: Store, announcer: Announcer) -> Desk:
        settings = self._settings
        chimes = Chimes(
            joined=Recording.of(tones.join(8000), tones.join(16000)),
            left=Recording.of(tones.leave(8000), tones.leave(16000)),
        )
        services = Services(
            loop=self._loop,
            clock=self._clock,
            random=self._random,
            media=settings.media,
            ivr=settings.ivr,
            ports=PortAllocator(settings.media.ports.low, settings.media.ports.high),
            mixer=Mixer(self._engine.take, chimes),
            announcer=announcer,
            directory=LocalDirectory(store),
            engine=self._engine,
            guard=self._guard,
            totals=self._totals,
            pulse=Pulse(),
        )
        return Desk(services, settings.sip)

    def _on_call(self, call: Call) -> None:
        if self._desk is None:
            call.refuse(Outcome.UNAVAILABLE)
        else:
            self._desk.on_call(call)

    def _admit(self, _request: Request, source: Source) -> Refusal | None:
        outcome = self._admission.admit(source.host, self._clock())
        if outcome is None:
            return None
        return Refusal(outcome, RETRY_AFTER.get(outcome))

    def _call_ended(self, source: Source, _outcome: Outcome) -> None:
        self._admission.ended(source.host)

    def _metrics(self, desk: Desk) -> Metrics:
        counting = Counting(
            agent=self._agent,
            desk=desk,
            engine=self._engine,
            pin_guard=self._guard,
            garbage=self._garbage,
            totals=self._totals,
            sockets=self._sockets,
            mux=self._mux,
            log_lines_lost=self._log_lines_lost,
            participants=self._settings.http.participant_metrics,
        )
        return Metrics(counting.sources())


def run(
    settings: Settings,
    *,
    demo: bool = False,
    lan: bool = False,
    log_lines_lost: Callable[[], int] = lambda: 0,
) -> None:
    """Run a gateway until a signal ends it. Raises what its start raised."""
    process.run(
        lambda reactor, loop, garbage: App(
            settings, reactor, loop, garbage, demo=demo, lan=lan, log_lines_lost=log_lines_lost
        ),
        drain_seconds=settings.limits.drain_seconds,
    )
