"""A bucket of tokens."""

from conferencing.embedded.bucket import Bucket


def test_a_clock_that_stands_or_steps_back_gives_nothing() -> None:
    bucket = Bucket(10.0, refill=1.0, depth=1.0)
    assert bucket.take(1.0, 10.0)
    assert not bucket.take(1.0, 10.0)
    assert not bucket.take(1.0, 5.0)


def test_a_debt_is_paid_before_anything_is_taken() -> None:
    bucket = Bucket(10.0, refill=1.0, depth=2.0)
    bucket.spend(3.0, 10.0)
    assert not bucket.take(1.0, 11.5)
    assert bucket.take(1.0, 12.0)
