import tomllib
from pathlib import Path

from config.settings import Settings, load, template


def test_the_template_gives_exactly_the_defaults(tmp_path: Path) -> None:
    assert Settings.model_validate(tomllib.loads(template())) == Settings()
    (tmp_path / "passerelle.toml").write_text(template())
    (tmp_path / "empty.toml").write_text("")
    assert load(tmp_path / "passerelle.toml", {}) == load(tmp_path / "empty.toml", {})


def test_every_key_is_there_below_its_comment() -> None:
    lines = template().splitlines()
    for name in Settings.model_fields:
        section = getattr(Settings(), name)
        start = lines.index(f"[{name}]")
        assert lines[start - 1] == f"# {type(section).__doc__}"
        for key in type(section).model_fields:
            at = next(
                i for i in range(start, len(lines)) if lines[i].removeprefix("# ").startswith(f"{key} = ")
            )
            assert lines[at - 1].startswith("# "), f"{name}.{key} has no comment"


def test_keys_without_a_default_are_shown_as_comments_that_can_be_uncommented() -> None:
    text = template().replace('# prompts = "prompts"', 'prompts = "prompts"')
    assert Settings.model_validate(tomllib.loads(text)).ivr.prompts == Path("prompts")


def test_lines_are_short_enough_to_read() -> None:
    assert max(map(len, template().splitlines())) <= 110
