"""Which layer each tile gets."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from conferencing.embedded.layers import KEEP_MARGIN, Layer, Wish, choose, wanted_layer, wanted_rate

THREE = (Layer(180, 150_000), Layer(360, 500_000), Layer(720, 1_500_000))


def test_a_tile_wants_the_lowest_layer_that_fills_it() -> None:
    heights = {90: 0, 180: 0, 240: 0, 241: 1, 360: 1, 480: 1, 500: 2, 1080: 2}
    assert {height: wanted_layer(Wish(THREE, height)) for height in heights} == heights
    assert wanted_layer(Wish((), 360)) == -1
    assert wanted_rate([Wish(THREE, 360), Wish(THREE, 720), Wish((), 360)]) == 2_000_000


def test_the_important_ones_are_raised_first() -> None:
    wishes = [Wish(THREE, 720), Wish(THREE, 720), Wish(THREE, 180)]
    assert choose(wishes, 10_000_000) == [2, 2, 0]
    assert choose(wishes, 2_400_000) == [2, 1, 0]
    assert choose(wishes, 1_250_000) == [1, 1, 0]
    assert choose(wishes, 900_000) == [1, 0, 0]
    assert choose(wishes, 320_000) == [0, 0, -1]


def test_the_most_important_one_is_never_paused() -> None:
    assert choose([Wish(THREE, 720), Wish(THREE, 720)], 10_000) == [0, -1]
    assert choose([Wish((), 720), Wish(THREE, 720)], 10_000) == [-1, -1]


def test_a_layer_that_is_there_stays_until_it_is_clearly_too_much() -> None:
    assert choose([Wish(THREE, 720)], 1_520_000) == [1]
    assert choose([Wish(THREE, 720, present=2)], 1_520_000) == [2]
    assert choose([Wish(THREE, 720, present=2)], 1_400_000) == [2]
    assert choose([Wish(THREE, 720, present=2)], 1_200_000) == [1]


layers = st.lists(st.integers(10_000, 3_000_000), max_size=3).map(
    lambda rates: tuple(Layer(180 << index, rate) for index, rate in enumerate(sorted(rates)))
)


@given(st.lists(st.tuples(layers, st.integers(1, 1080)), max_size=9), st.integers(0, 20_000_000))
def test_the_budget_holds(shapes: list[tuple[tuple[Layer, ...], int]], budget: int) -> None:
    wishes = [Wish(choice, height) for choice, height in shapes]
    chosen = choose(wishes, budget)
    rates = [wish.layers[index].rate for wish, index in zip(wishes, chosen, strict=True) if index >= 0]
    assert sum(rates) <= budget or chosen[0] == 0
    assert all(index <= wanted_layer(wish) for wish, index in zip(wishes, chosen, strict=True))
    assert KEEP_MARGIN < 1
