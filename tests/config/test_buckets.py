"""A bucket of tokens."""

from config.buckets import Bucket, Buckets


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


def test_each_name_has_a_bucket_and_the_longest_unused_is_forgotten() -> None:
    buckets = Buckets(refill=1.0, depth=1.0, most=2)
    assert buckets.of("a", 0.0).take(1.0, 0.0)
    assert buckets.of("b", 0.0).take(1.0, 0.0)
    assert not buckets.of("a", 0.0).take(1.0, 0.0)
    assert buckets.of("c", 0.0).take(1.0, 0.0), "in place of b"
    assert not buckets.of("a", 0.0).take(1.0, 0.0)
    assert buckets.of("b", 0.0).take(1.0, 0.0), "as if new"
