"""``passerelle init-config``: the settings file, with every key explained."""

from pathlib import Path

import click

from config.outcome import Outcome, PasserelleError
from config.settings import template
from gateway.cli.common import config_option, json_option, print_json


@click.command("init-config")
@click.option(
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Where to write it; a file that is there is left alone. Default: standard output.",
)
@json_option
@config_option
def init_config(output: Path | None, as_json: bool) -> None:
    """Write a settings file, every key explained.

    With --json it is one string, or with --output as well, an object with the path.
    """
    if output is None:
        print_json(template()) if as_json else click.echo(template(), nl=False)
        return
    try:
        with output.open("x", encoding="utf-8") as file:
            file.write(template())
    except FileExistsError:
        raise PasserelleError(
            f"{output} is there already and was left as it is",
            outcome=Outcome.BAD_REQUEST,
            hint="Choose another --output, or move that file away first.",
        ) from None
    except OSError as error:
        raise PasserelleError(
            f"{output} cannot be written: {error.strerror}",
            outcome=Outcome.UNAVAILABLE,
            hint="Choose an --output in a folder that you may write to.",
        ) from None
    if as_json:
        print_json({"path": str(output)})
    else:
        click.echo(f"Wrote {output}. Edit it, then: passerelle check --config {output}")
