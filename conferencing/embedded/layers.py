"""Which simulcast layer each slot of a subscriber gets: by tile height and bandwidth.

First everybody gets the lowest layer, in order of importance (shared screens, then larger tiles); then layers
are raised in the same order, one step at a time, as long as the budget holds and the tile is larger than the
picture. A tile does not want more than the lowest layer that fills it. What does not fit at all is paused.

Pure functions on values; whoever calls them knows slots and streams.

Units: pixels, bit/s.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

FILLED: Final = 0.75  # a layer of this share of the tile's height is sharp enough
RAISE_MARGIN: Final = 1.2  # a layer above the present one must fit with this to spare; a probe aims at more
KEEP_MARGIN: Final = 0.15  # of the budget by which the present layers may exceed it: rates are never steady


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer that is being published."""

    height: int
    rate: float


@dataclass(frozen=True, slots=True)
class Wish:
    """What one slot may choose from. ``layers`` ascend; ``present`` is the one it has, None when none."""

    layers: Sequence[Layer]
    height: int
    present: int | None = None


def wanted_layer(wish: Wish) -> int:
    """The layer the tile would get on an endless link; -1 when nothing is published."""
    for index, layer in enumerate(wish.layers):
        if layer.height >= FILLED * wish.height:
            return index
    return len(wish.layers) - 1


def is_satisfied(wish: Wish, chosen: int) -> bool:
    """Whether no more would be of use."""
    return chosen >= wanted_layer(wish)


def wanted_rate(wishes: Sequence[Wish]) -> float:
    """What all would take on an endless link."""
    tops = ((wish, wanted_layer(wish)) for wish in wishes)
    return sum(wish.layers[top].rate for wish, top in tops if top >= 0)


def choose(wishes: Sequence[Wish], budget: float) -> list[int]:
    """The layer of each wish, in order of importance; -1: paused."""
    chosen = [-1] * len(wishes)
    left = budget
    for index, wish in enumerate(wishes):
        # The most important one gets its lowest layer however little there is: better late than nothing.
        if wish.layers and (wish.layers[0].rate <= left or index == 0):
            chosen[index] = 0
            left -= wish.layers[0].rate
    raised = True
    while raised:
        raised = False
        for index, wish in enumerate(wishes):
            now = chosen[index]
            if now < 0 or now >= wanted_layer(wish):
                continue
            step = wish.layers[now + 1].rate - wish.layers[now].rate
            kept = wish.present is not None and now + 1 <= wish.present
            if (step <= left + KEEP_MARGIN * budget) if kept else (step * RAISE_MARGIN <= left):
                chosen[index] += 1
                left -= step
                raised = True
    return chosen
