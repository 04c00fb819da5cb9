"""A bucket of tokens."""

from conferencing.embedded.bucket import Bucket


def test_a_clock_that_stands_or_steps_back_gives_nothing() -> None:
    bucket = Bucket(10.0, refill=1.0, depth=1.0)
    assert bucket.take(1.0, 10.0)
    assert not bucket.take(1.0, 10.0)
    assert not bucket.take(1.0, 5.0)
