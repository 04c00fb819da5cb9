"""Tokens: who behaves never notices."""

from conferencing.embedded import messages
from conferencing.embedded.messages import MOST_LENGTH, MOST_SDP
from conferencing.embedded.rate import DEPTH, REFILL, cost, weight
from config.buckets import Bucket


def test_a_burst_then_the_rate() -> None:
    bucket = Bucket(0.0, refill=REFILL, depth=DEPTH)
    chat = cost(messages.SendChat("a"))
    assert sum(bucket.take(chat, 0.0) for _ in range(100)) == DEPTH / chat
    assert not bucket.take(chat, chat / REFILL - 0.01)
    assert bucket.take(chat, chat / REFILL)
    taken = sum(bucket.take(chat, second) for second in range(1, 1001) for _ in range(10))
    assert abs(taken - 1000 * REFILL / chat) <= DEPTH / chat


def test_a_message_pays_for_its_length_but_not_for_what_is_never_read() -> None:
    assert weight("x" * (MOST_LENGTH - 1)) == 0
    assert weight("x" * 82_000) == 20
    assert weight("x" * 10**6) == weight("x" * 2 * MOST_SDP) <= DEPTH
