"""The user agent: transports below, calls above, and the dispatch between them (RFC 3261 section 8).

A message that arrives goes this way::

    transport ── guard ── parse ── transaction ──┬── CANCEL ──> the call of its INVITE
                  │         │          │         ├── To tag ──> the dialog's call, or 481
                drop    400, 505,   repeated:    ├── OPTIONS ─> 200
                        or drop     absorbed     └── INVITE ──> admit ──> a new call ──> on_call

A request that is no call's and no INVITE is answered and forgotten (section 8.2.7): its repetition gets the
same answer again, and a scanner's flood of OPTIONS and REGISTERs is not kept for 32 seconds. Beyond
``most_transactions`` a refused INVITE is forgotten as well: it would take 14 KB for those 32 seconds and
repeat its refusal ten times, perhaps to an address that was forged.

Whatever goes wrong while one message is handled is logged with the call's id and answered 500 to its sender;
nobody else notices. Everything from outside is an argument: the transports, ``call_later`` (the reactor's),
the monotonic ``clock`` in seconds and ``random``, which makes tags, branches and call ids and therefore has
to be unpredictable (``random.SystemRandom``).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import blake2s
from random import Random

import structlog

from config.masking import mask_uri
from config.outcome import Outcome
from media.sdp import SdpError, SessionDescription
from sip.auth import DigestClient
from sip.body import UnsupportedBody, session_in
from sip.call import Call, CallHandler, InboundCall, OutboundCall
from sip.capabilities import ACCEPT, IN_OPTIONS
from sip.checks import acceptable, check
from sip.dialog import DialogId
from sip.exchange import Acknowledgement, Exchange
from sip.guard import Guard
from sip.headers import Address
from sip.layer import CallLater, Counters, TransactionLayer, answer_path
from sip.message import MessageError, Request, Response, is_in_dialog, parse, respond
from sip.reasons import outcome_of_refusal, reason_header, retry_after_of, status_of
from sip.registry import CallRegistry
from sip.resolver import DnsLookup, Resolver
from sip.transaction import InviteServer, ServerTransaction
from sip.transport import Path, Source, Transport
from sip.uri import Uri

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a call may not come in; ``retry_after`` in seconds, by default what the outcome has."""

    outcome: Outcome
    retry_after: int | None = None

    @property
    def headers(self) -> list[tuple[str, str]]:
        """What the answer says beside its status."""
        headers = [("Reason", reason_header(self.outcome))]
        if (seconds := self.retry_after or retry_after_of(self.outcome)) is not None:
            headers.append(("Retry-After", str(seconds)))
        return headers


Admit = Callable[[Request, Source], Refusal | None]


class UserAgent:
    """SIP for one process.

    ``admit`` is asked before a call is made; ``on_call`` gets the call and sets its handler; ``on_ended`` is
    called once for every call that was admitted or dialled, after its handler, with the far side's address.
    """

    def __init__(
        self,
        transports: Sequence[Transport],
        *,
        call_later: CallLater,
        clock: Callable[[], float],
        random: Random,
        on_call: Callable[[Call], None],
        admit: Admit = lambda request, source: None,
        on_ended: Callable[[Source, Outcome], None] = lambda source, outcome: None,
        guard: Guard | None = None,
        resolver: Resolver | None = None,
        software: str = "Passerelle",
        most_transactions: int = 10_000,
    ) -> None:
        kinds = tuple(dict.fromkeys(transport.kind for transport in transports))
        self.transports = tuple(transports)
        self.random = random
        self.now = clock
        self.guard = guard or Guard()
        self._layer = TransactionLayer(
            self.transports,
            call_later=call_later,
            clock=clock,
            random=random,
            resolver=resolver or Resolver(DnsLookup(), random, kinds),
        )
        self._on_call = on_call
        self._admit = admit
        self._on_ended = on_ended
        self._software = software
        self._most_transactions = most_transactions
        self._secret = random.randbytes(16)
        self._registry = CallRegistry(random)
        self._closed: Refusal | None = None

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
        self._layer.close()
        for transport in self.transports:
            await transport.stop()

    def close_door(self, refusal: Refusal) -> None:
        """Turn away every new call, and OPTIONS too, so that a proxy in front looks elsewhere."""
        self._closed = refusal

    def hang_up_all(self, outcome: Outcome) -> None:
        """End every call."""
        for call in list(self.calls.values()):
            self._layer.guarded(call, partial(call.hang_up, outcome))

    async def drained(self) -> None:
        """Return when there is no call left, the answers to our BYEs included."""
        await self._registry.drained()

    @property
    def calls(self) -> Mapping[str, Call]:
        """The calls by id, until their last BYE is answered."""
        return self._registry.calls

    @property
    def counters(self) -> Counters:
        """What happened since the start."""
        return self._layer.counters

    @property
    def transactions(self) -> int:
        """How many transactions there are now."""
        return len(self._layer.manager)

    @property
    def dialogs(self) -> int:
        """How many dialogs there are now."""
        return self._registry.dialogs

    def dial(
        self,
        target: Uri,
        *,
        caller: Address,
        sdp: SessionDescription,
        handler: CallHandler,
        route: Sequence[Address] = (),
        auth: DigestClient | None = None,
    ) -> OutboundCall:
        """Call somebody, by way of ``route`` if given; ``handler`` is told what becomes of it."""
        call = OutboundCall(
            self._registry.new_id(), self, target=target, caller=caller, sdp=sdp, route=route, auth=auth
        )
        call.handler = handler
        self._registry.add(call)
        call.log.info("call goes out", to=mask_uri(str(target)))
        call.start()
        return call

    # What the transports bring (Receiver)

    def admits(self, host: str, octets: int) -> bool:
        """Whether a message of this sender is worth parsing."""
        return self.guard.admits(host, octets, self.now())

    def receive(self, data: bytes, path: Path) -> None:
        """One message. Nothing that is in it can raise."""
        self._layer.guarded(None, partial(self._receive, data, path))

    def receive_broken(self, error: MessageError, path: Path) -> None:
        """What makes no sense is answered if it says whither, and counted; the answer has no transaction."""
        self.counters.parse_errors += 1
        request = error.request
        if request is None:
            return
        self._count_refused(request, Outcome.BAD_REQUEST)
        tag = self._steady_tag(request)
        try:
            request.stamp(path.peer.host, path.peer.port)
            path = answer_path(request, path)
        except MessageError:
            pass  # its Via makes no sense either: back to where it came from
        path.send(respond(request, error.status, error.reason, to_tag=tag).to_bytes())

    def _receive(self, data: bytes, path: Path) -> None:
        try:
            message = parse(data)
            if isinstance(message, Response):
                self._receive_response(message)
            else:
                message.stamp(path.peer.host, path.peer.port)
                self._receive_request(message, path)
        except MessageError as error:
            self.receive_broken(error, path)

    def _receive_response(self, response: Response) -> None:
        if acceptable(response):
            response.contacts, response.record_routes  # noqa: B018 - what calls read has to make sense
            self._layer.receive_response(response)
        else:
            self.counters.stray += 1

    def _receive_request(self, request: Request, path: Path) -> None:
        manager = self._layer.manager
        known = manager.find(request)
        if known is not None:
            self._layer.repeat(known, request)
        elif request.method == "ACK":
            self._receive_ack(request)
        elif manager.is_merged(request):
            self._refuse(self._layer.open_server(request, path), 482)
        else:
            call = self._registry.call_of(request)  # which may not be readable: before anything is kept
            transaction = self._layer.open_server(request, path)
            done = self._layer.guarded(call, partial(self._handle, request, transaction, path, call))
            if not done and not transaction.answered:
                self._refuse(transaction, 500)
                self._count_refused(request, Outcome.INTERNAL)

    def _handle(
        self, request: Request, transaction: ServerTransaction, path: Path, call: Call | None
    ) -> None:
        """A request that is new."""
        refusal = check(request, to_tag=self._steady_tag(request))
        if refusal is not None:
            self._answer(transaction, refusal)
            self._count_refused(request, outcome_of_refusal(refusal.status))
        elif request.method == "CANCEL":
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
        """The ACK of a success, which is the call's."""
        call = self._registry.call_of(ack)
        if call is None:
            self.counters.stray += 1
        else:
            self._layer.guarded(call, partial(call.receive_ack, ack))

    def _cancel(self, cancel: Request, transaction: ServerTransaction) -> None:
        invite = self._layer.manager.find_cancelled(cancel)
        if invite is None:
            self._refuse(transaction, 481)
            return
        call = invite.user
        tag = call.local_tag if isinstance(call, Call) else self._steady_tag(cancel)
        self._answer(transaction, respond(cancel, 200, to_tag=tag))
        if isinstance(call, InboundCall):
            self._layer.guarded(call, call.cancelled)

    def _answer_options(self, request: Request, transaction: ServerTransaction) -> None:
        """What we can do, and whether calls are taken at all.

        An INVITE to the same name may still get a 404 (section 11.2 would have it here too): proxies ask with
        any name whether we live, and whom a name leads to is looked up for calls alone, where tries count.
        """
        if self._closed is not None:
            self._turn_away(transaction, self._closed)
        else:
            tag = self._steady_tag(request)
            self._answer(transaction, respond(request, 200, to_tag=tag, headers=IN_OPTIONS))

    def _receive_invite(self, transaction: InviteServer, path: Path) -> None:
        """A new call, if it is understood and admitted."""
        request = transaction.request
        try:
            offer = session_in(request)
        except UnsupportedBody:
            self._refuse(transaction, 415, headers=[("Accept", ACCEPT)])
            self._count_refused(request, outcome_of_refusal(415))
            return
        except SdpError as error:
            self._refuse(transaction, 400, "Malformed Session Description")
            self._count_refused(request, outcome_of_refusal(400))
            log.info("offer not understood", source=str(path.peer), problem=str(error))
            return
        refusal = self._closed or self._admit(request, path.peer)
        if refusal is not None:
            self._turn_away(transaction, refusal)
            return
        try:
            call = InboundCall(self._registry.new_id(), self, transaction, path, offer, self.new_token())
        except Exception:
            self._on_ended(path.peer, Outcome.INTERNAL)  # nobody else gives back what it was admitted to
            raise
        transaction.user = call
        self._registry.add(call)
        call.log.info("call came in", source=str(path.peer), to=mask_uri(str(request.uri)))
        self._layer.guarded(call, partial(self._on_call, call))
        call.trying()

    def _count_refused(self, request: Request, outcome: Outcome) -> None:
        """A call that never came to be; a re-INVITE is none."""
        if request.method == "INVITE" and not is_in_dialog(request):
            self.counters.refused[outcome] += 1

    def _turn_away(self, transaction: ServerTransaction, refusal: Refusal) -> None:
        self._count_refused(transaction.request, refusal.outcome)
        self._refuse(transaction, status_of(refusal.outcome), headers=refusal.headers)

    def _refuse(
        self,
        transaction: ServerTransaction,
        status: int,
        reason: str | None = None,
        *,
        headers: Iterable[tuple[str, str]] = (),
    ) -> None:
        request = transaction.request
        tag = self._steady_tag(request)
        self._answer(transaction, respond(request, status, reason, to_tag=tag, headers=headers))

    def _answer(self, transaction: ServerTransaction, response: Response) -> None:
        """Answer a request that is no call's."""
        if isinstance(transaction, InviteServer) and self.transactions <= self._most_transactions:
            self.respond(transaction, response)
        else:
            response.headers.set("Server", self._software)
            self._layer.respond_once(transaction, response)

    def _steady_tag(self, request: Request) -> str:
        """The same tag for the same request, however often it comes (section 8.2.7)."""
        via = (request.headers.get("Via") or "").encode(errors="surrogateescape")
        return blake2s(via, key=self._secret, digest_size=8).hexdigest()

    # What calls ask for (Signalling)

    def respond(self, transaction: ServerTransaction, response: Response) -> None:
        """Send a response."""
        response.headers.set("Server", self._software)
        self._layer.respond(transaction, response)

    def request(
        self,
        call: Call,
        request: Request,
        next_hop: Uri,
        on_response: Callable[[Response], None],
        *,
        flow: Path | None,
        next_cseq: Callable[[], int],
        auth: DigestClient | None,
    ) -> Exchange:
        """A request that is sent when the exchange is started."""
        request.headers.set("User-Agent", self._software)
        return Exchange(
            self._layer,
            request,
            next_hop,
            on_response,
            flow=flow,
            auth=auth,
            next_cseq=next_cseq,
            call=call,
        )

    def acknowledge(self, ack: Request, next_hop: Uri, *, flow: Path | None) -> None:
        """Send the ACK of a 2xx."""
        Acknowledgement(self._layer, ack, next_hop, flow=flow).start()

    def new_token(self) -> str:
        """A random token, for tags and Call-IDs."""
        return self._layer.new_token()

    def note(self, call: Call) -> None:
        """The call's next deadline may have changed."""
        self._layer.note(call)

    def established(self, call: Call, dialog: DialogId) -> None:
        """Requests of this dialog are the call's."""
        self._registry.establish(call, dialog)

    def ended(self, call: Call, outcome: Outcome) -> None:
        """The call is over: tell its handler, then whoever counts calls."""
        self._layer.guarded(call, partial(call.handler.ended, outcome))
        self._layer.guarded(call, partial(self._on_ended, call.source, outcome))

    def forget(self, call: Call) -> None:
        """The call's signalling is over too."""
        self._registry.remove(call)
