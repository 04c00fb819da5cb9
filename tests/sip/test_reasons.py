import re

import pytest

from config.outcome import Outcome
from sip.reasons import (
    ENDINGS,
    PHRASES,
    Mismatch,
    outcome_of,
    reason_header,
    retry_after_of,
    status_of,
    warning_header,
)


def test_every_outcome_has_its_row() -> None:
    assert set(ENDINGS) == set(Outcome)


@pytest.mark.parametrize("outcome", Outcome)
def test_rows_are_sound(outcome: Outcome) -> None:
    assert 400 <= status_of(outcome) < 700
    assert status_of(outcome) in PHRASES
    assert re.fullmatch(r'Q\.850;cause=\d{1,3};text="[A-Za-z ]+"', reason_header(outcome))


@pytest.mark.parametrize("outcome", Outcome)
def test_503_says_when_to_come_back_and_nothing_else_does(outcome: Outcome) -> None:
    assert (status_of(outcome) == 503) == (retry_after_of(outcome) is not None)


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (Outcome.OVERLOADED, 503),
        (Outcome.DRAINING, 503),
        (Outcome.SOURCE_LIMIT, 486),  # an SBC that gets 503 stops using us altogether
        (Outcome.NOT_FOUND, 404),
        (Outcome.NO_CODEC, 488),
        (Outcome.CANCELLED, 487),
        (Outcome.ROOM_LOCKED, 403),
    ],
)
def test_the_statuses_that_peers_act_upon(outcome: Outcome, status: int) -> None:
    assert status_of(outcome) == status


@pytest.mark.parametrize("outcome", [Outcome.BUSY, Outcome.DECLINED, Outcome.NO_ANSWER, Outcome.NOT_FOUND])
def test_a_refusal_means_the_same_in_both_directions(outcome: Outcome) -> None:
    assert outcome_of(status_of(outcome)) is outcome


@pytest.mark.parametrize("status", [302, 401, 482, 500, 503, 699])
def test_what_concerns_the_way_there_is_transport(status: int) -> None:
    assert outcome_of(status) is Outcome.TRANSPORT


def test_a_warning_is_quoted() -> None:
    assert warning_header("h:5060", Mismatch.FORMAT, 'a "b"') == '305 h:5060 "a \\"b\\""'
