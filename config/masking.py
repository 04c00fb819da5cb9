"""What may be written of a dialled name, a number or a URI in a log, a call list or a record.

A PIN must never be seen and a telephone number never in full, and either can stand in the user part of a SIP
URI: ``sip:482913@host``, ``sip:budget.482913@host``, ``sip:+33123456742@trunk``. Of two readings the careful
one wins: bare digits are taken for a PIN, however many, and so is any run of four digits or more inside a
name, since people mistype the dot. Who knows that digits are a caller's number uses :func:`mask_number`.
"""

import re
from urllib.parse import quote, unquote

HIDDEN = "****"  # always four, so that not even the length is told
NATIONAL_NUMBER = 10  # digits; what is shorter is an extension

_SEPARATORS = re.compile(r"[\s().-]+")
_DIGITS = re.compile(r"[\d*#]+")
_LONG_RUN = re.compile(r"\d(?:[ -]?\d){3,}")
_SHORT_COUNTRY_CODES = re.compile(
    r"1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]"  # ITU-T E.164 annex D; the others have three
)


def mask_number(text: str) -> str:
    """A telephone number with its country code, the first digit and the last two: ``+33 1 ** ** ** 42``.

    National numbers keep their first two digits and the last two, extensions the last two; what is shorter
    than five digits is hidden.
    """
    number = _SEPARATORS.sub("", text)
    digits = number.removeprefix("+")
    if not _DIGITS.fullmatch(digits):
        return _mask_runs(text)
    if number.startswith("+"):
        code = _SHORT_COUNTRY_CODES.match(digits)
        cut = code.end() if code else 3
        return f"+{digits[:cut]} {_pairs(digits[cut:], 1)}"
    if number.startswith("00"):
        return mask_number("+" + number[2:])
    return _pairs(digits, 2 if len(digits) >= NATIONAL_NUMBER else 0)


def mask_user(user: str) -> str:
    """The user part of a SIP URI, unescaped: names are kept, PINs hidden, numbers with a ``+`` masked."""
    plain = _SEPARATORS.sub("", user)
    if plain.startswith("+"):
        return mask_number(plain)
    if _DIGITS.fullmatch(plain):
        return HIDDEN
    head, dot, pin = user.rpartition(".")
    if dot and _DIGITS.fullmatch(pin):
        return f"{mask_user(head)}.{HIDDEN}"
    return _mask_runs(user)


def mask_uri(uri: str) -> str:
    """A SIP, SIPS or tel URI without what must not be seen; its password and headers are left out."""
    scheme, colon, rest = uri.partition(":")
    if not colon or scheme.lower() not in ("sip", "sips", "tel"):
        return _mask_runs(uri)
    rest = rest.strip()
    if scheme.lower() == "tel":
        number = re.split("[;,?]", unquote(rest), maxsplit=1)[0]  # after a comma come keys to press: the PIN
        return f"{scheme}:{mask_number(number)}"
    user, at, host = rest.rpartition("@") if "@" in rest else ("", "", rest)
    name = re.split("[:;]", user, maxsplit=1)[0]
    masked = quote(mask_user(unquote(name)), safe=" !$&'()*+,=_~")
    return f"{scheme}:{masked}{at}{host.partition('?')[0]}"


def _pairs(digits: str, shown: int) -> str:
    """The first ``shown`` digits, stars two by two, and the last two digits; all hidden if there are few."""
    if len(digits) < 5:
        return HIDDEN
    stars = "*" * (len(digits) - shown - 2)
    groups = [digits[:shown], *(stars[i : i + 2] for i in range(0, len(stars), 2)), digits[-2:]]
    return " ".join(filter(None, groups))


def _mask_runs(text: str) -> str:
    return _LONG_RUN.sub(HIDDEN, text)
