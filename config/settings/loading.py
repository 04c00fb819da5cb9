"""From a TOML file and the environment to :class:`Settings`, or to a list of all that is wrong.

The environment wins over the file, the file over the defaults. ``PASSERELLE_LIMITS__CALLS=50`` sets
``limits.calls``; a list may be given with commas or as TOML, a table as TOML (``{ meet-en = "en" }``); an
empty variable counts as unset. A secret ``key`` may be given as ``key_file`` instead, which names a file
that holds it.
"""

import tomllib
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from config.settings.checks import check
from config.settings.problems import Problem, SettingsError, describe, printable, problems_of, secret_keys
from config.settings.sections import Section, Settings

PREFIX = "PASSERELLE_"
NEAR = 0.7
"""From here on, two names are one and its misspelling, as ``difflib`` measures it."""
UNREADABLE = (ValueError, RecursionError)
"""What ``tomllib`` raises: its own error is a ValueError, as is that of a number of 5,000 digits."""


def load(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """Read ``path`` (``None``: defaults only) and the ``PASSERELLE_…`` variables of ``environ``.

    Files that the settings name are found from the folder of ``path``, or from the current folder.

    Raises:
        SettingsError: with every problem found.
    """
    folder = (path.parent if path else Path()).absolute()
    raw = _read(path) if path else {}
    problems = list(_overlay(raw, environ))
    for name, info in Settings.model_fields.items():
        section = raw.setdefault(name, {})
        if (
            isinstance(section, dict)
            and isinstance(info.annotation, type)
            and issubclass(info.annotation, Section)
        ):
            problems += _read_secrets(name, section, info.annotation, folder)
    try:
        settings = Settings.model_validate(raw, context={"folder": folder})
    except ValidationError as error:
        raise SettingsError(problems + list(problems_of(error, Settings))) from None
    problems += check(settings)
    if problems:
        raise SettingsError(problems)
    return settings


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))  # Windows' editors begin with a BOM
    except IsADirectoryError:
        hint = f"name the file in it, such as {path / 'passerelle.toml'}"
        raise SettingsError([Problem(str(path), "is a folder, not a settings file", hint)]) from None
    except OSError as error:
        hint = "passerelle init-config writes one" if isinstance(error, FileNotFoundError) else ""
        raise SettingsError([Problem(str(path), f"cannot be read: {error.strerror}", hint)]) from None
    except UnicodeDecodeError as error:
        raise SettingsError([Problem(str(path), f"is not UTF-8 text at octet {error.start}")]) from None
    except UNREADABLE as error:  # its message ends with "(at line 3, column 9)"
        raise SettingsError([Problem(str(path), f"is not TOML: {error}")]) from None


def _overlay(raw: dict[str, Any], environ: Mapping[str, str]) -> Iterator[Problem]:
    """Write the environment's values over the file's."""
    known = _names()
    for variable, text in sorted(environ.items()):
        if not (variable.startswith(PREFIX) and text):
            continue
        name = variable.removeprefix(PREFIX)
        if name not in known:
            yield from _unknown(name, known)
            continue
        section, _, key = name.lower().partition("__")
        if isinstance(table := raw.setdefault(section, {}), dict):
            table[key] = _value(text)
            # A secret from the environment replaces the file's, whichever of its two keys each of them used.
            table.pop(key.removesuffix("_file") if key.endswith("_file") else f"{key}_file", None)


def misspelt(environ: Mapping[str, str]) -> Iterator[Problem]:
    """Variables that set nothing, but would if their prefix were ours: PASERELLE_SIP__LISTEN."""
    known = _names()
    for variable in sorted(environ):
        prefix, _, name = variable.partition("_")
        if (
            name in known
            and f"{prefix}_" != PREFIX
            and get_close_matches(f"{prefix}_", [PREFIX], cutoff=NEAR)
        ):
            yield Problem(variable, "sets nothing", f"did you mean {PREFIX}{name}?")


def _names() -> list[str]:
    """What follows the prefix in every variable that sets a key."""
    return [
        f"{section}__{key}".upper()
        for section, info in Settings.model_fields.items()
        if isinstance(info.annotation, type) and issubclass(info.annotation, Section)
        for key in (
            *info.annotation.model_fields,
            *(f"{secret}_file" for secret in secret_keys(info.annotation)),
        )
    ]


def _unknown(name: str, known: list[str]) -> Iterator[Problem]:
    """A variable that sets nothing: one of ours, misspelt, or another program's.

    Kubernetes sets PASSERELLE_PORT and the like of its own accord; so where the two underscores are missing,
    only the exact name of a key or of a section is taken for one.
    """
    variable = PREFIX + name
    if "__" in name:
        close = get_close_matches(name, known, n=1, cutoff=NEAR)
        hint = (
            f"did you mean {PREFIX}{close[0]}?" if close else "passerelle init-config shows which there are"
        )
        yield Problem(variable, "there is no such setting", hint)
        return
    for meant in known:
        if meant.replace("__", "_") == name:
            yield Problem(variable, "sets nothing", f"did you mean {PREFIX}{meant}, with two underscores?")
        elif meant.startswith(f"{name}__"):
            hint = f"name the key as well, as in {PREFIX}{meant}"
            yield Problem(variable, "is a section, not a key", hint)
            return


def _value(text: str) -> Any:
    """Lists and tables are written as in TOML; all else is text, of which the models make what they need."""
    if text.startswith(("[", "{")):
        try:
            return tomllib.loads(f"value = {text}")["value"]
        except UNREADABLE:  # such as [::1]:8080
            return text
    return text


def _read_secrets(
    name: str, section: dict[str, Any], model: type[Section], folder: Path
) -> Iterator[Problem]:
    """Replace each ``key_file`` by ``key`` with the file's contents."""
    for key in secret_keys(model):
        if (file := section.pop(f"{key}_file", None)) is None:
            continue
        place = f"{name}.{key}_file"
        if key in section:
            yield Problem(place, f"{name}.{key} is given as well", "keep one of the two")
        elif not isinstance(file, str):
            yield Problem(place, f"got {describe(file)}, expected the path of a file")
        else:
            try:
                section[key] = (folder / Path(file).expanduser()).read_text(encoding="utf-8").strip()
            except (OSError, ValueError, RuntimeError) as error:  # also no UTF-8, a NUL, nobody's ~
                yield Problem(place, f"{printable(file)} cannot be read: {error}")
