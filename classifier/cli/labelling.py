"""Commands that label: `label`, `predict`."""

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from classifier.cli.common import STOPPED, jobs_option, language_option, model_of, model_option, pair_of
from classifier.cli.progress import progress
from classifier.errors import ClassifierError

if TYPE_CHECKING:
    from classifier.storage import Model


@click.command()
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="A file (.csv .tsv .jsonl, also .gz .zst; .xlsx .parquet); default: standard output.",
)
@click.option("--text-column", help="The column that holds the text; default: text, tekst or beskrivelse.")
@click.option("--id-column", help="The column that holds the id; default: id, else the row number.")
@click.option("--passages", is_flag=True, help="Cut .txt files into passages, too, as PDF, DOCX, HTML and Markdown always are.")
@model_option
@jobs_option
@click.option("--resume", is_flag=True, help="Go on with a run that was cut off.")
@click.option("--force", is_flag=True, help="Replace an output that exists.")
@click.option("--strict", is_flag=True, help="Stop at the first row that cannot be read as it should.")
@click.option("--all-scores", is_flag=True, help="In JSON: the probability of every label.")
@click.option("--threshold", "thresholds", multiple=True, metavar="FACET.LABEL=P", help="Another threshold for a label; may be repeated.")
@click.option("--backend", type=click.Choice(["local", "dask"]), default="local", show_default=True, help="Where the work is done.")
@click.option("--scheduler", metavar="ADDRESS", help="Of the Dask cluster for --backend dask, such as tcp://10.0.0.1:8786.")
@language_option
def label(
    inputs: tuple[str, ...], output: Path | None, text_column: str | None, id_column: str | None, passages: bool, model_folder: str | None,
    jobs: int, resume: bool, force: bool, strict: bool, all_scores: bool, thresholds: tuple[str, ...], backend: str, scheduler: str | None,
    language: str,
) -> None:  # fmt: skip
    """Label a batch: CSV, TSV, JSONL (also .gz, .zst), XLSX, Parquet, a folder of .txt files, or - for standard input.

    Several INPUTs of the same columns are labelled one after the other into one output. PDF, DOCX, HTML and Markdown files, and folders
    of them, are cut into passages: a row for each, with its document, page and heading.
    """
    from classifier import batch
    from classifier.display import show_summary
    from classifier.display.words import word
    from classifier.documents import open_sources

    if output == Path("-"):
        output = None
    if (backend == "dask") != (scheduler is not None):
        raise ClassifierError("--backend dask and --scheduler ADDRESS go together; give both or neither")
    source = open_sources(inputs, text_column, id_column, passages)
    model = _with_thresholds(model_of(model_folder), thresholds)
    try:
        with progress(output is not None, inputs, language) as advance:
            summary = batch.label(source, output, model, jobs, force, resume, all_scores, advance, strict, scheduler)
    except KeyboardInterrupt:
        kept = "; what was done is kept: go on with --resume" if output else ""
        click.echo(f"\ninnovasjon: stopped{kept}", err=True)
        sys.exit(STOPPED)
    if summary.resumed < 0:
        click.echo(f"{output}: {word('finished', language)}", err=True)
    else:
        show_summary(summary, model.taxonomy, output, language)


@click.command()
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
    model = model_of(model_folder)
    prediction = predict_one(given, model)
    if as_json:
        click.echo(json.dumps({"id": "1", **prediction.to_dict(all_scores)}, ensure_ascii=False))
    else:
        from classifier.display import show

        show(given, prediction, model.taxonomy, language)


def _with_thresholds(model: "Model", given: tuple[str, ...]) -> "Model":
    from dataclasses import replace

    changed = dict(model.thresholds)
    for pair in given:
        name, value = pair_of(pair, "--threshold FACET.LABEL=P")
        if name not in changed:
            raise ClassifierError(f"--threshold {pair}: no such label; the model has {', '.join(changed)}")
        try:
            changed[name] = float(value.replace(",", "."))
        except ValueError:
            changed[name] = -1
        if not 0 <= changed[name] <= 1:
            raise ClassifierError(f"--threshold {pair}: {value!r} is not a probability between 0 and 1")
    return replace(model, thresholds=changed) if given else model
