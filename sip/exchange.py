"""One request of ours to its end: which way, by which transport, and once more with credentials.

A target may lead to several hops (RFC 3263 section 4): they are tried in order until one answers, each with a
transaction of its own; silence, a transport error and 503 lead to the next. A request above 1,300 octets goes
by TCP, falling back to UDP (RFC 3261 section 18.1.1). A challenge is answered once, with the next CSeq
(section 22.2). A path that is given (the connection of the dialog) comes first.

The owner sees responses only: when nobody answers at all it gets a 408, when nobody can be reached a 503,
made up here (section 8.1.3.1).
"""

from collections.abc import Callable, Iterator
from typing import Protocol

from sip.call.session import contact_for
from sip.headers import Headers
from sip.message import Request, Response, Via
from sip.reasons import PHRASES
from sip.resolver import Hop
from sip.transaction import MAGIC_COOKIE, ClientTransaction, State, Trouble
from sip.transport import MTU_LIMIT, Path

_VIA_TRANSPORT = {"udp": "UDP", "tcp": "TCP", "tls": "TLS"}
_REFRESHES_TARGET = frozenset({"INVITE", "UPDATE", "SUBSCRIBE", "REFER"})


class Authorizer(Protocol):
    """Who knows our credentials."""

    def answer(self, challenge: Response, request: Request) -> tuple[str, str] | None:
        """The header, name and value, that answers a 401 or 407; None when there is nothing to answer with."""


class Sender(Protocol):
    """What an exchange asks of the user agent."""

    def start_client(self, request: Request, path: Path, exchange: "Exchange") -> ClientTransaction | None:
        """Send the request in a transaction of its own; an ACK in none."""

    def path_of(self, hop: Hop) -> Path | None:
        """The path to a hop; None when none of our transports leads there."""

    def new_token(self) -> str:
        """A random token: branches, tags."""


class Exchange:
    """One request and the hops it may go to."""

    def __init__(
        self,
        sender: Sender,
        request: Request,
        on_response: Callable[[Response], None],
        *,
        flow: Path | None = None,
        authorizer: Authorizer | None = None,
        next_cseq: Callable[[], int] | None = None,
    ) -> None:
        self.request = request
        self.path: Path | None = None  # the one in use
        self._sender = sender
        self._on_response = on_response
        self._authorizer = authorizer
        self._next_cseq = next_cseq
        self._flow = flow if flow is not None and flow.usable else None
        self._paths: Iterator[Path] = iter(())
        self._transaction: ClientTransaction | None = None
        self._heard = False  # somebody has answered at all
        self._cancelled = False
        self._cancel_sent = False
        self._trouble = Trouble.UNREACHABLE
        self._challenged = False

    @property
    def needs_hops(self) -> bool:
        """Whether the target has to be resolved; False when the dialog has a path of its own."""
        return self._flow is None

    def start(self, hops: list[Hop]) -> None:
        """Send the request to the first of these hops that can be reached."""
        self._paths = self._candidates(hops)
        self._next()

    def cancel(self) -> None:
        """Send a CANCEL for this INVITE, once a provisional response is there (section 9.1)."""
        self._cancelled = True
        self._cancel_if_heard()

    def receive(self, response: Response) -> None:
        """A response to the current try."""
        self._heard = True
        if response.status < 200:
            self._cancel_if_heard()
        elif (response.status == 503 and not self._cancelled and self._advance()) or (response.status in (401, 407) and self._answer_challenge(response)):
            return
        self._on_response(response)

    def give_up(self, trouble: Trouble) -> None:
        """The current try got no answer."""
        self._trouble = trouble
        if self._cancelled or not self._advance():
            self._on_response(self._made_up(408 if trouble is Trouble.TIMEOUT else 503))

    def _candidates(self, hops: list[Hop]) -> Iterator[Path]:
        if self._flow is not None:
            yield self._flow
        large = len(self.request.to_bytes()) + 200 > MTU_LIMIT  # our Via is still to come
        for hop in hops:
            if large and hop.transport == "udp":
                path = self._sender.path_of(hop.by("tcp"))
                if path is not None:
                    yield path
            path = self._sender.path_of(hop)
            if path is not None:
                yield path

    def _next(self) -> None:
        if not self._advance():
            self._on_response(self._made_up(503))

    def _advance(self) -> bool:
        """Try the next hop; False when there is none."""
        path = next(self._paths, None)
        if path is None:
            return False
        self._send(path)
        return True

    def _send(self, path: Path) -> None:
        self.path = path
        self._heard = False
        self._cancel_sent = False
        request = Request(
            self.request.method, self.request.uri, self.request.headers.copy(), self.request.body
        )
        local = path.local
        via = Via(
            _VIA_TRANSPORT[path.peer.transport],
            local.host,
            local.port,
            {"rport": None, "branch": MAGIC_COOKIE + self._sender.new_token()},
        )
        request.headers.prepend("Via", str(via))
        if request.method in _REFRESHES_TARGET:
            request.headers.set("Contact", contact_for(path))
        self._transaction = self._sender.start_client(request, path, self)

    def _answer_challenge(self, response: Response) -> bool:
        if self._authorizer is None or self._next_cseq is None or self._challenged or self._cancelled:
            return False
        self._challenged = True
        credentials = self._authorizer.answer(response, self.request)
        if credentials is None or self.path is None:
            return False
        self.request.headers.set(*credentials)
        self.request.headers.set("CSeq", f"{self._next_cseq()} {self.request.method}")
        self._send(self.path)
        return True

    def _cancel_if_heard(self) -> None:
        transaction = self._transaction
        if not self._cancelled or self._cancel_sent or transaction is None or self.path is None:
            return
        if self._heard and transaction.state is State.PROCEEDING:
            self._cancel_sent = True
            ignored = Exchange(self._sender, self.request, lambda _: None)
            self._sender.start_client(_cancel_of(transaction.request), self.path, ignored)

    def _made_up(self, status: int) -> Response:
        headers = Headers()
        for name in ("From", "To", "Call-ID", "CSeq"):
            headers.add(name, self.request.headers.get(name) or "")
        return Response(status, PHRASES[status], headers, b"")


def _cancel_of(invite: Request) -> Request:
    """The CANCEL of an INVITE (section 9.1): its top Via, Route, From, To, Call-ID and CSeq number."""
    headers = Headers()
    headers.add("Via", invite.headers.get_list("Via")[0])
    for name in ("Max-Forwards", "Route", "From", "To", "Call-ID"):
        for value in invite.headers.get_all(name):
            headers.add(name, value)
    headers.add("CSeq", f"{invite.cseq.number} CANCEL")
    return Request("CANCEL", invite.uri, headers, b"")
