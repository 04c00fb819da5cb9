"""The command ``passerelle``, also ``python -m gateway``, and how it says what went wrong."""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from io import TextIOWrapper

import click

from config.outcome import PasserelleError
from config.settings import SettingsError
from gateway.cli import passerelle

REFUSED = 1
WRONG_USAGE = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status: 0 done, 1 refused, 2 wrong usage."""
    if isinstance(
        sys.stdout, TextIOWrapper
    ):  # file names need be no text; in JSON, this is how to write them
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        status = passerelle.main(arguments, prog_name="passerelle", standalone_mode=False)
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else "passerelle"
        return _fail(WRONG_USAGE, f"{path}: {error.format_message()}", f"Try: {path} --help")
    except click.ClickException as error:
        return _fail(REFUSED, f"passerelle: {error.format_message()}")
    except SettingsError as error:
        return _fail(REFUSED, *map(str, error.problems))
    except PasserelleError as error:
        return _fail(REFUSED, f"passerelle: {error}", error.hint)
    except (click.Abort, KeyboardInterrupt):
        return _fail(REFUSED, "passerelle: interrupted")
    except OSError as error:  # such as a full disk behind standard output
        _let_go_of_stdout()
        return _fail(REFUSED, f"passerelle: {error}")
    return status if isinstance(status, int) else 0


def _let_go_of_stdout() -> None:
    """Let the interpreter's last flush go nowhere: it would fail again, and say so in its own words."""
    with suppress(OSError, ValueError):  # there is none, or it is no file: tests
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(status: int, *lines: str) -> int:
    for line in filter(None, lines):
        click.echo(line, err=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
