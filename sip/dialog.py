"""The dialog: what two user agents agree on for the length of a call (RFC 3261 section 12).

Identified by Call-ID, our tag and theirs. It holds the target that requests go to (their Contact, refreshed
by re-INVITE and UPDATE), the proxies in between (the route set, fixed when the dialog is made) and both
sequence numbers. It makes requests and judges theirs; it sends nothing.

Routes, section 12.2.1.1: with a loose router in front (its URI has ``lr``) the Request-URI is the target
and the route set goes into Route; a strict router of RFC 2543 expects its own URI as Request-URI, and the
target at the end of Route. Either way the message is sent to the first route, without one to the target.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sip.message import Address, Headers, Request, Response
from sip.uri import Uri

MAX_FORWARDS: Final = 70

DialogId = tuple[str, str, str | None]  # Call-ID, our tag, their tag (None from RFC 2543 peers)


@dataclass(slots=True)
class Dialog:
    """One end of a dialog. ``local`` and ``remote`` are From and To with their tags, as we send them."""

    call_id: str
    local: Address
    remote: Address
    target: Uri
    routes: tuple[Address, ...] = ()
    local_cseq: int = 0
    remote_cseq: int | None = None

    @classmethod
    def of_server(cls, request: Request, tag: str, *, local_cseq: int) -> "Dialog":
        """The dialog that our 2xx to this INVITE makes (section 12.1.1).

        Raises :class:`~sip.message.MessageError` when the request has no usable Contact, From or To.
        """
        return cls(
            call_id=request.call_id,
            local=request.to.with_tag(tag),
            remote=request.from_,
            target=contact_of(request) or request.from_.uri,
            routes=request.record_routes,
            local_cseq=local_cseq,
            remote_cseq=request.cseq.number,
        )

    @classmethod
    def of_client(cls, request: Request, response: Response) -> "Dialog":
        """The dialog that this response to our INVITE makes (section 12.1.2)."""
        return cls(
            call_id=request.call_id,
            local=request.from_,
            remote=response.to,
            target=contact_of(response) or request.uri,
            routes=tuple(reversed(response.record_routes)),
            local_cseq=request.cseq.number,
        )

    @property
    def id(self) -> DialogId:
        """What a message of this dialog is recognised by."""
        return self.call_id, self.local.tag or "", self.remote.tag

    @property
    def next_hop(self) -> Uri:
        """Where requests are sent."""
        return self.routes[0].uri if self.routes else self.target

    def next_cseq(self) -> int:
        """The number of our next request."""
        self.local_cseq += 1
        return self.local_cseq

    def request(self, method: str, *, cseq: int | None = None) -> Request:
        """A request within the dialog, without Via; ``cseq`` only for ACK and CANCEL, which repeat one."""
        if cseq is None:
            cseq = self.next_cseq()
        uri, routes = self._route()
        headers = Headers()
        headers.add("Max-Forwards", str(MAX_FORWARDS))
        for route in routes:
            headers.add("Route", route)
        headers.add("From", str(self.local))
        headers.add("To", str(self.remote))
        headers.add("Call-ID", self.call_id)
        headers.add("CSeq", f"{cseq} {method}")
        return Request(method, uri, headers, b"")

    def takes(self, request: Request) -> bool:
        """Whether a request of theirs is in order (section 12.2.2); False asks for a 500.

        A number may be skipped, never repeated: repetitions of the transport do not get this far. An ACK has
        the number of its INVITE and is always in order.
        """
        number = request.cseq.number
        if request.method == "ACK":
            return True
        if self.remote_cseq is not None and number <= self.remote_cseq:
            return False
        self.remote_cseq = number
        return True

    def refresh(self, message: Request | Response) -> None:
        """Take over the Contact of a re-INVITE or UPDATE that succeeded, theirs or ours."""
        self.target = contact_of(message) or self.target

    def _route(self) -> tuple[Uri, Sequence[str]]:
        if not self.routes or "lr" in self.routes[0].uri.parameters:
            return self.target, [str(route) for route in self.routes]
        return self.routes[0].uri, [*(str(route) for route in self.routes[1:]), f"<{self.target}>"]


def contact_of(message: Request | Response) -> Uri | None:
    """The URI of the Contact, if there is one; raises :class:`~sip.message.MessageError`."""
    contacts = message.contacts
    return contacts[0].uri if contacts else None


def dialog_id_of(request: Request) -> DialogId:
    """The dialog that a request of theirs belongs to, seen from us."""
    return request.call_id, request.to.tag or "", request.from_.tag
