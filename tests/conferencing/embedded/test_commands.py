"""What hosts' pages may do, and nobody else's."""

import pytest

from tests.conferencing.embedded.pages import House


def test_a_host_refuses_all_who_wait() -> None:
    house = House()
    host, page = house.come("Host", host=True, waiting_room=True)
    visitors = [house.come(name, waiting_room=True)[1] for name in ("Bob", "Eve")]
    house.say(host, "refuse", all=True)
    assert page.take("lobby")[-1]["waiting"] == []
    for each in visitors:
        assert [event["reason"] for event in each.take("closed")] == ["refused"]


@pytest.mark.parametrize("command", ["admit", "refuse"])
def test_who_waits_is_decided_by_hosts_only(command: str) -> None:
    house = House()
    house.come("Host", host=True, waiting_room=True)
    guest, page = house.come("Guest")
    _, visitor = house.come("Bob", waiting_room=True)
    house.say(guest, command, all=True)
    assert [event["code"] for event in page.take("error")] == ["not_allowed"]
    assert [event["type"] for event in visitor.take()] == ["waiting"]  # and nothing of what happens inside


def test_a_host_hands_the_role_over() -> None:
    house = House()
    anna, page = house.come("Anna", host=True)
    bob, other = house.come("Bob")
    house.say(anna, "promote", participant=bob.id)
    house.say(anna, "demote", participant=anna.id)
    house.say(anna, "mute_all")
    assert [event["code"] for event in page.take("error")] == ["not_allowed"]
    hosts = {event["participant"]["name"]: event["participant"]["host"] for event in other.take("changed")}
    assert hosts == {"Anna": False, "Bob": True}
    house.say(anna, "demote", participant=bob.id)
    assert [event["code"] for event in page.take("error")] == ["not_allowed"]


def test_a_removed_host_comes_back_by_the_waiting_room_only() -> None:
    house = House()
    anna, page = house.come("Anna", host=True)
    rogue, removed = house.come("Rogue", host=True)
    [joined] = page.take("joined")
    assert joined["participant"]["key"]
    house.say(anna, "remove", participant=rogue.id)
    assert [event["reason"] for event in removed.take("closed")] == ["removed"]
    again, waits = house.come("Somebody else", host=True)
    assert [event["type"] for event in waits.take()] == ["waiting"]
    assert [each["name"] for each in page.take("lobby")[-1]["waiting"]] == ["Somebody else"]
    house.say(anna, "admit", participant=again.id)
    [welcome] = waits.take("welcome")
    assert not next(each["host"] for each in welcome["participants"] if each["you"])


def test_one_who_is_no_host_hears_no_more_of_the_waiting_room() -> None:
    house = House()
    anna, page = house.come("Anna", host=True, waiting_room=True)
    bob, _ = house.come("Bob", host=True)
    house.say(bob, "demote", participant=anna.id)
    page.take()
    house.come("Eve")
    assert page.take("lobby") == []
