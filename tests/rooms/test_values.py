import pytest

from rooms.values import Invitation, NewRoom, Room, RoomError, check_slug, slugify, unique_slug


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Réunion d'été", "reunion-d-ete"),
        ("  Cœur de Bœuf!  ", "coeur-de-boeuf"),
        ("Straße Øresund Łódź", "strasse-oresund-lodz"),
        ("a.b@c--d__e", "a-b-c-d-e"),
        ("DINUM", "dinum"),
        ("2024", "room-2024"),
        ("12/06", "room-12-06"),
        ("会议", "room"),
        ("①②", "room-12"),
        ("...", "room"),
        ("x" * 200, "x" * 56),
    ],
)
def test_a_name_makes_a_slug_that_passes_its_own_check(name: str, slug: str) -> None:
    assert slugify(name) == slug
    check_slug(slug)


def test_a_taken_slug_is_numbered() -> None:
    assert unique_slug("team", set().__contains__) == "team"
    assert unique_slug("team", {"team", "team-2", "team-4"}.__contains__) == "team-3"


@pytest.mark.parametrize(
    "slug", ["", "1234567890", "2-4", "Team", "a.b", "a--b", "-a", "a-", "é", "a b", "x" * 65, "a\n", "٣٤"]
)
def test_slugs_that_cannot_stand_in_an_address_are_refused_with_one_that_can(slug: str) -> None:
    with pytest.raises(RoomError) as refusal:
        check_slug(slug)
    suggested = refusal.value.hint.split('"')[1]
    check_slug(suggested)


@pytest.mark.parametrize("slug", ["a", "meet-2", "2-a", "x" * 64, "1a"])
def test_possible_slugs(slug: str) -> None:
    check_slug(slug)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "a\r\nb"}, "name"),
        ({"slug": "Team"}, "slug"),
        ({"language": "French"}, "language"),
        ({"max_participants": 0}, "at least 1"),
        ({"max_cameras": -1}, "cameras"),
        ({"max_video_kbps": 199}, "kbit/s"),
        ({"host_pin": "123789", "has_host_pin": False}, "host PIN"),
    ],
)
def test_a_room_that_cannot_be_is_refused(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(RoomError, match=said):
        NewRoom(**({"name": "Team"} | wrong))  # type: ignore[arg-type]


def test_an_invitation_does_not_show_its_pins_by_accident() -> None:
    invitation = Invitation(Room(1, "team", "Team"), "5550001112", "5550001113")
    assert "555" not in repr(invitation) + str(invitation)
