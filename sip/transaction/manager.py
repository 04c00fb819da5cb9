"""Which transaction a message belongs to (RFC 3261 sections 17.1.3 and 17.2.3), and the deadlines of all.

Every lookup is one dictionary access. Keys:

- a response: the branch of its top Via and the method of its CSeq;
- a request of an RFC 3261 client (its branch begins with ``z9hG4bK``): branch, sent-by, method, where an ACK
  counts as INVITE;
- a request of an RFC 2543 client: Request-URI, From tag, To tag, Call-ID, CSeq and the whole top Via. Its ACK
  bears the To tag of the response, so a response puts the transaction under a second key;
- a request that came a second time by another path (merged, section 8.2.2.2): From tag, Call-ID and CSeq.

Like the machines, it does no I/O: it returns the commands that whoever owns the transports performs.
"""

from collections.abc import Hashable, Iterable
from typing import Any

from sip.agenda import Agenda
from sip.message import Request, Response
from sip.transaction.client import ClientTransaction, InviteClient, NonInviteClient
from sip.transaction.machine import Command, Event, Transaction
from sip.transaction.server import InviteServer, NonInviteServer, ServerTransaction

MAGIC_COOKIE = "z9hG4bK"

Key = tuple[Hashable, ...]


class TransactionManager:
    """All transactions of a user agent."""

    def __init__(self) -> None:
        self._clients: dict[Key, ClientTransaction] = {}
        self._servers: dict[Key, ServerTransaction] = {}
        self._merged: dict[Key, ServerTransaction] = {}
        self._keys: dict[Transaction, list[Key]] = {}
        self._agenda: Agenda[Transaction] = Agenda()

    def __len__(self) -> int:
        return len(self._keys)

    @property
    def next_deadline(self) -> float:
        """When :meth:`expire` wants to be called; infinity when no timer runs."""
        return self._agenda.next_deadline

    # Requests of the far side

    def find(self, request: Request) -> ServerTransaction | None:
        """The transaction that this request repeats or, being an ACK, ends."""
        return self._servers.get(_server_key(request, request.method))

    def find_cancelled(self, cancel: Request) -> ServerTransaction | None:
        """The INVITE that this CANCEL means (section 9.2)."""
        return self._servers.get(_server_key(cancel, "INVITE"))

    def is_merged(self, request: Request) -> bool:
        """Whether a request outside a dialog is known already by another path."""
        return _can_merge(request) and _merge_key(request) in self._merged

    def open_server(self, request: Request, path: Any, *, reliable: bool) -> ServerTransaction:
        """A transaction for a request that :meth:`find` does not know. It is never for an ACK."""
        kind = InviteServer if request.method == "INVITE" else NonInviteServer
        transaction = kind(request, path, reliable=reliable)
        key = _server_key(request, request.method)
        self._servers[key] = transaction
        self._keys[transaction] = [key]
        if _can_merge(request):
            self._merged.setdefault(_merge_key(request), transaction)
        return transaction

    def receive_request(self, transaction: ServerTransaction, request: Request, now: float) -> list[Command]:
        """Take a request for which :meth:`find` found the transaction."""
        return self._after(transaction, transaction.receive_request(request, now))

    def respond(self, transaction: ServerTransaction, response: Response, now: float) -> list[Command]:
        """Answer; raises :class:`~sip.transaction.machine.IllegalEvent` when that has been done."""
        commands = transaction.respond(response, now)
        if response.status >= 300 and transaction.request.method == "INVITE":
            key = _ack_key(transaction.request, response)
            if key is not None:
                self._servers[key] = transaction
                self._keys[transaction].append(key)
        return self._after(transaction, commands)

    # Requests of ours

    def open_client(self, request: Request, path: Any, *, reliable: bool) -> ClientTransaction:
        """A transaction for a request whose top Via is ours; :meth:`start` sends it."""
        kind = InviteClient if request.method == "INVITE" else NonInviteClient
        transaction = kind(request, path, reliable=reliable)
        key = (transaction.branch, transaction.method)
        self._clients[key] = transaction
        self._keys[transaction] = [key]
        return transaction

    def start(self, transaction: ClientTransaction, now: float) -> list[Command]:
        """Send the request for the first time."""
        return self._after(transaction, transaction.start(now))

    def receive_response(self, response: Response, now: float) -> list[Command] | None:
        """Take a response; None when it matches no transaction."""
        transaction = self._clients.get((response.via.branch, response.cseq.method))
        if transaction is None:
            return None
        return self._after(transaction, transaction.receive_response(response, now))

    # Both

    def unreachable(self, transaction: Transaction, now: float) -> list[Command]:
        """The transport could not deliver a message of this transaction."""
        if transaction not in self._keys:
            return []
        return self._after(transaction, transaction.receive(Event.UNREACHABLE, now))

    def abandon(self, transaction: Transaction) -> None:
        """Forget a transaction, whatever its state."""
        self._forget(transaction)

    def expire(self, now: float) -> list[Command]:
        """Fire every timer whose time has come."""
        commands: list[Command] = []
        for transaction in self._agenda.take_due(now):
            commands += self._after(transaction, transaction.expire(now))
        return commands

    def _after(self, transaction: Transaction, commands: list[Command]) -> list[Command]:
        if transaction.terminated:
            self._forget(transaction)
        else:
            self._agenda.note(transaction)
        return commands

    def _forget(self, transaction: Transaction) -> None:
        keys: Iterable[Key] = self._keys.pop(transaction, ())
        if isinstance(transaction, ClientTransaction):
            for key in keys:
                self._clients.pop(key, None)
            return
        for key in keys:
            self._servers.pop(key, None)
        if not _can_merge(transaction.request):
            return
        merge_key = _merge_key(transaction.request)
        if self._merged.get(merge_key) is transaction:
            del self._merged[merge_key]


def _server_key(request: Request, method: str) -> Key:
    via = request.via
    if method == "ACK":
        method = "INVITE"
    if _is_unique(via.branch):
        return via.branch, via.host, via.port, method
    return _old_key(request, method, request.to.tag)


def _is_unique(branch: str | None) -> bool:
    """Whether the client is one of RFC 3261 and has said more than that (RFC 4475 section 3.2.1)."""
    return branch is not None and branch.startswith(MAGIC_COOKIE) and branch != MAGIC_COOKIE


def _ack_key(invite: Request, response: Response) -> Key | None:
    if _is_unique(invite.via.branch):
        return None  # the ACK has the same key as the INVITE
    return _old_key(invite, "INVITE", response.to.tag)


def _old_key(request: Request, method: str, to_tag: str | None) -> Key:
    return (
        str(request.uri),
        request.from_.tag,
        to_tag,
        request.call_id,
        request.cseq.number,
        method,
        request.headers.get_list("Via")[0],
    )


def _can_merge(request: Request) -> bool:
    """Whether it may come by two paths: one outside a dialog. A CANCEL has the numbers of its INVITE."""
    return request.to.tag is None and request.method != "CANCEL"


def _merge_key(request: Request) -> Key:
    return request.from_.tag, request.call_id, request.cseq.number, request.cseq.method
