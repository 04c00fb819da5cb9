"""The share of a core that is used, in the last seconds."""

import pytest

from gateway.load import FULL, READINGS, Load


def test_the_share_follows_what_is_used() -> None:
    now, used = 0.0, 0.0
    load = Load(lambda: now, lambda: used, lambda: 0.0, 60)
    assert load.share == 0.0
    assert load.has_room()
    for busy in (0.2, 0.95, 0.1):
        for _ in range(READINGS):
            load.read()
            now += 1.0
            used += busy
        assert load.share == pytest.approx(busy), "only the last seconds count"
        assert load.has_room() is (busy < FULL)


def test_late_sound_leaves_no_room_however_little_is_used() -> None:
    behind = 0.0
    load = Load(lambda: 0.0, lambda: 0.0, lambda: behind, 60)
    for behind in (0.0, 0.029, 0.031, 1.0, 0.001):
        assert load.has_room() is (behind < 0.030)
    assert Load(lambda: 0.0, lambda: 0.0, lambda: 1.0, 0).has_room(), "unless the settings say never"
