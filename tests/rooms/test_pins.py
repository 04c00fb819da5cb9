from collections import deque

import pytest

from rooms.pins import check_pin, is_pin, is_short, is_weak, make_pin, plain_pin
from rooms.values import RoomError


@pytest.mark.parametrize("pin", ["0000", "777777", "1234", "1234567890", "0987654321", "7890123", "4321"])
def test_runs_and_repetitions_are_weak(pin: str) -> None:
    assert is_weak(pin)


@pytest.mark.parametrize("pin", ["121212", "123123", "1231231", "4704704704"])
def test_repeated_groups_are_weak(pin: str) -> None:
    assert is_weak(pin)


@pytest.mark.parametrize("pin", ["1235", "8189326540", "1357", "100000", "1221"])
def test_others_are_not_weak(pin: str) -> None:
    assert not is_weak(pin)


def test_made_pins_have_ten_digits_the_first_not_0() -> None:
    assert make_pin(lambda limit: 0 if limit != 9_000_000_000 else 5) == "1000000005"
    assert make_pin(lambda limit: limit - 3) == "9999999997"


def test_a_weak_one_is_not_handed_out() -> None:
    drawn = deque([234_567_890, 111_111_111, 7])  # 1234567890, 1111111111, 1000000007
    assert make_pin(lambda _: drawn.popleft()) == "1000000007"


def test_by_default_they_are_random() -> None:
    assert len({make_pin() for _ in range(50)}) == 50


@pytest.mark.parametrize(
    "text",
    [
        "5555123456",
        "5555-123456",
        "5555123456#",
        " 555 512 34.56 # ",
        "5555\u00a0123\u202f456",
        "5555\u2013123\u2011456",
    ],
)
def test_however_a_pin_is_written(text: str) -> None:
    assert plain_pin(text) == "5555123456"


@pytest.mark.parametrize("text", ["", "#", "12#34", "+1234", "5555/123456", "team"])
def test_what_is_more_than_separators_stays(text: str) -> None:
    assert not is_pin(plain_pin(text))


@pytest.mark.parametrize("text", ["", "123", "1" * 21, "12a4", "12 34", "+1234", "1234\n", "١٢٣٤", "²³¹²"])
def test_what_is_no_pin_is_refused_without_being_repeated(text: str) -> None:
    assert not is_pin(text)
    with pytest.raises(RoomError, match="4 to 20 digits") as refusal:
        check_pin(text)
    assert not text or text not in str(refusal.value)


@pytest.mark.parametrize("text", ["0000", "1" * 20])
def test_given_pins_may_be_short_or_weak(text: str) -> None:
    assert is_pin(text)
    check_pin(text)


def test_the_brakes_make_eight_digits_last() -> None:
    assert is_short("4711471")
    assert not is_short("47114711")
