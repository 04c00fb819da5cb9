"""The user agent: transports below, calls above, and the dispatch between them (RFC 3261 section 8).

A message that arrives goes this way::

    transport ── guard ── parse ── transaction ──┬── CANCEL ──> the call of its INVITE
                  │         │          │         ├── To tag ──> the dialog's call, or 481
                drop    400, 505,   repeated:    ├── OPTIONS ─> 200
                        or drop     absorbed     └── INVITE ──> admit ──> a new call ──> on_call

This is the dispatch boundary: whatever goes wrong while one message is handled is logged with the call's id
and answered 500 to its sender, and nobody else notices. All deadlines, of transactions and of calls, stand on
two agendas served by a single timer of the reactor.

Everything from outside is an argument: the transports, ``call_later`` (the reactor's), the monotonic ``clock``
in seconds and ``random``, which has to be unpredictable (``random.SystemRandom``), for it makes tags, branches
and call ids.
"""

import asyncio
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any

import structlog

from config.masking import mask_uri
from config.outcome import Outcome
from media.sdp import SdpError
from sip.agenda import Agenda
from sip.body import UnsupportedBody, session_in
from sip.call import Call, InboundCall
from sip.capabilities import ACCEPT, IN_OPTIONS
from sip.checks import acceptable, check
from sip.dialog import DialogId, dialog_id_of
from sip.exchange import Exchange
from sip.guard import Guard
from sip.message import MessageError, Request, Response, parse, respond
from sip.reasons import reason_header, retry_after_of, status_of
from sip.resolver import DnsLookup, Hop, Resolver
from sip.transaction import (
    ClientTransaction,
    Command,
    GiveUp,
    InviteServer,
    Pass,
    Send,
    ServerTransaction,
    Transaction,
    TransactionManager,
)
from sip.transport import DEFAULT_PORT, Path, Source, Transport
from sip.uri import Uri

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a call may not come in; ``retry_after`` in seconds."""

    outcome: Outcome
    retry_after: int | None = None


@dataclass(slots=True)
class Counters:
    """What happened since the start; read by the metrics."""

    parse_errors: int = 0
    retransmissions: int = 0  # of ours
    repetitions: int = 0  # of theirs, absorbed by a transaction
    stray: int = 0  # responses and ACKs that belong to nothing
    internal_errors: int = 0
    refused: int = 0  # calls not admitted


Admit = Callable[[Request, Source], Refusal | None]


class UserAgent:
    """SIP for one process."""

    def __init__(
        self,
        transports: Sequence[Transport],
        *,
        call_later: Callable[[float, Callable[[], None]], Any],
        clock: Callable[[], float],
        random: Random,
        on_call: Callable[[Call], None],
        admit: Admit = lambda request, source: None,
        on_ended: Callable[[Call, Outcome], None] = lambda call, outcome: None,
        guard: Guard | None = None,
        resolver: Resolver | None = None,
        software: str = "Passerelle",
    ) -> None:
        self.transports = tuple(transports)
        self.random = random
        self.now = clock
        self.counters = Counters()
        self.guard = guard or Guard()
        self._call_later = call_later
        self._on_call = on_call
        self._admit = admit
        self._on_ended = on_ended
        kinds = dict.fromkeys(transport.kind for transport in transports)
        self._resolver = resolver or Resolver(DnsLookup(), random, tuple(kinds))
        self._software = software
        self._manager = TransactionManager()
        self._calls: dict[str, Call] = {}
        self._dialogs: dict[DialogId, Call] = {}
        self._agenda: Agenda[Call] = Agenda()
        self._timer: Any = None
        self._timer_at = math.inf
        self._resolving: set[asyncio.Task[None]] = set()
        self._emptied: asyncio.Event | None = None
        self._closing: Refusal | None = None

    # The life of the agent

    async def start(self) -> None:
        """Bind every listener; raises OSError, with none left bound."""
        try:
            for transport in self.transports:
                transport.start(self)
        except OSError:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Close every listener and connection at once. Calls are not ended: see :meth:`hang_up_all`."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for task in self._resolving:
            task.cancel()
        for transport in self.transports:
            await transport.stop()

    @property
    def calls(self) -> Mapping[str, Call]:
        """The calls by id, until their last BYE is answered."""
        return self._calls

    @property
    def transactions(self) -> int:
        """How many transactions there are now."""
        return len(self._manager)

    def hang_up_all(self, outcome: Outcome) -> None:
        """End every call."""
        for call in list(self._calls.values()):
            call.hang_up(outcome)

    async def drained(self) -> None:
        """Return when there is no call left, the answers to our BYEs included."""
        while self._calls:
            self._emptied = asyncio.Event()
            await self._emptied.wait()

    def close_door(self, refusal: Refusal) -> None:
        """Turn away every new call, and OPTIONS, so that a proxy in front looks elsewhere."""
        self._closing = refusal

    # What the transports bring (Receiver)

    def admits(self, host: str) -> bool:
        """Whether a message of this sender is worth parsing."""
        return self.guard.admits(host, self.now())

    def receive(self, data: bytes, path: Path) -> None:
        """One message. Nothing that is in it can raise."""
        try:
            message = parse(data)
            if isinstance(message, Request):
                message.stamp(path.peer.host, path.peer.port)
                self._receive_request(message, path)
            else:
                self._receive_response(message)
        except MessageError as error:
            self.receive_broken(error, path)
        except Exception:
            self.counters.internal_errors += 1
            log.exception("message could not be handled", source=str(path.peer))
        self._set_timer()

    def receive_broken(self, error: Exception, path: Path) -> None:
        """What cannot be understood is answered where it says whither, otherwise dropped; always counted."""
        self.counters.parse_errors += 1
        if not isinstance(error, MessageError) or error.request is None:
            return
        response = respond(error.request, error.status, error.reason, to_tag=self.new_token())
        try:
            error.request.stamp(path.peer.host, path.peer.port)
            response.headers.set("Via", *error.request.headers.get_all("Via"))
            answer_path = self._answer_path(error.request, path)
        except MessageError:
            answer_path = path  # its Via makes no sense: back to where it came from
        answer_path.send(response.to_bytes())

    # Requests of theirs

    def _receive_request(self, request: Request, path: Path) -> None:
        if request.method == "ACK":
            self._receive_ack(request)
            return
        known = self._manager.find(request)
        if known is not None:
            self.counters.repetitions += 1
            self._perform(self._manager.receive_request(known, request, self.now()))
            return
        refusal = check(request, to_tag=self.new_token())
        if refusal is not None:
            self._answer_path(request, path).send(refusal.to_bytes())
            return
        merged = self._manager.is_merged(request)
        transaction = self._manager.open_server(
            request, self._answer_path(request, path), reliable=path.reliable
        )
        if merged:
            self._refuse(transaction, 482)
            return
        call = None
        try:
            call = self._call_of(request)
            self._handle(request, transaction, path, call)
        except MessageError as error:
            self._refuse(transaction, error.status, error.reason)
        except Exception:
            self.counters.internal_errors += 1
            log.exception(
                "request could not be handled", call=call.id if call else None, method=request.method
            )
            if not transaction.answered:
                self._refuse(transaction, 500)

    def _handle(
        self, request: Request, transaction: ServerTransaction, path: Path, call: Call | None
    ) -> None:
        """A request that is new, well-formed and of a method we speak."""
        if request.method == "CANCEL":
            self._cancel(request, transaction)
        elif call is not None:
            call.receive(request, transaction)
        elif request.to.tag is not None:
            self._refuse(transaction, 481)
        elif request.method == "OPTIONS":
            self._answer_options(request, transaction)
        elif isinstance(transaction, InviteServer):
            self._receive_invite(transaction, path)
        else:
            self._refuse(transaction, 481)

    def _receive_ack(self, ack: Request) -> None:
        """The ACK of a failure ends its transaction, that of a success belongs to the call."""
        transaction = self._manager.find(ack)
        if transaction is not None:
            self._perform(self._manager.receive_request(transaction, ack, self.now()))
        elif (call := self._call_of(ack)) is not None:
            self._guarded(call, lambda: call.receive_ack(ack))
        else:
            self.counters.stray += 1

    def _cancel(self, cancel: Request, transaction: ServerTransaction) -> None:
        invite = self._manager.find_cancelled(cancel)
        if invite is None:
            self._refuse(transaction, 481)
            return
        call = invite.user
        tag = call.local_tag if isinstance(call, Call) else self.new_token()
        self.respond(transaction, respond(cancel, 200, to_tag=tag))
        if isinstance(call, InboundCall) and not invite.answered:
            call.cancelled()

    def _answer_options(self, request: Request, transaction: ServerTransaction) -> None:
        """What an INVITE would get (section 11.2), so that a proxy in front sees when we are closing."""
        if self._closing is not None:
            self._turn_away(transaction, self._closing)
            return
        self.respond(transaction, respond(request, 200, to_tag=self.new_token(), headers=IN_OPTIONS))

    def _receive_invite(self, transaction: InviteServer, path: Path) -> None:
        """A new call, if it is understood and admitted."""
        request = transaction.request
        try:
            offer = session_in(request)
        except UnsupportedBody:
            self._refuse(transaction, 415, headers=[("Accept", ACCEPT)])
            return
        except SdpError as error:
            self._refuse(transaction, 400, "Malformed Session Description")
            log.info("offer not understood", source=str(path.peer), problem=str(error))
            return
        refusal = self._closing or self._admit(request, path.peer)
        if refusal is not None:
            self.counters.refused += 1
            self._turn_away(transaction, refusal)
            return
        call = InboundCall(self._new_call_id(), self, transaction, path, offer, self.new_token())
        transaction.user = call
        self._calls[call.id] = call
        call.log.info("call came in", source=str(path.peer), to=mask_uri(str(request.uri)))
        try:
            self._on_call(call)
        except Exception:  # noqa: BLE001 - the dispatch boundary
            self._failed(call)
        call.trying()

    def _turn_away(self, transaction: ServerTransaction, refusal: Refusal) -> None:
        headers = [("Reason", reason_header(refusal.outcome))]
        if (seconds := refusal.retry_after or retry_after_of(refusal.outcome)) is not None:
            headers.append(("Retry-After", str(seconds)))
        self._refuse(transaction, status_of(refusal.outcome), headers=headers)

    def _refuse(
        self,
        transaction: ServerTransaction,
        status: int,
        reason: str | None = None,
        *,
        headers: Iterable[tuple[str, str]] = (),
    ) -> None:
        response = respond(transaction.request, status, reason, to_tag=self.new_token(), headers=headers)
        self.respond(transaction, response)

    def _call_of(self, request: Request) -> Call | None:
        """The call whose dialog the request belongs to."""
        return self._dialogs.get(dialog_id_of(request)) if request.to.tag is not None else None

    # Responses

    def _receive_response(self, response: Response) -> None:
        commands = self._manager.receive_response(response, self.now()) if acceptable(response) else None
        if commands is None:
            self.counters.stray += 1
        else:
            self._perform(commands)

    # What calls and exchanges ask for (Signalling, Sender)

    def respond(self, transaction: ServerTransaction, response: Response) -> None:
        """Send a response."""
        response.headers.add("Server", self._software)
        self._perform(self._manager.respond(transaction, response, self.now()))

    def request(
        self,
        request: Request,
        next_hop: Uri,
        on_response: Callable[[Response], None],
        *,
        flow: Path | None,
        next_cseq: Callable[[], int],
    ) -> Exchange:
        """Send a request."""
        request.headers.add("User-Agent", self._software)
        exchange = Exchange(self, request, on_response, flow=flow, next_cseq=next_cseq)
        self._with_hops(next_hop, exchange.start, needed=exchange.needs_hops)
        return exchange

    def acknowledge(self, ack: Request, next_hop: Uri, *, flow: Path | None) -> None:
        """Send the ACK of a 2xx."""
        exchange = Exchange(self, ack, lambda response: None, flow=flow)
        self._with_hops(next_hop, exchange.start, needed=exchange.needs_hops)

    def start_client(self, request: Request, path: Path, exchange: Exchange) -> ClientTransaction | None:
        """Send a request in a transaction of its own; an ACK, which nobody answers, in none."""
        if request.method == "ACK":
            path.send(request.to_bytes())
            return None
        transaction = self._manager.request(request, path, reliable=path.reliable)
        transaction.user = exchange
        self._perform(self._manager.start(transaction, self.now()))
        self._set_timer()
        return transaction

    def path_of(self, hop: Hop) -> Path | None:
        """The path to a hop; None when none of our transports leads there."""
        for transport in self.transports:
            if transport.kind == hop.transport and transport.reaches(hop.host):
                return transport.path_to(hop.host, hop.port)
        return None

    def note(self, call: Call) -> None:
        """The call's next deadline may have changed."""
        self._agenda.note(call)
        self._set_timer()

    def established(self, call: Call, dialog: DialogId) -> None:
        """Requests of this dialog are the call's."""
        self._dialogs[dialog] = call

    def ended(self, call: Call, outcome: Outcome) -> None:
        """The call is over for its handler."""
        self._on_ended(call, outcome)

    def forget(self, call: Call) -> None:
        """The call's signalling is over too."""
        self._calls.pop(call.id, None)
        if call.dialog is not None:
            self._dialogs.pop(call.dialog.id, None)
        if not self._calls and self._emptied is not None:
            self._emptied.set()

    def new_token(self) -> str:
        """64 random bits, for tags and branches."""
        return f"{self.random.getrandbits(64):016x}"

    # Doing it

    def _perform(self, commands: Iterable[Command]) -> None:
        for command in commands:
            transaction = command.transaction
            match command:
                case Send(message=message, repeated=repeated):
                    self.counters.retransmissions += repeated
                    path: Path = transaction.path
                    if isinstance(transaction, ServerTransaction) and not path.usable:
                        path = transaction.path = self._answer_path(transaction.request, path)
                    path.send(message.to_bytes(), partial(self._unreachable, transaction))
                case Pass(message=Response() as response):
                    transaction.user.receive(response)
                case Pass(message=Request() as ack) if isinstance(transaction.user, Call):
                    transaction.user.receive_ack(ack)  # of an RFC 2543 client: same branch as its INVITE
                case GiveUp(trouble=trouble) if isinstance(transaction, ClientTransaction):
                    transaction.user.give_up(trouble)

    def _unreachable(self, transaction: Transaction, why: str) -> None:
        log.debug("message not delivered", peer=str(transaction.path.peer), problem=why)
        self._perform(self._manager.unreachable(transaction, self.now()))
        self._set_timer()

    def _answer_path(self, request: Request, path: Path) -> Path:
        """Where the response goes (section 18.2.2, RFC 3581).

        Always to the host the request came from: ``maddr`` would let anybody aim our answers at others.
        """
        via = request.via
        port = via.parameters.get("rport") or via.port or DEFAULT_PORT[path.peer.transport]
        return path.answer_path(path.peer.host, int(port))

    def _with_hops(self, uri: Uri, start: Callable[[list[Hop]], None], *, needed: bool) -> None:
        """Call ``start`` with the hops of a URI, now if the DNS need not be asked."""
        hops = self._resolver.at_once(uri) if needed else []
        if hops is not None:
            start(hops)
            return
        task = asyncio.get_running_loop().create_task(self._resolve(uri, start))
        self._resolving.add(task)
        task.add_done_callback(self._resolving.discard)

    async def _resolve(self, uri: Uri, start: Callable[[list[Hop]], None]) -> None:
        try:
            hops = await self._resolver.resolve(uri)
        except OSError as error:
            log.warning("host not resolved", host=uri.host, problem=str(error))
            hops = []
        start(hops)

    def _guarded(self, call: Call, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception:  # noqa: BLE001 - the dispatch boundary
            self._failed(call)

    def _failed(self, call: Call) -> None:
        """A bug met while a call was handled ends that call and no other."""
        self.counters.internal_errors += 1
        log.exception("call failed", call=call.id)
        call.hang_up(Outcome.INTERNAL)

    def _new_call_id(self) -> str:
        while (call_id := f"{self.random.getrandbits(32):08x}") in self._calls:
            pass
        return call_id

    # Time

    def _set_timer(self) -> None:
        """One timer of the reactor for the nearest deadline; it is moved only when one comes nearer."""
        deadline = min(self._manager.next_deadline, self._agenda.next_deadline)
        if deadline >= self._timer_at:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = deadline
        self._timer = self._call_later(max(0.0, deadline - self.now()), self._tick)

    def _tick(self) -> None:
        self._timer = None
        self._timer_at = math.inf
        now = self.now()
        self._perform(self._manager.expire(now))
        for call in self._agenda.take_due(now):
            self._guarded(call, partial(call.expire, now))
        self._set_timer()
