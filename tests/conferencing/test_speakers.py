"""The ranking, on plain numbers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from conferencing.speakers import MARGIN, choose


def test_the_three_loudest_the_loudest_first() -> None:
    assert choose([(1.0, "a"), (5.0, "b"), (3.0, "c"), (4.0, "d")], ()) == ["b", "d", "c"]


def test_fewer_than_three_all_speak() -> None:
    assert choose([], ["a"]) == []
    assert choose([(1.0, "a")], ()) == ["a"]


def test_a_newcomer_must_be_louder_by_the_margin() -> None:
    sitting = [(1.0, "a"), (1.0, "b"), (1.0, "c")]
    assert "d" not in choose([*sitting, (MARGIN * 0.99, "d")], "abc")
    assert choose([*sitting, (MARGIN * 1.01, "d")], "abc")[0] == "d"


def test_two_of_like_loudness_do_not_flutter() -> None:
    speakers = ["a", "b", "c"]
    for tick in range(50):
        wobble = 1.0 + 0.3 * (-1) ** tick
        speakers = choose([(1.0, "a"), (1.0, "b"), (1.0, "c"), (wobble, "d")], speakers)
    assert set(speakers) == set("abc")


def test_those_who_sit_need_not_be_comparable() -> None:
    assert len(choose([(1.0, object()), (1.0, object())], ())) == 2


@given(
    st.lists(st.floats(0, 1e9), max_size=12),
    st.sets(st.integers(0, 11), max_size=3),
    st.integers(0, 4),
)
def test_nobody_left_out_is_louder_than_who_was_chosen(
    levels: list[float], sitting: set[int], most: int
) -> None:
    chosen = choose([(level, index) for index, level in enumerate(levels)], sitting, max(most, 1))
    assert len(chosen) == len(set(chosen)) == min(max(most, 1), len(levels))
    weighed = {index: level * (MARGIN if index in sitting else 1.0) for index, level in enumerate(levels)}
    left_out = [weighed[index] for index in weighed if index not in chosen]
    assert not left_out or max(left_out) <= min(weighed[index] for index in chosen)
