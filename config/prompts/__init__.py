"""Where the recordings are: shipped ones beside this file, replaced by those of a folder of one's own.

A recording is ``<language>/<phrase>.flac``, 16 kHz mono, made by ``tools/make_prompts.py`` from
``config.texts``. A folder of one's own has the same shape; what is not in it is taken from the shipped
set. It may also hold ``rooms/<slug>``, the spoken name of a room, which is heard on entering. There any of
``SUFFIXES`` will do; where there are several, the first of them. ``music.flac``, made by
``tools/make_music.py``, is what is heard in the waiting room; it can be replaced in the same way.
"""

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from pathlib import Path

from config.outcome import Outcome, PasserelleError
from config.texts import Phrase

SHIPPED = Path(__file__).parent
MUSIC = SHIPPED / "music.flac"
SUFFIXES = (".wav", ".flac", ".ogg", ".opus", ".mp3")


def find(override: Path | None, languages: Collection[str]) -> Mapping[str, Mapping[Phrase, Path]]:
    """The file of every phrase in every language.

    Raises:
        PasserelleError: naming the file that is missing, or the folder.
    """
    if override is not None and not override.is_dir():
        raise PasserelleError(
            f"the folder of prompts {override} is not there",
            outcome=Outcome.UNAVAILABLE,
            hint="Create it, or leave ivr.prompts out of the settings.",
        )
    return {
        language: {phrase: _find(override, language, phrase) for phrase in Phrase} for language in languages
    }


def find_music(override: Path | None) -> Path:
    """The music of the waiting room. Raises PasserelleError when it is missing."""
    return _first(override, "music", MUSIC)


def find_room_names(override: Path | None) -> Mapping[str, Path]:
    """The recorded names of rooms, by slug."""
    if override is None:
        return {}
    files = sorted((override / "rooms").glob("*"), key=_rank, reverse=True)
    return {file.stem: file for file in files if file.suffix in SUFFIXES}


def find_unused(override: Path | None, languages: Collection[str]) -> Mapping[Path, str]:
    """Recordings that are never heard, since none is called so; with each the nearest name of one, or ""."""
    if override is None:
        return {}
    names = ["music", *(f"{language}/{phrase}" for language in languages for phrase in Phrase)]
    unused: dict[Path, str] = {}
    for file in sorted({*override.glob("*"), *override.glob("*/*")}):
        name, suffix = file.relative_to(override).with_suffix("").as_posix(), file.suffix.lower()
        known = name in names or name.startswith("rooms/")
        if suffix in SUFFIXES and not (known and file.suffix == suffix):  # welcome.WAV is not looked for
            near = [name] if known else get_close_matches(name, names, n=1)
            unused[file] = near[0] + suffix if near else ""
    return unused


def _find(override: Path | None, language: str, phrase: Phrase) -> Path:
    folder = override / language if override else None
    return _first(folder, phrase.value, SHIPPED / language / f"{phrase.value}.flac")


def _first(folder: Path | None, stem: str, shipped: Path) -> Path:
    """One's own file if there is one, else the shipped one."""
    own = [folder / f"{stem}{suffix}" for suffix in SUFFIXES] if folder else []
    for file in (*own, shipped):
        if file.is_file():
            return file
    raise PasserelleError(
        f"the recording {shipped} is missing",
        outcome=Outcome.UNAVAILABLE,
        hint="Install Passerelle again, or put a recording of that name into the folder ivr.prompts.",
    )


def _rank(file: Path) -> int:
    return SUFFIXES.index(file.suffix) if file.suffix in SUFFIXES else len(SUFFIXES)
