"""The shell around the transactions: performs what they command, keeps the one timer, finds the paths.

Everything that acts for a call passes :meth:`TransactionLayer.guarded`, the dispatch boundary: an exception
there is a bug of ours, it is logged with the call's id and ends that call and no other.
"""

import asyncio
import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any

import structlog

from config.outcome import Outcome
from sip.agenda import Agenda
from sip.call import Call
from sip.exchange import Exchange, Sponsor
from sip.message import Request, Response
from sip.resolver import Hop, Resolver
from sip.transaction import (
    ClientTransaction,
    Command,
    GiveUp,
    Pass,
    Send,
    ServerTransaction,
    Transaction,
    TransactionManager,
)
from sip.transport import DEFAULT_PORT, Path, Transport
from sip.uri import Uri

log = structlog.get_logger(__name__)

CallLater = Callable[[float, Callable[[], None]], Any]


@dataclass(slots=True)
class Counters:
    """What happened since the start; read by the metrics."""

    parse_errors: int = 0
    retransmissions: int = 0  # of ours
    repetitions: int = 0  # of theirs, absorbed by a transaction
    stray: int = 0  # responses and ACKs that belong to nothing
    refused: Counter[Outcome] = field(default_factory=Counter)  # calls that never came to be, and why
    internal_errors: int = 0


class TransactionLayer:
    """Transactions on transports, and the deadlines of calls."""

    def __init__(
        self,
        transports: Sequence[Transport],
        *,
        call_later: CallLater,
        clock: Callable[[], float],
        random: Random,
        resolver: Resolver,
    ) -> None:
        self.counters = Counters()
        self.manager = TransactionManager()
        self.now = clock
        self.random = random
        self._transports = transports
        self._resolver = resolver
        self._call_later = call_later
        self._agenda: Agenda[Call] = Agenda()
        self._timer: Any = None
        self._timer_at = math.inf
        self._resolving: set[asyncio.Task[None]] = set()

    def close(self) -> None:
        """Stop the timer and whatever waits for the DNS."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._timer_at = -math.inf  # nothing is earlier: the timer is not set again
        for task in self._resolving:
            task.cancel()

    # Theirs

    def open_server(self, request: Request, path: Path) -> ServerTransaction:
        """A transaction for a request that is new."""
        return self.manager.open_server(request, answer_path(request, path), reliable=path.reliable)

    def repeat(self, transaction: ServerTransaction, request: Request) -> None:
        """A request that a transaction knows already, or its ACK."""
        self.counters.repetitions += request.method != "ACK"
        self._perform(self.manager.receive_request(transaction, request, self.now()))

    def respond(self, transaction: ServerTransaction, response: Response) -> None:
        """Send a response."""
        self._perform(self.manager.respond(transaction, response, self.now()))

    def respond_once(self, transaction: ServerTransaction, response: Response) -> None:
        """Send a response and forget the request: its repetition is a new one (section 8.2.7)."""
        self.manager.abandon(transaction)
        transaction.path.send(response.to_bytes())

    # Ours (Sender)

    def open_client(self, request: Request, path: Path, exchange: Exchange) -> ClientTransaction:
        """A transaction for a request of ours; nothing is sent yet."""
        transaction = self.manager.open_client(request, path, reliable=path.reliable)
        transaction.user = exchange
        return transaction

    def start(self, transaction: ClientTransaction) -> None:
        """Send the request of a transaction."""
        self._perform(self.manager.start(transaction, self.now()))

    def receive_response(self, response: Response) -> None:
        """A response that came in."""
        commands = self.manager.receive_response(response, self.now())
        if commands is None:
            self.counters.stray += 1
        else:
            self._perform(commands)

    def abandon(self, transaction: ClientTransaction) -> None:
        """Forget a transaction that will not end by itself."""
        self.manager.abandon(transaction)

    def path_of(self, hop: Hop) -> Path | None:
        """The path to a hop; None when none of our transports leads there."""
        able = [t for t in self._transports if t.kind == hop.transport and t.reaches(hop.host)]
        if not able:
            log.debug("no way there", hop=f"{hop.transport}:{hop.host}:{hop.port}")
            return None
        best = next((transport for transport in able if transport.suits(hop.host)), able[0])
        return best.path_to(hop.host, hop.port)

    def with_hops(self, uri: Uri, start: Callable[[list[Hop]], None]) -> None:
        """Call ``start`` with the hops of a URI, at once if the DNS need not be asked."""
        hops = self._resolver.at_once(uri)
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
            log.warning("host could not be resolved", host=uri.host, problem=str(error))
            hops = []
        self.guarded(None, partial(start, hops))

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
                    path = self._usable_path(transaction)
                    path.send(message.to_bytes(), partial(self._unreachable, transaction))
                case Pass(message=Response() as response):
                    exchange: Exchange = transaction.user
                    self.guarded(exchange.call, partial(exchange.receive, response))
                case Pass(message=Request() as ack) if isinstance(transaction.user, Call):
                    # Of an RFC 2543 client, whose ACK has the branch of its INVITE.
                    self.guarded(transaction.user, partial(transaction.user.receive_ack, ack))
                case GiveUp(trouble=trouble) if isinstance(transaction, ClientTransaction):
                    exchange = transaction.user
                    self.guarded(exchange.call, partial(exchange.give_up, trouble))
        self._set_timer()

    def _usable_path(self, transaction: Transaction) -> Path:
        """The transaction's path; a response whose connection is gone goes to where its Via says."""
        path: Path = transaction.path
        if isinstance(transaction, ServerTransaction) and not path.usable:
            path = transaction.path = answer_path(transaction.request, path)
        return path

    def _unreachable(self, transaction: Transaction, why: str) -> None:
        log.debug("message not delivered", peer=str(transaction.path.peer), problem=why)
        self._perform(self.manager.unreachable(transaction, self.now()))

    def guarded(self, call: Sponsor | None, action: Callable[[], None]) -> bool:
        """Do something for a call; False when it failed. Nothing is raised."""
        try:
            action()
        except Exception:  # the dispatch boundary
            self.counters.internal_errors += 1
            log.exception("internal error", call=call.id if call is not None else None)
        else:
            return True
        if call is not None:
            self.guarded(None, partial(call.hang_up, Outcome.INTERNAL))
        return False

    # Time

    def note(self, call: Call) -> None:
        """The call's next deadline may have changed."""
        self._agenda.note(call)
        self._set_timer()

    def _set_timer(self) -> None:
        """One timer of the reactor for the nearest deadline; it is moved only when one comes nearer."""
        deadline = min(self.manager.next_deadline, self._agenda.next_deadline)
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
        self._perform(self.manager.expire(now))
        for call in self._agenda.take_due(now):
            self.guarded(call, partial(call.expire, now))
        self._set_timer()


def answer_path(request: Request, path: Path) -> Path:
    """Where the response goes (section 18.2.2, RFC 3581).

    Always to the host the request came from: ``maddr`` would let anybody aim our answers at others. Raises
    :class:`~sip.message.MessageError` when the Via cannot be read.
    """
    via = request.via
    rport = (
        None if path.reliable else via.parameters.get("rport")
    )  # a new connection goes to the sent-by port
    port = rport or via.port or DEFAULT_PORT[path.peer.transport]
    return path.answer_path(path.peer.host, int(port))
