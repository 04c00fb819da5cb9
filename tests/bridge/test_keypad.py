from bridge.keypad import PATIENCE, Action, Keypad


def test_codes() -> None:
    keypad = Keypad()
    assert [keypad.press(key, 0.0) for key in "*6"] == [None, Action.TOGGLE_MUTE]
    assert [keypad.press(key, 0.0) for key in "*9"] == [None, Action.TOGGLE_HAND]
    assert [keypad.press(key, 0.0) for key in "*1"] == [None, Action.HELP]
    assert [keypad.press(key, 0.0) for key in "##"] == [None, Action.LEAVE]


def test_a_lost_key_leads_to_nothing_worse() -> None:
    keypad = Keypad()
    assert [keypad.press(key, 0.0) for key in "6*2#6"] == [None] * 5
    assert [keypad.press(key, 0.0) for key in "**6"] == [None, None, Action.TOGGLE_MUTE]
    assert [keypad.press(key, 0.0) for key in "*##"] == [None, None, Action.LEAVE]


def test_one_hash_twice_with_a_pause_is_not_leaving() -> None:
    keypad = Keypad()
    assert keypad.press("#", 0.0) is None
    assert keypad.press("#", PATIENCE + 0.1) is None
    assert keypad.press("#", PATIENCE + 0.2) is Action.LEAVE


def test_three_hashes_leave_once() -> None:
    keypad = Keypad()
    assert [keypad.press("#", 0.0) for _ in range(3)] == [None, Action.LEAVE, None]
