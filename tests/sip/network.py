"""A network in memory with its own time, that loses, repeats and reorders; agents and bare peers on it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from twisted.internet.task import Clock

from config.outcome import Outcome
from media.sdp import SessionDescription
from sip.call import Call, NotAcceptable
from sip.headers import Headers
from sip.message import Request, Response, parse
from sip.resolver import Naptr, Resolver, Srv
from sip.transport import Failed, LocalAddress, Path, Receiver, Source, TransportCounters, leads_to
from sip.uri import Uri
from sip.user_agent import Refusal, UserAgent

SDP = (
    b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
    b"m=audio %d RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
)


def description(port: int = 40_000) -> SessionDescription:
    """A session description that can be told from others by its port."""
    return SessionDescription.parse(SDP % port)


@dataclass
class Network:
    """Carries datagrams. ``fate`` says after how many seconds each copy arrives; no copy: lost."""

    clock: Clock = field(default_factory=Clock)
    fate: Callable[[bytes], Iterable[float]] = lambda data: (0.01,)
    stations: dict[tuple[str, str, int], Callable[[bytes, Source], None]] = field(default_factory=dict)
    unreachable: set[tuple[str, str, int]] = field(default_factory=set)
    timers: list[float] = field(default_factory=list)
    log: list[tuple[str, str]] = field(default_factory=list)  # host and start line, in the order sent

    def call_later(self, seconds: float, action: Callable[[], None]) -> Any:
        """What user agents have for a reactor; ``timers`` counts what they set."""
        self.timers.append(seconds)
        return self.clock.callLater(seconds, action)

    def send(self, data: bytes, source: Source, target: Source, failed: Failed | None) -> None:
        self.log.append((source.host, data.split(b"\r\n", 1)[0].decode(errors="replace")))
        key = (target.transport, target.host, target.port)
        if key in self.unreachable:
            if failed is not None and source.transport == "udp":
                failed("no route")  # the operating system knows at once
            elif failed is not None:
                self.clock.callLater(0.01, failed, "refused")
            return
        for delay in self.fate(data):
            self.clock.callLater(delay, self._deliver, data, source, key)

    def _deliver(self, data: bytes, source: Source, key: tuple[str, str, int]) -> None:
        station = self.stations.get(key)
        if station is not None:
            station(data, source)

    def sent_by(self, host: str) -> list[str]:
        """The start lines of what a host sent."""
        return [line for source, line in self.log if source == host]

    def run(self, seconds: float, step: float = 0.01) -> None:
        """Let time pass."""
        self.clock.pump([step] * round(seconds / step))


@dataclass
class MemoryPath:
    transport: "MemoryTransport"
    peer: Source
    held: int = 0
    usable: bool = True

    @property
    def reliable(self) -> bool:
        return self.transport.kind != "udp"

    @property
    def local(self) -> LocalAddress:
        return self.transport.address

    def send(self, data: bytes, failed: Failed | None = None) -> None:
        own = self.transport.address
        source = Source(own.host, own.port, self.transport.kind)
        self.transport.network.send(data, source, self.peer, failed)

    def hold(self) -> None:
        self.held += 1

    def release(self) -> None:
        self.held -= 1

    def answer_path(self, host: str, port: int) -> Path:
        return self if self.reliable and self.usable else self.transport.path_to(host, port)


class MemoryTransport:
    def __init__(self, network: Network, host: str, port: int = 5060, kind: str = "udp") -> None:
        self.network = network
        self.kind = kind
        self.address = LocalAddress(host, port)
        self.counters = TransportCounters()
        self.paths: dict[Source, MemoryPath] = {}

    def start(self, receiver: Receiver) -> None:
        def deliver(data: bytes, source: Source) -> None:
            if receiver.admits(source.host, len(data)):
                receiver.receive(data, self.path_to(source.host, source.port))

        self.network.stations[self.kind, self.address.host, self.address.port] = deliver

    async def stop(self) -> None:
        self.network.stations.pop((self.kind, self.address.host, self.address.port), None)

    def reaches(self, host: str) -> bool:
        return leads_to(self.address.host, host)

    def suits(self, host: str) -> bool:
        return host.rpartition(".")[0] == self.address.host.rpartition(".")[0]

    def path_to(self, host: str, port: int) -> MemoryPath:
        peer = Source(host, port, self.kind)
        return self.paths.setdefault(peer, MemoryPath(self, peer))


class NoLookup:
    """A DNS that knows nobody."""

    async def naptr(self, name: str) -> list[Naptr]:
        return []

    async def srv(self, name: str) -> list[Srv]:
        return []

    async def addresses(self, name: str) -> list[str]:
        return []


class Handler:
    """The owner of a call: writes down what it is told, and answers as it was told to."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.answer_port = 40_000
        self.acceptable = True
        self.knows_info = True
        self.last_offer: SessionDescription | None = None
        self.last_answer: SessionDescription | None = None
        self.outcome: Outcome | None = None

    def confirmed(self, answer: SessionDescription | None) -> None:
        self.events.append("confirmed")
        self.last_answer = answer

    def offered(self, offer: SessionDescription) -> SessionDescription:
        self.events.append("offered")
        if not self.acceptable:
            raise NotAcceptable
        self.last_offer = offer
        return description(self.answer_port)

    def offer_wanted(self) -> SessionDescription:
        self.events.append("offer wanted")
        return description(self.answer_port)

    def answered(self, answer: SessionDescription) -> None:
        self.events.append("answered")
        self.last_answer = answer

    def info(self, content_type: str, body: bytes) -> bool:
        self.events.append(f"info {content_type}")
        return self.knows_info

    def ended(self, outcome: Outcome) -> None:
        self.events.append(f"ended {outcome.label}")
        self.outcome = outcome


class Station:
    """A user agent on the network that answers every call at once, unless told otherwise."""

    def __init__(
        self,
        network: Network,
        host: str = "192.0.2.10",
        kinds: tuple[str, ...] = ("udp",),
        most_transactions: int = 10_000,
        random: Random | None = None,
    ) -> None:
        self.network = network
        self.handlers: list[Handler] = []
        self.calls: list[Call] = []
        self.ended: list[Outcome] = []
        self.admission: Callable[[], Refusal | None] = lambda: None
        self.on_call: Callable[[Call], None] = lambda call: call.answer(description(50_000))
        random = random or Random(host)
        self.transports = [MemoryTransport(network, host, 5060, kind) for kind in kinds]
        self.agent = UserAgent(
            self.transports,
            call_later=network.call_later,
            clock=network.clock.seconds,
            random=random,
            on_call=self._take,
            admit=lambda request, source: self.admission(),
            on_ended=lambda source, outcome: self.ended.append(outcome),
            resolver=Resolver(NoLookup(), random, kinds),
            most_transactions=most_transactions,
        )
        for transport in self.transports:
            transport.start(self.agent)

    def _take(self, call: Call) -> None:
        handler = Handler()
        call.handler = handler
        self.calls.append(call)
        self.handlers.append(handler)
        self.on_call(call)


class Peer:
    """A bare peer that sends what a test writes and keeps what it gets."""

    def __init__(
        self, network: Network, host: str = "192.0.2.99", port: int = 5060, kind: str = "udp"
    ) -> None:
        self.network = network
        self.here = Source(host, port, kind)
        self.got: list[Request | Response] = []
        self.to = "<sip:meet@192.0.2.10>"
        self.cseq = 0
        self.branches = 0
        self.dialog = ""
        network.stations[kind, host, port] = lambda data, source: self.got.append(parse(data))

    def send_raw(self, data: bytes, host: str = "192.0.2.10", port: int = 5060) -> None:
        self.network.send(data, self.here, Source(host, port, self.here.transport), None)

    def request(
        self,
        method: str,
        *,
        cseq: int | None = None,
        branch: str | None = None,
        body: bytes = b"",
        headers: Iterable[tuple[str, str]] = (),
        uri: str = "sip:meet@192.0.2.10",
        to: str | None = None,
        contact: str | None = None,
        via: str | None = None,
    ) -> Request:
        """Send a request; to the dialog when one was learnt."""
        if cseq is None and method not in ("ACK", "CANCEL"):
            self.cseq += 1
        if branch is None:
            self.branches += 1
            branch = f"z9hG4bK{self.branches}"
        fields = Headers()
        via = f"SIP/2.0/{self.here.transport.upper()} {via or f'{self.here.host}:{self.here.port}'}"
        for name, value in (
            ("Via", f"{via};branch={branch}"),
            ("Max-Forwards", "70"),
            ("From", f"<sip:caller@example.org>;tag={self.here.host}"),
            ("To", to or self.to),
            ("Call-ID", f"one@{self.here.host}"),
            ("CSeq", f"{cseq or self.cseq} {method}"),
            ("Contact", contact or f"<sip:caller@{self.here.host}:{self.here.port}>"),
            *headers,
        ):
            fields.add(name, value)
        if body and "Content-Type" not in fields:
            fields.add("Content-Type", "application/sdp")
        request = Request(method, Uri.parse(uri), fields, body)
        self.send_raw(request.to_bytes())
        return request

    def answer(self, request: Request, status: int, **fields: str) -> None:
        """Answer a request we got."""
        from sip.message import respond

        headers = [(name.replace("_", "-"), value) for name, value in fields.items() if name != "body"]
        response = respond(request, status, to_tag=self.dialog or "far", headers=headers)
        if "body" in fields:
            response.headers.add("Content-Type", "application/sdp")
            response.body = fields["body"].encode()
        via = request.via
        self.send_raw(response.to_bytes(), via.host, via.port or 5060)

    def invite(self, *, body: bytes = SDP % 30_000, **options: object) -> Request:
        return self.request("INVITE", body=body, **options)  # type: ignore[arg-type]

    def learn(self) -> Response:
        """Take the dialog over from the last response."""
        response = self.responses[-1]
        self.to = response.headers.get("To") or ""
        return response

    @property
    def responses(self) -> list[Response]:
        return [message for message in self.got if isinstance(message, Response)]

    @property
    def requests(self) -> list[Request]:
        return [message for message in self.got if isinstance(message, Request)]

    @property
    def statuses(self) -> list[int]:
        return [response.status for response in self.responses]

    @property
    def distinct(self) -> list[str]:
        """The methods of what we got, repetitions left out."""
        return [method for method, _ in dict.fromkeys((r.method, r.via.branch) for r in self.requests)]

    @property
    def methods(self) -> list[str]:
        return [request.method for request in self.requests]
