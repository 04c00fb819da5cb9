"""What pages' messages do to the meeting, and who may send which: everybody, or hosts only.

What concerns a page's own connection and media is done in ``session``.
"""

from collections.abc import Sequence

from conferencing.embedded import messages
from conferencing.embedded.messages import Code, HostCommand
from conferencing.meeting import Meeting
from conferencing.participant import Kind, Participant
from config.outcome import PasserelleError

MeetingCommand = (
    messages.SendChat | messages.SendReaction | messages.RaiseHand | messages.Rename | HostCommand
)


class CommandError(Exception):
    """What a page asked cannot be done."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code


def obey(held: Meeting, me: Participant, message: MeetingCommand) -> None:
    """Do what ``me`` asks of the meeting. Raises :class:`CommandError`."""
    match message:
        case messages.SendChat(text):
            held.say(me, text)
        case messages.SendReaction(emoji):
            held.react(me, emoji)
        case messages.RaiseHand(raised):
            held.set_hand(me, raised)
        case messages.Rename(who, name):
            if who != me.id and not me.host:
                raise CommandError(Code.NOT_ALLOWED, "hosts rename others")
            held.rename(_find(held, who), name)
        case _ if not me.host:
            raise CommandError(Code.NOT_ALLOWED, "this is for hosts")
        case _:
            _lead(held, me, message)


def _lead(held: Meeting, me: Participant, message: HostCommand) -> None:
    match message:
        case messages.Mute(who):
            held.set_muted(_find(held, who), True, by_host=True)
        case messages.AskUnmute(who):
            _ask_unmute(held, _find(held, who), me)
        case messages.MuteAll():
            held.mute_all(but=me)
        case messages.LowerHand(who):
            held.set_hand(_find(held, who), False)
        case messages.Remove(who):
            held.remove(_find(held, who), by=me)
        case messages.Promote(who):
            held.promote(_find(held, who))
        case messages.Demote(who):
            held.demote(_find(held, who))
        case messages.StopShare(who):
            held.stop_share(_find(held, who))
        case messages.Lock(locked):
            held.set_locked(locked)
        case messages.Admit(who, everyone):
            _admit(held, _waiting(held) if everyone else [who])
        case messages.Refuse(who, everyone):
            for each in _waiting(held) if everyone else [who]:
                held.turn_away(each)
        case messages.End():
            held.end()


def _waiting(held: Meeting) -> list[str]:
    return [knock.id for knock in held.lobby]


def _admit(held: Meeting, who: Sequence[str]) -> None:
    try:
        for each in who:
            held.admit(each)
    except PasserelleError as error:
        raise CommandError(Code.ROOM_FULL, str(error)) from None


def _ask_unmute(held: Meeting, who: Participant, me: Participant) -> None:
    if who.kind is not Kind.BROWSER:
        raise CommandError(Code.NOT_ALLOWED, "telephones are not asked: they unmute by keypad")
    held.ask_unmute(who, me)


def _find(held: Meeting, participant_id: str) -> Participant:
    found = held.get(participant_id)
    if found is None:
        raise CommandError(Code.NOT_FOUND, "there is nobody of that id")
    return found
