"""Transactions (RFC 3261 section 17): one request and its answers, safe against loss and repetition."""

from sip.transaction.client import ClientTransaction, InviteClient, NonInviteClient
from sip.transaction.machine import (
    PATIENCE,
    T1,
    T2,
    T4,
    Command,
    Event,
    GiveUp,
    IllegalEvent,
    Pass,
    Send,
    State,
    Transaction,
    Trouble,
)
from sip.transaction.manager import MAGIC_COOKIE, TransactionManager
from sip.transaction.server import InviteServer, NonInviteServer, ServerTransaction

__all__ = [
    "MAGIC_COOKIE",
    "PATIENCE",
    "T1",
    "T2",
    "T4",
    "ClientTransaction",
    "Command",
    "Event",
    "GiveUp",
    "IllegalEvent",
    "InviteClient",
    "InviteServer",
    "NonInviteClient",
    "NonInviteServer",
    "Pass",
    "Send",
    "ServerTransaction",
    "State",
    "Transaction",
    "TransactionManager",
    "Trouble",
]
