"""One request of ours to its end: which way, by which transport, and once more with credentials.

A target may lead to several hops (RFC 3263 section 4): they are tried in order until one answers, each with a
transaction of its own; silence, a transport error and 503 lead to the next. A request above 1,300 octets goes
by TCP, falling back to UDP (RFC 3261 section 18.1.1). A dialog that has a path of its own, such as the
connection its INVITE came by, needs no target. A challenge is answered with the next CSeq (section 22.2).

The owner sees responses only: when nobody answers at all it gets a 408, when nobody can be reached a 503,
made up here (section 8.1.3.1).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Protocol

from config.outcome import Outcome
from sip.auth import DigestClient
from sip.headers import Headers
from sip.message import Request, Response, Via
from sip.reasons import PHRASES
from sip.resolver import Hop
from sip.transaction import MAGIC_COOKIE, ClientTransaction, State, Trouble
from sip.transport import MTU_LIMIT, Path, contact_for
from sip.uri import Uri

VIA_SIZE = 200  # octets, of the Via and Contact still to come
_REFRESHES_TARGET = frozenset({"INVITE", "UPDATE", "SUBSCRIBE", "REFER"})


class Sponsor(Protocol):
    """Whom a request is sent for (a ``sip.call.Call``): it is ended when a response breaks something."""

    id: str

    def hang_up(self, outcome: Outcome = ...) -> None:
        """End it."""


class Sender(Protocol):
    """What sending asks of the transaction layer."""

    def open_client(self, request: Request, path: Path, exchange: "Exchange") -> ClientTransaction:
        """A transaction for the request, which reports to the exchange; nothing is sent yet."""

    def start(self, transaction: ClientTransaction) -> None:
        """Send the request of a transaction. It may fail, and report that, before this returns."""

    def abandon(self, transaction: ClientTransaction) -> None:
        """Forget a transaction that will not end by itself."""

    def path_of(self, hop: Hop) -> Path | None:
        """The path to a hop; None when none of our transports leads there."""

    def with_hops(self, uri: Uri, start: Callable[[list[Hop]], None]) -> None:
        """Call ``start`` with the hops of a URI, now or when the DNS has answered."""

    def new_token(self) -> str:
        """A random token."""


class Outgoing(ABC):
    """A request of ours and the paths it may take: that of its dialog, or those of the next hop."""

    def __init__(self, sender: Sender, request: Request, next_hop: Uri, *, flow: Path | None = None) -> None:
        self.request = request
        self._sender = sender
        self._next_hop = next_hop
        self._flow = flow if flow is not None and flow.usable else None
        self._paths: Iterator[Path] = iter(())

    def start(self) -> None:
        """Send it, as soon as it is known where."""
        if self._flow is not None:
            self._paths = iter((self._flow,))
            self._begin()
        else:
            self._sender.with_hops(self._next_hop, self._found)

    def _found(self, hops: list[Hop]) -> None:
        self._paths = self._paths_to(hops)
        self._begin()

    @abstractmethod
    def _begin(self) -> None:
        """Send it along the first path."""

    def _paths_to(self, hops: list[Hop]) -> Iterator[Path]:
        large = len(self.request.to_bytes()) + VIA_SIZE > MTU_LIMIT
        for hop in hops:
            tries = [hop.by("tcp"), hop] if large and hop.transport == "udp" else [hop]
            yield from filter(None, map(self._sender.path_of, tries))

    def _copy_for(self, path: Path) -> Request:
        """The request as it goes along that path, with a Via of its own."""
        headers = self.request.headers.copy()
        local = path.local
        parameters = {"rport": None, "branch": MAGIC_COOKIE + self._sender.new_token()}
        headers.prepend("Via", str(Via(path.peer.transport.upper(), local.host, local.port, parameters)))
        if self.request.method in _REFRESHES_TARGET:
            headers.set("Contact", contact_for(path))
        return Request(self.request.method, self.request.uri, headers, self.request.body)


class Acknowledgement(Outgoing):
    """The ACK of a 2xx, which nobody answers: it has no transaction (section 13.2.2.4)."""

    def _begin(self) -> None:
        path = next(self._paths, None)
        if path is not None:
            path.send(self._copy_for(path).to_bytes())


class Exchange(Outgoing):
    """Any other request, and its responses. ``call`` is whom it is sent for."""

    def __init__(
        self,
        sender: Sender,
        request: Request,
        next_hop: Uri,
        on_response: Callable[[Response], None],
        *,
        next_cseq: Callable[[], int],
        flow: Path | None = None,
        auth: DigestClient | None = None,
        call: Sponsor | None = None,
    ) -> None:
        super().__init__(sender, request, next_hop, flow=flow)
        self.call = call
        self.path: Path | None = None  # the one in use
        self._on_response = on_response
        self._next_cseq = next_cseq
        self._auth = auth
        self._transaction: ClientTransaction | None = None
        self._held: Path | None = None  # until there is an answer
        self._cancelled = False
        self._cancelling: ClientTransaction | None = None

    def cancel(self) -> None:
        """Send a CANCEL for this INVITE, once a provisional response is there (section 9.1)."""
        self._cancelled = True
        self._cancel_if_heard()

    def abandon(self) -> None:
        """Nobody cares for the answer any more (section 9.1: no final response long after the CANCEL)."""
        if self._transaction is not None:
            self._sender.abandon(self._transaction)
        self._hold(None)

    def receive(self, response: Response) -> None:
        """A response to the current try."""
        if response.status < 200:
            self._cancel_if_heard()
            self._on_response(response)
            return
        again = (response.status == 503 and not self._cancelled and self._advance()) or (
            response.status in (401, 407) and self._answer_challenge(response)
        )
        if not again:
            self._hold(None)
            self._on_response(response)

    def give_up(self, trouble: Trouble) -> None:
        """The current try got no answer."""
        if self._cancelled or not self._advance():
            self._hold(None)
            self._on_response(self._made_up(408 if trouble is Trouble.TIMEOUT else 503))

    def _begin(self) -> None:
        if self._cancelled:  # while the DNS was asked
            self._on_response(self._made_up(487))
            return
        if self._auth is not None:
            self._auth.authorize(self.request)
        if not self._advance():
            self._on_response(self._made_up(503))

    def _advance(self) -> bool:
        """Try the next path; False when there is none."""
        path = next(self._paths, None)
        if path is None:
            return False
        self._send(path)
        return True

    def _send(self, path: Path) -> None:
        self.path = path
        self._hold(path)
        self._transaction = transaction = self._sender.open_client(self._copy_for(path), path, self)
        self._sender.start(transaction)

    def _hold(self, path: Path | None) -> None:
        """Keep a connection open while an answer is awaited on it."""
        if path is not None:
            path.hold()
        if self._held is not None:
            self._held.release()
        self._held = path

    def _answer_challenge(self, response: Response) -> bool:
        """Once more with credentials; False when there is no use in it."""
        if self._auth is None or self.path is None or self._cancelled:
            return False
        if not self._auth.challenged(response):
            return False
        self._auth.authorize(self.request)
        self.request.headers.set("CSeq", f"{self._next_cseq()} {self.request.method}")
        self._send(self.path)
        return True

    def _cancel_if_heard(self) -> None:
        invite = self._transaction
        if not self._cancelled or self._cancelling is not None or invite is None or self.path is None:
            return
        if invite.state is State.PROCEEDING:
            cancel = self._sender.open_client(_cancel_of(invite.request), self.path, _Ignored(self))
            self._cancelling = cancel
            self._sender.start(cancel)

    def _made_up(self, status: int) -> Response:
        headers = Headers()
        for name in ("From", "To", "Call-ID", "CSeq"):
            headers.add(name, self.request.headers.get(name) or "")
        return Response(status, PHRASES[status], headers, b"")


class _Ignored(Exchange):
    """A CANCEL: what counts is the answer to its INVITE."""

    def __init__(self, cancelled: Exchange) -> None:
        super().__init__(
            cancelled._sender,
            cancelled.request,
            cancelled._next_hop,
            lambda response: None,
            next_cseq=cancelled._next_cseq,
            call=cancelled.call,
        )


def _cancel_of(invite: Request) -> Request:
    """The CANCEL of an INVITE (section 9.1): its top Via, Route, From, To, Call-ID and CSeq number."""
    headers = Headers()
    headers.add("Via", invite.headers.get_list("Via")[0])
    for name in ("Max-Forwards", "Route", "From", "To", "Call-ID"):
        for value in invite.headers.get_all(name):
            headers.add(name, value)
    headers.add("CSeq", f"{invite.cseq.number} CANCEL")
    return Request("CANCEL", invite.uri, headers, b"")
