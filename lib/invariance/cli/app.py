"""The command line's application, how it reports mistakes, and options that several commands have."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer import Option
from typer.core import TyperGroup

from invariance import __version__
from invariance.errors import BookError, InputError
from invariance.files import explained


class Commands(TyperGroup):
    """Commands that report what a reader can mend without a traceback, in a line if it is no chapter that fails."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except InputError as error:
            message = str(error)
        except BookError as error:
            typer.echo(f"\n{error}", err=True)
            raise typer.Exit(1) from None
        except OSError as error:
            known = explained(error)
            if known is None:
                raise
            message = known
        typer.echo(f"error: {' '.join(message.split())}", err=True)
        raise typer.Exit(2)


app = typer.Typer(cls=Commands, no_args_is_help=True, pretty_exceptions_enable=False)

Root = Annotated[Path | None, Option(help="Folder with _config.yml, _toc.yml and book/; found where left out.")]
Chapters = Annotated[str, Option(help="Only these chapters: numbers or names, such as 03 or 01,03.")]
Budget = Annotated[Literal["smoke", "quick", "night", "paper"], Option(help="Size of the studies.", envvar="BUDGET")]
Device = Annotated[str, Option(help="Where to compute: auto, cpu, cuda or cuda:1.")]
Protocol = Annotated[str, Option(help="corrected or published, perhaps with flags: corrected+last_epoch.")]
Seeds = Annotated[str, Option(help="Number of seeds, or paper for the paper's ten; 0 means the budget's.")]
Pictures = Annotated[Literal["embedded", "paper"], Option(help="Drawn by code, or the paper's own and CIFAR.")]


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"invariance {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[bool, Option("--version", callback=_version, is_eager=True, help="Show the version.")] = False,
) -> None:
    """Which invariances make a representation transfer? Build the book, or run its studies."""


def words(text: str) -> list[str]:
    """The words of an option, between commas or spaces."""
    return text.replace(",", " ").split()
