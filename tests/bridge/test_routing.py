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
        ("33170180000", Reception()),
        ("0033170180000", Reception()),
        ("00 33 1 70 18 00 00", Reception()),
        ("+33170180000;npdi=yes", Reception()),
        ("+33-1-70-18-00-00;phone-context=+33;rn=+33999", Reception()),
        ("meet;phone-context=example.org", Reception()),
        ("meet-en;x", Reception("en")),
        (";x", Reception()),
        ("1234567890;user=x", ByPin("1234567890")),
        ("team.1234;x=1", BySlug("team", "1234")),
        ("team;x=1.1234", BySlug("team")),
        ("0033170180001", ByPin("0033170180001")),
        ("123", BySlug("123")),
        ("1" * 20, ByPin("1" * 20)),
        ("1" * 21, BySlug("1" * 21)),
        ("00", BySlug("00")),
        ("", Reception()),
        ("1234567890", ByPin("1234567890")),
        ("123 456 7890", ByPin("1234567890")),
        ("1234567890#", ByPin("1234567890")),
        ("12 34.56\u00a07890 #", ByPin("1234567890")),
        ("team.1234-567 890#", BySlug("team", "1234567890")),
        ("123#", BySlug("123#")),
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


@pytest.mark.parametrize("listed", ["+33170180000", "0033170180000", "33170180000", "+33 (1) 70.18.00-00"])
@pytest.mark.parametrize("dialled", ["+33170180000", "0033170180000", "33170180000", "00-33-170180000"])
def test_however_a_reception_number_is_written(listed: str, dialled: str) -> None:
    assert Routes([listed], {}).destination(dialled) == Reception()
    assert Routes([], {listed: "en"}).destination(dialled) == Reception("en")
    assert Routes([listed], {}).destination("170180000") == ByPin("170180000")


@pytest.mark.parametrize(
    "name", ["meet", "Meet", "meet-en", "+33170180000", "33170180000", "00331 7018-0000", "40-00"]
)
def test_names_of_the_reception(name: str) -> None:
    assert ROUTES.is_reception(name)


@pytest.mark.parametrize("name", ["", "*", "team", "meet-fr", "170180000", "0170180000"])
def test_names_for_rooms(name: str) -> None:
    assert not ROUTES.is_reception(name)
