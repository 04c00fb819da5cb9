"""The meeting in the words of the page's vocabulary."""

from conferencing import chat, lobby, meeting
from conferencing.embedded import messages
from conferencing.participant import Participant


def person(participant: Participant, viewer: Participant) -> messages.Person:
    """A participant as ``viewer`` sees them."""
    return messages.Person(
        participant.id,
        participant.name,
        participant.kind.value,
        participant.host,
        not participant.muted,
        participant.camera,
        participant.screen,
        participant.hand,
        participant.key,
        participant is viewer,
    )


def visitors(waiting: lobby.Lobby) -> tuple[messages.Visitor, ...]:
    """Those who wait."""
    return tuple(messages.Visitor(knock.id, knock.name, knock.kind.value) for knock in waiting)


def line(message: chat.ChatMessage) -> messages.Line:
    """A line of the chat."""
    at = message.at.isoformat(timespec="milliseconds")
    return messages.Line(message.id, message.sender, message.name, message.text, at)


def state(room_name: str, access: str, held: meeting.Meeting) -> messages.MeetingState:
    """The meeting itself."""
    return messages.MeetingState(room_name, held.key, held.locked, access, held.limits.shares)
