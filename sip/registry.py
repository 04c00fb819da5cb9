"""The calls of a user agent: by their id, by their dialogs, and whether any is left."""

import asyncio
from collections.abc import Mapping
from random import Random

from sip.call import Call
from sip.dialog import DialogId, dialog_id_of
from sip.message import Request


class CallRegistry:
    """Every call from its first message to the answer to its last BYE."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._calls: dict[str, Call] = {}
        self._dialogs: dict[DialogId, Call] = {}
        self._emptied: asyncio.Event | None = None

    @property
    def calls(self) -> Mapping[str, Call]:
        """The calls by id."""
        return self._calls

    @property
    def dialogs(self) -> int:
        """How many dialogs there are."""
        return len(self._dialogs)

    def new_id(self) -> str:
        """Eight hexadecimal digits that no call of now has."""
        while (call_id := f"{self._random.getrandbits(32):08x}") in self._calls:
            pass
        return call_id

    def add(self, call: Call) -> None:
        """A call has begun."""
        self._calls[call.id] = call

    def establish(self, call: Call, dialog: DialogId) -> None:
        """Requests of this dialog are the call's."""
        self._dialogs[dialog] = call

    def remove(self, call: Call) -> None:
        """Nothing is expected of this call any more."""
        self._calls.pop(call.id, None)
        if call.dialog is not None:
            self._dialogs.pop(call.dialog.id, None)
        if not self._calls and self._emptied is not None:
            self._emptied.set()

    def call_of(self, request: Request) -> Call | None:
        """The call whose dialog a request of theirs belongs to."""
        return self._dialogs.get(dialog_id_of(request)) if request.to.tag is not None else None

    async def drained(self) -> None:
        """Return when no call is left."""
        while self._calls:
            if self._emptied is None or self._emptied.is_set():
                self._emptied = asyncio.Event()
            await self._emptied.wait()
