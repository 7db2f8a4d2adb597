"""The command line, `innovasjon`: parse, call, print. Heavy imports stand inside the commands, so that `--help` is quick."""

import contextlib
import io
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from classifier import __version__
from classifier.errors import ClassifierError

if TYPE_CHECKING:
    from classifier.batch import Summary
    from classifier.storage import Model
    from classifier.taxonomy import Taxonomy

LANGUAGES = ("nb", "nn", "en")


class Commands(click.Group):
    """The one place where an error of the user becomes a line on stderr and exit code 2."""

    def main(self, *args: Any, **extra: Any) -> Any:
        try:
            sys.exit(super().main(*args, **(extra | {"standalone_mode": False})) or 0)
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
            _close_output()
            ctx.exit(0)
        except OSError as error:
            _close_output()
            click.echo(f"innovasjon: {error.filename or 'output'}: {error.strerror or error}", err=True)
            ctx.exit(2)


def _close_output() -> None:
    """Nobody reads on, or nothing more can be written: what is left in the buffer goes nowhere, silently."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


model_option = click.option("--model", "model_folder", metavar="FOLDER", help="A model made by `train`; default: the one shipped.")
taxonomy_option = click.option("--taxonomy", "taxonomy_file", type=click.Path(path_type=Path), help="Your own facets and labels (TOML).")
language_option = click.option(
    "--language", type=click.Choice(LANGUAGES), default="nb", show_default=True, help="Of names and definitions."
)
jobs_option = click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, help="Processes or threads to share the work.")


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="innovasjon")
def main() -> None:
    """Types of innovation, barriers, phase and value in Norwegian public-sector project descriptions."""
    for stream in (sys.stdout, sys.stderr):  # piped on Windows they would be Windows-1252
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")


@main.command()
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="A file (.csv .tsv .xlsx .jsonl .jsonl.gz .parquet); default: standard output."
)
@click.option("--text-column", help="The column that holds the text; default: text, tekst or beskrivelse.")
@click.option("--id-column", help="The column that holds the id; default: id, else the row number.")
@model_option
@jobs_option
@click.option("--resume", is_flag=True, help="Go on with a run that was cut off.")
@click.option("--force", is_flag=True, help="Replace an output that exists.")
@click.option("--all-scores", is_flag=True, help="In JSON: the probability of every label.")
@click.option("--threshold", "thresholds", multiple=True, metavar="FACET.LABEL=P", help="Another threshold for a label; may be repeated.")
def label(
    inputs: tuple[str, ...], output: Path | None, text_column: str | None, id_column: str | None, model_folder: str | None,
    jobs: int, resume: bool, force: bool, all_scores: bool, thresholds: tuple[str, ...],
) -> None:  # fmt: skip
    """Label a batch: CSV, TSV, XLSX, JSONL, Parquet, a folder of .txt files, or - for standard input.

    Several INPUTs of the same columns are labelled one after the other into one output.
    """
    from classifier import batch
    from classifier.documents import open_sources

    if output == Path("-"):
        output = None
    source = open_sources(inputs, text_column, id_column)
    model = _with_thresholds(_model(model_folder), thresholds)
    with _progress(output is not None) as advance:
        summary = batch.label(source, output, model, jobs, force, resume, all_scores, advance)
    _print_summary(summary, model, output)


@main.command()
@click.argument("text", required=False)
@model_option
@click.option("--json", "as_json", is_flag=True, help="The prediction as JSON.")
@click.option("--all-scores", is_flag=True, help="In JSON: the probability of every label.")
@language_option
def predict(text: str | None, model_folder: str | None, as_json: bool, all_scores: bool, language: str) -> None:
    """One description, from the argument or from standard input (`-`)."""
    from classifier.prediction import predict as predict_one

    if text is None and sys.stdin.isatty():
        raise ClassifierError('give a text: innovasjon predict "…", or pipe one in')
    raw = sys.stdin.buffer.read() if text is None or text == "-" else os.fsencode(text)
    given = raw.decode("utf-8", errors="replace")
    model = _model(model_folder)
    prediction = predict_one(given, model)
    if as_json:
        click.echo(json.dumps({"id": "1", **prediction.to_dict(all_scores)}, ensure_ascii=False))
    else:
        from classifier.display import show

        click.echo(show(given, prediction, model.taxonomy, language))


@main.command()
@click.argument("data", nargs=-1, required=True, metavar="DATA...")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The model's folder.")
@taxonomy_option
@click.option("--name", help="The model's name; default: the folder's.")
@click.option("--model-version", default="1.0.0", show_default=True, help="The model's version.")
@click.option("--seed", type=int, default=0, show_default=True, help="Decides the folds; the same seed gives the same model.")
@click.option(
    "--score", "scored", multiple=True, metavar="NAME=FILE", help="Labelled data for the figures in the model card; may be repeated."
)
@click.option("--force", is_flag=True, help="Replace a model that exists.")
@jobs_option
def train(
    data: tuple[str, ...], output: Path, taxonomy_file: Path | None, name: str | None, model_version: str, seed: int,
    scored: tuple[str, ...], force: bool, jobs: int,
) -> None:  # fmt: skip
    """Train on labelled data (JSONL) and write a model folder with its model card."""
    from classifier import model as training
    from classifier import storage
    from classifier.card import card
    from classifier.documents.labelled import counts, read_labelled

    if output.exists() and not force:
        raise ClassifierError(f"{output}: exists already; --force replaces it, or choose another folder")
    if output.exists() and not output.is_dir():
        raise ClassifierError(f"{output}: is a file; name a folder")
    taxonomy = _taxonomy(taxonomy_file)
    parts = {part: read_labelled([file], taxonomy) for part, file in (_pair(s, "--score NAME=FILE") for s in scored)}
    records = read_labelled(data, taxonomy)
    made, _ = training.train(records, taxonomy, name or output.name, model_version, seed, jobs, lambda m: click.echo(m, err=True))
    figures = {part: _evaluate(rows, made) for part, rows in parts.items()}
    storage.save(made, output, card(made, figures, counts(records, taxonomy)))
    click.echo(f"{output}: trained on {len(records)} texts, {len(made.vocabulary)} features; the model card is {output / 'README.md'}")


@main.command()
@click.argument("data", nargs=-1, required=True, metavar="DATA...")
@model_option
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write all figures here as well.")
def evaluate(data: tuple[str, ...], model_folder: str | None, json_file: Path | None) -> None:
    """Score a model on labelled data (JSONL): F1 per facet and label, by language and source, with intervals."""
    from classifier.documents.labelled import read_labelled
    from classifier.evaluation import as_text

    model = _model(model_folder)
    result = _evaluate(read_labelled(data, model.taxonomy), model)
    click.echo(as_text(result))
    if json_file:
        _write(json_file, json.dumps(result, ensure_ascii=False, indent=1) + "\n")


@main.command()
@click.argument("data", nargs=-1, required=True, metavar="DATA...")
@taxonomy_option
@model_option
def check(data: tuple[str, ...], taxonomy_file: Path | None, model_folder: str | None) -> None:
    """Validate labelled data (JSONL) and count it: schema, offsets, near-duplicates, repeated phrases."""
    from classifier.annotation import data_faults
    from classifier.documents.labelled import counts, read_labelled

    taxonomy = _taxonomy(taxonomy_file, model_folder)
    records = read_labelled(data, taxonomy)
    for name, n in sorted(counts(records, taxonomy).items()):
        click.echo(f"{name:36} {n:6}")
    faults = data_faults(records)
    if faults:
        raise ClassifierError("\n".join(faults))
    click.echo("no fault found")


@main.command()
@taxonomy_option
@model_option
@language_option
def taxonomy(taxonomy_file: Path | None, model_folder: str | None, language: str) -> None:
    """Print the codes of facets and labels with their names and definitions."""
    from classifier.display import show_taxonomy

    click.echo(show_taxonomy(_taxonomy(taxonomy_file, model_folder), language))


def _model(folder: str | None) -> "Model":
    from classifier import storage

    return storage.shipped() if folder is None else storage.load(folder)


def _taxonomy(file: Path | None, model_folder: str | None = None) -> "Taxonomy":
    """The taxonomy of a file, else of a model, else the shipped one."""
    from classifier import taxonomy as taxonomies

    if file is None and model_folder is not None:
        return _model(model_folder).taxonomy
    return taxonomies.shipped() if file is None else taxonomies.read(file)


def _pair(given: str, form: str) -> tuple[str, str]:
    name, equals, value = given.partition("=")
    if not (name and equals and value):
        raise ClassifierError(f"{given!r}: should be of the form {form}")
    return name, value


def _with_thresholds(model: "Model", given: tuple[str, ...]) -> "Model":
    from dataclasses import replace

    changed = dict(model.thresholds)
    for pair in given:
        name, value = _pair(pair, "--threshold FACET.LABEL=P")
        if name not in changed:
            raise ClassifierError(f"--threshold {pair}: no such label; the model has {', '.join(changed)}")
        try:
            changed[name] = float(value.replace(",", "."))
        except ValueError:
            changed[name] = -1
        if not 0 <= changed[name] <= 1:
            raise ClassifierError(f"--threshold {pair}: {value!r} is not a probability between 0 and 1")
    return replace(model, thresholds=changed) if given else model


def _evaluate(records: list[dict[str, Any]], model: "Model") -> dict[str, Any]:
    from classifier.evaluation import evaluate as figures
    from classifier.prediction import predict_many

    predicted = [p.to_dict() for p in predict_many((r["text"] for r in records), model)]
    return figures(records, predicted, model.taxonomy)


def _write(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise ClassifierError(f"{path}: cannot write: {error.strerror}") from error


def _progress(wanted: bool) -> "contextlib.AbstractContextManager[Callable[[int], None]]":
    """A counter on a terminal, nothing elsewhere."""

    @contextlib.contextmanager
    def counter() -> Any:
        done = 0

        def advance(n: int) -> None:
            nonlocal done
            done += n
            click.echo(f"\r{done} rows", nl=False, err=True)

        yield advance
        click.echo("\r", nl=False, err=True)

    return counter() if wanted and sys.stderr.isatty() else contextlib.nullcontext(lambda n: None)


def _print_summary(summary: "Summary", model: "Model", output: Path | None) -> None:
    from classifier.display import show_summary

    if summary.resumed < 0:
        click.echo(f"{output}: is finished already; nothing to resume", err=True)
        return
    click.echo(show_summary(summary, model.taxonomy, output), err=output is None)
