"""What the commands share: how an error is told, options, and the model, taxonomy and figures that they ask for."""

import contextlib
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from classifier.errors import ClassifierError

if TYPE_CHECKING:
    from classifier.storage import Model
    from classifier.taxonomy import Taxonomy

LANGUAGES = ("nb", "nn", "en")
STOPPED = 130  # the exit code of a program that Ctrl-C ended


class Commands(click.Group):
    """The one place where an error of the user becomes a line on stderr and exit code 2."""

    def main(self, *args: Any, **extra: Any) -> Any:
        try:
            sys.exit(super().main(*args, **(extra | {"standalone_mode": False})) or 0)
        except click.Abort:
            click.echo("innovasjon: stopped", err=True)
            sys.exit(STOPPED)
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
        except click.UsageError as error:
            place = error.ctx.command_path if error.ctx else "innovasjon"
            click.echo(f"innovasjon: {' '.join(error.format_message().split())} (see {place} --help)", err=True)
        sys.exit(2)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ClassifierError as error:
            click.echo(f"innovasjon: {error}", err=True)
            ctx.exit(2)
        except BrokenPipeError:  # `innovasjon … | head`
            close_output()
            ctx.exit(0)
        except OSError as error:
            close_output()
            click.echo(f"innovasjon: {error.filename or 'output'}: {error.strerror or error}", err=True)
            ctx.exit(2)


def close_output() -> None:
    """Nobody reads on, or nothing more can be written: what is left in the buffer goes nowhere, silently."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


model_option = click.option("--model", "model_folder", metavar="FOLDER", help="A model made by `train`; default: the one shipped.")
taxonomy_option = click.option("--taxonomy", "taxonomy_file", type=click.Path(path_type=Path), help="Your own facets and labels (TOML).")
language_option = click.option(
    "--language", type=click.Choice(LANGUAGES), default="nb", show_default=True, help="Of names and definitions."
)
jobs_option = click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, help="Processes or threads to share the work.")


def model_of(folder: str | None) -> "Model":
    """The model of a folder, else the shipped one."""
    from classifier import storage

    return storage.shipped() if folder is None else storage.load(folder)


def taxonomy_of(file: Path | None, model_folder: str | None = None) -> "Taxonomy":
    """The taxonomy of a file, else of a model, else the shipped one."""
    from classifier import taxonomy as taxonomies

    if file is None and model_folder is not None:
        return model_of(model_folder).taxonomy
    return taxonomies.shipped() if file is None else taxonomies.read(file)


def labelled_of(files: Iterable[str | Path], taxonomy: "Taxonomy") -> list[dict[str, Any]]:
    """Labelled data of JSONL files and tables; what is left out of a table is told on stderr."""
    from classifier.documents.labelled import read_labelled

    return read_labelled(files, taxonomy, note=lambda message: click.echo(message, err=True))


def pair_of(given: str, form: str) -> tuple[str, str]:
    """The two sides of an option of the form NAME=VALUE."""
    name, equals, value = given.partition("=")
    if not (name and equals and value):
        raise ClassifierError(f"{given!r}: should be of the form {form}")
    return name, value


def predictions_of(records: list[dict[str, Any]], model: "Model") -> list[dict[str, Any]]:
    """What a model says of labelled records, with the probability of every label."""
    from classifier.prediction import predict_many

    return [p.to_dict(all_scores=True) for p in predict_many((r["text"] for r in records), model)]


def figures_of(records: list[dict[str, Any]], model: "Model") -> dict[str, Any]:
    """The figures of a model on labelled records."""
    from classifier.evaluation import evaluate as figures

    return figures(records, predictions_of(records, model), model.taxonomy)


def may_write(path: Path, force: bool) -> None:
    """Before the work: raises `ClassifierError` where a file could not, or without `force` should not, be written."""
    if not path.parent.is_dir():
        raise ClassifierError(f"{path}: the folder {path.parent} does not exist; make it first")
    if path.is_dir():
        raise ClassifierError(f"{path}: is a folder; name a file")
    if path.exists() and not force:
        raise ClassifierError(f"{path}: exists already; --force replaces it, or choose another name")


def write(path: Path, content: str | bytes) -> None:
    """Text or bytes into a file that has its name only when it is whole."""
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise ClassifierError(f"{path}: cannot write: {error.strerror}") from error
