"""What was written in a meeting: plain text, kept for those who come later, gone with the meeting.

At most ``MOST_MESSAGES`` are kept, the oldest go first.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

MOST_MESSAGES = 500
MOST_CHARACTERS = 2000


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message. The name is kept with it: its author may be gone when it is read. ``at`` has a zone."""

    id: str
    sender: str
    name: str
    text: str
    at: datetime


class Chat:
    """The history of one meeting."""

    def __init__(self, most: int = MOST_MESSAGES) -> None:
        self._messages: deque[ChatMessage] = deque(maxlen=most)
        self._count = 0

    def __len__(self) -> int:
        return len(self._messages)

    def __iter__(self) -> Iterator[ChatMessage]:
        return iter(self._messages)

    def add(self, sender: str, name: str, text: str, at: datetime) -> ChatMessage:
        """Keep a message; its id is its number in the meeting, from 1."""
        self._count += 1
        message = ChatMessage(str(self._count), sender, name, text, at)
        self._messages.append(message)
        return message
