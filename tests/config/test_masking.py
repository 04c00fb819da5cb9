import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.masking import mask_number, mask_uri, mask_user


@pytest.mark.parametrize(
    ("number", "masked"),
    [
        ("+33123456742", "+33 1 ** ** ** 42"),
        ("+33 1 23 45 67 42", "+33 1 ** ** ** 42"),
        ("0033123456742", "+33 1 ** ** ** 42"),
        ("+1 (212) 555-1234", "+1 2 ** ** ** * 34"),
        ("+4930123456", "+49 3 ** ** * 56"),
        ("+352123456", "+352 1 ** * 56"),
        ("0123456742", "01 ** ** ** 42"),
        ("42170", "** * 70"),
        ("4217", "****"),
        ("17", "****"),
        ("+33", "+33 ****"),
        ("anonymous", "anonymous"),
        ("", ""),
    ],
)
def test_a_number_keeps_its_country_code_its_first_digit_and_the_last_two(number: str, masked: str) -> None:
    assert mask_number(number) == masked


@pytest.mark.parametrize(
    ("user", "masked"),
    [
        ("meet", "meet"),
        ("alice.martin", "alice.martin"),
        ("salle-12", "salle-12"),
        ("482913", "****"),
        ("48 29 13", "****"),
        ("4829131234", "****"),
        ("01.23.45.67.42", "****"),
        ("+33123456742", "+33 1 ** ** ** 42"),
        ("budget.482913", "budget.****"),
        ("budget.7", "budget.****"),
        ("budget.2026.482913", "budget.****.****"),
        ("123456789.4242", "****"),
        ("budget482913", "budget****"),
        ("budget-48-29-13", "budget-****"),
        ("*6123456", "****"),
        ("", ""),
    ],
)
def test_a_user_part_keeps_names_and_hides_pins(user: str, masked: str) -> None:
    assert mask_user(user) == masked


@pytest.mark.parametrize(
    ("uri", "masked"),
    [
        ("sip:meet@gateway.example", "sip:meet@gateway.example"),
        ("sip:482913@192.0.2.1:5060;transport=tcp", "sip:****@192.0.2.1:5060;transport=tcp"),
        ("sips:budget.482913@[2001:db8::1]", "sips:budget.****@[2001:db8::1]"),
        ("sip:%34%38%32913@host", "sip:****@host"),
        ("sip:alice:s3cret@host", "sip:alice@host"),
        ("sip:+33123456742;phone-context=+33@trunk;user=phone", "sip:+33 1 ** ** ** 42@trunk;user=phone"),
        ("sip:meet@host?X-Pin=482913", "sip:meet@host"),
        ("sip:482913@4829@host", "sip:****%40****@host"),
        ("sip:gateway.example:5060", "sip:gateway.example:5060"),
        ("sip:a%0Ab@host", "sip:a%0Ab@host"),
        ("tel:+33123456742,,482913#", "tel:+33 1 ** ** ** 42"),
        ("tel:0123456742;phone-context=example", "tel:01 ** ** ** 42"),
        ("urn:service:sos", "urn:service:sos"),
        ("482913@host", "****@host"),
    ],
)
def test_a_uri_loses_pins_numbers_passwords_and_headers(uri: str, masked: str) -> None:
    assert mask_uri(uri) == masked


@settings(max_examples=60, deadline=None)
@given(
    pin=st.from_regex(r"[1-9][0-9]{3,19}", fullmatch=True),
    slug=st.from_regex(r"[a-z]{1,6}", fullmatch=True),
    separator=st.sampled_from([".", "", "-", " ", ":", ";", "*", "#", ","]),
)
def test_no_pin_is_left_however_it_is_glued_to_a_name(pin: str, slug: str, separator: str) -> None:
    assert pin not in mask_uri(f"sip:{slug}{separator}{pin}@host")
    assert pin not in mask_user(f"{slug}{separator}{pin}")
    assert pin not in mask_user(pin)
    assert pin not in mask_uri(f"tel:{slug}{separator}{pin}")
