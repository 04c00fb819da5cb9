"""The whole gateway in this process: real sockets on loopback, a database in a folder of the test's own."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import uvloop
from structlog.testing import capture_logs
from twisted.internet.asyncioreactor import AsyncioSelectorReactor

from conferencing.embedded.media import Rates
from conferencing.embedded.offer import MOST_TILES, TILES
from conferencing.meeting import MeetingRules
from config.outcome import Outcome, PasserelleError
from config.settings import EngineSettings, Settings
from gateway.app import App
from gateway.garbage import Garbage
from sip.call import CallState
from tests.interop.peers.network import Network

PATIENCE = 30.0  # seconds
NETWORK = Network()


def settings_for(folder: Path, **sections: dict[str, Any]) -> Settings:
    host = NETWORK.address()  # nobody else's, so its ports are free
    said: dict[str, dict[str, Any]] = {
        "sip": {"listen": [f"udp:{host}:5060", f"tcp:{host}:5060"]},
        "media": {"ports": "22000-22099"},
        "http": {"listen": f"{host}:8080"},
        "webrtc": {"port": 0},
        "limits": {"late_ms": 0},  # the machine may be busy with other tests
        "database": {"url": f"sqlite:///{folder}/rooms.db", "secret_file": folder / "secret"},
    }
    for name, section in sections.items():
        said[name] = said.get(name, {}) | section
    return Settings.model_validate(said)


class Phone:
    """A SIP phone of few words: it calls, answers every BYE, and gives the final responses."""

    def __init__(self, settings: Settings) -> None:
        listener = settings.sip.listen[0]
        self.gateway = (listener.host, listener.port)
        self.host, self.port = listener.host, 5070
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((self.host, self.port))
        self.socket.setblocking(False)
        self.byes: list[str] = []
        self._heard: set[str] = set()
        self._responses: asyncio.Queue[str] = asyncio.Queue()
        asyncio.get_running_loop().add_reader(self.socket, self._read)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self.socket)
        self.socket.close()

    def _read(self) -> None:
        text = self.socket.recv(65_535).decode()
        again = text in self._heard  # on a slow machine things are said twice
        self._heard.add(text)
        if text.startswith("BYE "):
            self.byes += [] if again else [text]
            kept = [line for line in text.split("\r\n") if re.match(r"(?:Via|From|To|Call-ID|CSeq):", line)]
            answer = "\r\n".join(["SIP/2.0 200 OK", *kept, "Content-Length: 0", "", ""])
            self.socket.sendto(answer.encode(), self.gateway)
        elif not again and not text.startswith("SIP/2.0 1"):
            self._responses.put_nowait(text)

    def _send(self, method: str, user: str, call: str, to_tag: str = "", body: str = "") -> None:
        typed = "Content-Type: application/sdp\r\n" if body else ""
        message = (
            f"{method} sip:{user}@{self.host} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {self.host}:{self.port};branch=z9hG4bK{method}{call}\r\n"
            f"From: <sip:anna@{self.host}>;tag=a{call}\r\nTo: <sip:{user}@{self.host}>{to_tag}\r\n"
            f"Call-ID: {call}@test\r\nCSeq: 1 {method}\r\nContact: <sip:anna@{self.host}:{self.port}>\r\n"
            f"Max-Forwards: 70\r\n{typed}Content-Length: {len(body)}\r\n\r\n{body}"
        )
        self.socket.sendto(message.encode(), self.gateway)

    async def options(self) -> str:
        self._send("OPTIONS", "meet", "options")
        return await asyncio.wait_for(self._responses.get(), PATIENCE)

    async def invite(self, user: str = "meet", call: str = "1") -> str:
        """Call, and give the answer the ACK that it asks for."""
        sdp = f"v=0\r\no=- 1 1 IN IP4 {self.host}\r\ns=-\r\nc=IN IP4 {self.host}\r\nt=0 0\r\n"
        sdp += "m=audio 9998 RTP/AVP 0\r\n"
        self._send("INVITE", user, call, body=sdp)
        answer = await asyncio.wait_for(self._responses.get(), PATIENCE)
        tag = re.search(r"^To:.*(;tag=\S+)", answer, re.M)
        assert tag is not None
        self._send("ACK", user, call, tag[1].strip())
        return answer


class Web:
    def __init__(self, settings: Settings) -> None:
        self.listen = settings.http.listen

    async def get(self, path: str) -> tuple[int, str]:
        reader, writer = await asyncio.open_connection(self.listen.host, self.listen.port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        text = (await asyncio.wait_for(reader.read(-1), PATIENCE)).decode()
        writer.close()
        return int(text.split()[1]), text.partition("\r\n\r\n")[2]

    async def metric(self, line: str) -> float:
        """The value of a line of the metrics, 0 when it is not there."""
        _, page = await self.get("/metrics")
        found = re.search(rf"^{re.escape(line)} (\S+)$", page, re.M)
        return float(found[1]) if found else 0.0


Story = Callable[[App, Phone, Web], Awaitable[None]]


def live(settings: Settings, story: Story, *, demo: bool = False, starts: bool = True) -> None:
    """Start the gateway, run a story, stop the gateway; nothing of it is left on the loop."""

    async def whole() -> None:
        loop = asyncio.get_running_loop()
        problems: list[Any] = []
        loop.set_exception_handler(lambda _, context: problems.append(context))
        app = App(settings, AsyncioSelectorReactor(loop), loop, Garbage(lambda: True), demo=demo)
        phone = Phone(settings)
        try:
            if starts:
                await app.start()
            await story(app, phone, Web(settings))
        finally:
            await app.stop(Outcome.DRAINING)
            phone.close()
        assert app.drained()
        async with asyncio.timeout(PATIENCE):  # nothing is left on the loop
            while asyncio.all_tasks() != {asyncio.current_task()}:  # noqa: ASYNC110 - threads end in their time
                await asyncio.sleep(0.01)
        assert problems == []
        for listener in settings.sip.listen:
            kind = socket.SOCK_DGRAM if listener.transport == "udp" else socket.SOCK_STREAM
            with socket.socket(socket.AF_INET, kind) as again:
                again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                again.bind((listener.host, listener.port))

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(whole())


def calls(outcome: str) -> str:
    return f'passerelle_calls_total{{direction="inbound",outcome="{outcome}"}}'


def test_it_is_ready_drains_and_says_bye(tmp_path: Path) -> None:
    phones: list[Phone] = []

    async def story(app: App, phone: Phone, web: Web) -> None:
        phones.append(phone)
        assert (await web.get("/readyz"))[0] == 200
        assert (await phone.options()).startswith("SIP/2.0 200")
        assert app.drained()
        assert (await phone.invite(call="stays")).startswith("SIP/2.0 200")
        app.begin_drain()
        status, body = await web.get("/readyz")
        assert status == 503
        assert "draining" in body
        assert (await web.get("/healthz"))[0] == 200
        refused = await phone.invite(call="late")
        assert refused.startswith("SIP/2.0 503")
        assert re.search(r"^Retry-After: \d+", refused, re.M)
        assert await web.metric(calls("draining")) == 1
        assert phone.byes == []
        assert not app.drained(), "running calls go on"

    live(settings_for(tmp_path), story)
    assert len(phones[0].byes) == 1


def test_it_says_on_which_ports_it_is_ready(tmp_path: Path) -> None:
    host = NETWORK.address()
    sip, http = {"listen": [f"udp:{host}:0", f"tcp:{host}:0"]}, {"listen": f"{host}:0"}

    async def story(app: App, phone: Phone, web: Web) -> None:
        [ready] = [line for line in logs if line["event"] == "Ready"]
        udp, tcp = ready["sip"]
        assert udp.startswith(f"udp:{host}:")
        phone.gateway = (host, int(udp.rpartition(":")[2]))
        assert (await phone.options()).startswith("SIP/2.0 200")
        assert tcp.startswith(f"tcp:{host}:")
        for place in (tcp.removeprefix("tcp:"), ready["http"]):
            _, writer = await asyncio.open_connection(host, int(place.rpartition(":")[2]))
            writer.close()

    with capture_logs() as logs:
        live(settings_for(tmp_path, sip=sip, http=http), story)


def test_a_call_is_answered_and_counted(tmp_path: Path) -> None:
    async def story(app: App, phone: Phone, web: Web) -> None:
        assert (await phone.invite("meet", call="one")).startswith("SIP/2.0 200")
        assert (await phone.invite("nobody", call="two")).startswith("SIP/2.0 404")
        assert (await phone.invite("demo", call="three")).startswith("SIP/2.0 404"), "no demo, no room"
        assert await web.metric(calls("not_found")) == 2
        assert await web.metric("passerelle_invite_seconds_count") == 1

    live(settings_for(tmp_path), story)


def test_calls_are_told_before_the_first(tmp_path: Path) -> None:
    async def story(app: App, phone: Phone, web: Web) -> None:
        _, page = await web.get("/metrics")
        for outcome in Outcome:
            assert f"{calls(outcome.label)} 0.0\n" in page
        for state in CallState:
            assert f'passerelle_calls{{state="{state.name.lower()}"}} 0.0\n' in page
        await phone.invite("nobody")
        assert await web.metric(calls("not_found")) == 1

    live(settings_for(tmp_path), story)


def test_limits_refuse_and_refusals_are_counted(tmp_path: Path) -> None:
    async def story(app: App, phone: Phone, web: Web) -> None:
        assert (await phone.invite(call="one")).startswith("SIP/2.0 200")
        for call in ("two", "three"):
            assert (await phone.invite(call=call)).startswith("SIP/2.0 486")
        assert await web.metric(calls("source_limit")) == 2
        assert await web.metric(calls("draining")) == 0

    live(settings_for(tmp_path, limits={"calls_per_source": 1}), story)


def test_what_is_dropped_is_counted(tmp_path: Path) -> None:
    async def story(app: App, phone: Phone, web: Web) -> None:
        phone.socket.sendto(b"neither a request nor a response\r\n\r\n", phone.gateway)
        assert (await phone.options()).startswith("SIP/2.0 200")
        assert await web.metric('passerelle_sip_errors_total{kind="parse"}') == 1
        _, page = await web.get("/metrics")
        for reason in ("flood", "undelivered", "connection"):
            assert f'passerelle_sip_dropped_total{{reason="{reason}"}} 0.0' in page
        assert 'passerelle_webrtc_dropped_total{reason="malformed"} 0.0' in page
        assert "passerelle_ticks_skipped_total" in page

    live(settings_for(tmp_path), story)


def test_packets_of_browsers_are_counted_with_those_of_telephones(tmp_path: Path) -> None:
    async def story(app: App, phone: Phone, web: Web) -> None:
        assert app._mux is not None
        app._mux.traffic.received, app._mux.traffic.sent = 5, 7
        assert await web.metric('passerelle_rtp_packets_total{direction="in"}') == 5
        assert await web.metric('passerelle_rtp_packets_total{direction="out"}') == 7

    live(settings_for(tmp_path), story)


def test_a_room_may_have_a_bit_rate_of_its_own(tmp_path: Path) -> None:
    async def story(app: App, phone: Phone, web: Web) -> None:
        assert app._make_plane(MeetingRules()).rates == Rates(900_000, 10_000_000)
        assert app._make_plane(MeetingRules(max_video_kbps=300)).rates == Rates(300_000, 300_000)

    live(settings_for(tmp_path, meetings={"max_upload_kbps": 900}), story)


def test_last_n_is_a_setting_with_the_range_that_offers_may_have(tmp_path: Path) -> None:
    async def story(app: App, phone: Phone, web: Web) -> None:
        assert app._make_plane(MeetingRules()).tiles == MOST_TILES

    assert EngineSettings().max_tiles == TILES
    live(settings_for(tmp_path, engine={"max_tiles": MOST_TILES}), story)


def test_the_demo_makes_a_room_once_and_says_what_to_dial(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pins: list[str] = []

    async def story(app: App, phone: Phone, web: Web) -> None:
        pins.extend(re.findall(r"then type +(\d+) #", capsys.readouterr().out))
        assert (await phone.invite(pins[-1])).startswith("SIP/2.0 200")

    for _ in range(2):
        live(settings_for(tmp_path), story, demo=True)
    assert len(pins) == 2
    assert pins[0] == pins[1]


@pytest.mark.parametrize("taken", ["udp", "tcp", "http"])
def test_a_port_that_is_taken_is_named_and_nothing_stays_open(tmp_path: Path, taken: str) -> None:
    settings = settings_for(tmp_path)
    endpoint = settings.http.listen if taken == "http" else settings.sip.listen[0]
    kind = socket.SOCK_DGRAM if taken == "udp" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as other:
        other.bind((endpoint.host, endpoint.port))
        if kind is socket.SOCK_STREAM:
            other.listen()

        async def whole() -> None:
            loop = asyncio.get_running_loop()
            app = App(settings, AsyncioSelectorReactor(loop), loop, Garbage(lambda: True))
            with pytest.raises(PasserelleError) as caught:
                await app.start()
            assert caught.value.outcome is Outcome.UNAVAILABLE
            assert caught.value.hint
            await app.stop(Outcome.DRAINING)

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(whole())

    async def nothing(app: App, phone: Phone, web: Web) -> None:
        assert app.drained()

    live(settings, nothing)


def test_what_was_never_started_can_be_stopped(tmp_path: Path) -> None:
    async def nothing(app: App, phone: Phone, web: Web) -> None:
        assert app.drained()

    live(settings_for(tmp_path), nothing, starts=False)
