"""PINs: digits typed on a keypad that name a room, and whether one enters it as guest or as host.

A PIN is all that a caller at the reception gives, so it both identifies and authorises, and must be unique
among all PINs, guests' and hosts' together. Made ones have ten digits, as Visio's do, of which the first is
not 0 (ten digits with a leading 0 are a French telephone number). With 1,000 rooms, one guess in 4.5
million hits; how many guesses anyone has, and how long that lasts, ``bridge.pin_guard`` says.
"""

import itertools
import re
import secrets
from collections.abc import Callable

from rooms.values import NewRoom, RoomError

MADE_DIGITS = 10
LEAST_DIGITS, MOST_DIGITS = 4, 20
LASTING_DIGITS = 8
"""Of fewer, guessing by all who may guess finds one within a year."""

Reserved = Callable[[str], bool]
"""Tells whether a name or a number is the reception's, in whatever notation: dialled, it leads to no room."""

_PIN = re.compile(rf"[0-9]{{{LEAST_DIGITS},{MOST_DIGITS}}}")
# What people put between the digits of a number: spaces of any width, dots, dashes as keyboards make them.
_SEPARATORS = re.compile("[\\s.\u2010-\u2015\u2212-]+")


def plain_pin(text: str) -> str:
    """A PIN as it was written down or typed, without separators and without the ``#`` that ends it."""
    return _SEPARATORS.sub("", text).removesuffix("#")


def is_pin(text: str) -> bool:
    """Tell whether the text could be a PIN at all: 4 to 20 ASCII digits."""
    return _PIN.fullmatch(text) is not None


def check_pin(pin: str) -> None:
    """Raise :class:`RoomError` unless the text is a possible PIN. The message does not repeat it."""
    if not is_pin(pin):
        raise RoomError(
            f"A PIN is {LEAST_DIGITS} to {MOST_DIGITS} digits and nothing else.",
            hint=f"Leave it out to have one of {MADE_DIGITS} digits made.",
        )


def check_chosen(new: NewRoom, reserved: Reserved) -> None:
    """Raise :class:`RoomError` unless a room could have the slug and PINs that were chosen for it.

    Whether another room has them, the database tells.
    """
    if new.slug is not None and reserved(new.slug):
        raise RoomError(
            f'"{new.slug}" is a name of the reception (sip.reception, ivr.languages).',
            hint="Choose another slug.",
        )
    chosen = [pin for pin in (new.pin, new.host_pin) if pin is not None]
    for pin in chosen:
        check_pin(pin)
        if reserved(pin):
            raise RoomError(
                "This PIN is a number of the reception (sip.reception, ivr.languages).",
                hint="Choose another, or leave it out to have one made.",
            )
    if len(set(chosen)) < len(chosen):
        raise RoomError("Guests and hosts need different PINs.", hint="Leave one out to have it made.")


def is_weak(pin: str) -> bool:
    """Tell whether a PIN is among the first that anyone would try.

    Weak are counted runs up or down (1234567890, 7654) and a short group repeated (0000, 1212, 123123).
    """
    steps = {(int(after) - int(before)) % 10 for before, after in itertools.pairwise(pin)}
    if steps in ({1}, {9}):
        return True
    return any(pin == (pin[:size] * len(pin))[: len(pin)] for size in range(1, len(pin) // 2 + 1))


def is_short(pin: str) -> bool:
    """Tell whether the brakes on guessing do not make a PIN last for years."""
    return len(pin) < LASTING_DIGITS


def make_pin(below: Callable[[int], int] = secrets.randbelow) -> str:
    """Make a PIN of ten digits that is not weak. ``below(n)`` is a random number from 0 to n-1."""
    least = 10 ** (MADE_DIGITS - 1)
    while is_weak(pin := str(least + below(9 * least))):
        pass
    return pin
