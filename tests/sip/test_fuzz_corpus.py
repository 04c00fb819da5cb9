"""A short, always equal run of the fuzzers: every seed, every torture message, and mutations of both."""

from pathlib import Path
from random import Random

import pytest

from tests.fuzz import agent
from tests.fuzz.mutation import mutate, seeds
from tests.fuzz.sip import examine

TORTURE = [
    path.read_bytes() for path in sorted((Path(__file__).parent / "torture" / "messages").glob("*.dat"))
]


@pytest.mark.parametrize("data", seeds("sip") + TORTURE)
def test_seed(data: bytes) -> None:
    examine(data)


@pytest.mark.parametrize("seed", range(4))
def test_mutations(seed: int) -> None:
    random, corpus = Random(seed), seeds("sip") + TORTURE
    for _ in range(300):
        examine(mutate(corpus, random))


@pytest.mark.parametrize("data", seeds("agent") + TORTURE)
def test_seed_for_the_agent(data: bytes) -> None:
    agent.check(data)


@pytest.mark.parametrize("seed", range(4))
def test_mutations_for_the_agent(seed: int) -> None:
    random, corpus = Random(seed), seeds("agent") + seeds("sip")
    for _ in range(60):
        agent.check(mutate(corpus, random))
