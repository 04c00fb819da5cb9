import pytest

from bridge.routing import ByPin, BySlug, Destination, Reception, Routes

ROUTES = Routes(["meet", "+33 1 70 18 00 00", "4000"], {"meet-en": "en"})


@pytest.mark.parametrize(
    ("user", "destination"),
    [
        ("meet", Reception()),
        ("MEET", Reception()),
        ("meet-en", Reception("en")),
        ("+33170180000", Reception()),
        ("+33-1-70-18-00-00", Reception()),
        ("4000", Reception()),
        ("", Reception()),
        ("1234567890", ByPin("1234567890")),
        ("123 456 7890", ByPin("1234567890")),
        ("team.1234", BySlug("team", "1234")),
        ("Team.1234", BySlug("team", "1234")),
        ("team", BySlug("team")),
        ("Budget-2026", BySlug("budget-2026")),
        ("team.", BySlug("team.")),
        ("team.12a", BySlug("team.12a")),
        ("+33170180001", BySlug("+33170180001")),
        ("١٢٣٤", BySlug("١٢٣٤")),
    ],
)
def test_what_was_dialled(user: str, destination: Destination) -> None:
    assert ROUTES.destination(user) == destination


def test_any_name_is_answered_only_when_told_so() -> None:
    assert not ROUTES.answers_any
    assert Routes(["*"], {}).answers_any
    assert Routes(["*"], {}).destination("*") == BySlug("*")
