"""``passerelle init-config``: the settings file, with every key explained."""

from pathlib import Path

import click

from config.outcome import Outcome, PasserelleError
from config.settings import template
from gateway.cli.common import config_option


@click.command("init-config")
@click.option(
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Where to write it; a file that is there is left alone. Default: standard output.",
)
@config_option
def init_config(output: Path | None) -> None:
    """Write a settings file, every key explained."""
    if output is None:
        click.echo(template(), nl=False)
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
    click.echo(f"Wrote {output}. Edit it, then: passerelle check --config {output}")
