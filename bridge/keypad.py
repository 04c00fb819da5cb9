"""The keypad during a meeting: two-key codes, as people know them from other services.

``*6`` mutes and unmutes, ``*9`` raises and lowers the hand, ``*1`` reads out the keys, ``##`` leaves. A lone
key that is not followed by its second within three seconds is forgotten, so that a lost key leads to nothing
worse than asking again.
"""

from enum import Enum

# Seconds within which the second key of a code must come.
PATIENCE = 3.0


class Action(Enum):
    """What a code asks for; the value is the code."""

    TOGGLE_MUTE = "*6"
    TOGGLE_HAND = "*9"
    HELP = "*1"
    LEAVE = "##"


_ACTIONS = {action.value: action for action in Action}
_PREFIXES = {code[0] for code in _ACTIONS}


class Keypad:
    """Reads codes key by key."""

    def __init__(self) -> None:
        self._first = ""
        self._pressed_at = 0.0

    def press(self, key: str, now: float) -> Action | None:
        """Take one key (``0-9*#A-D``) at ``now`` seconds; the action when it completes a code."""
        first = self._first if now - self._pressed_at <= PATIENCE else ""
        action = _ACTIONS.get(first + key)
        self._pressed_at = now
        self._first = "" if action or key not in _PREFIXES else key
        return action
