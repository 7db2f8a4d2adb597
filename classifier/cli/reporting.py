"""Commands that tell what was found: `summarise`."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from classifier.cli.common import language_option, model_of, model_option, write
from classifier.errors import ClassifierError

if TYPE_CHECKING:
    from classifier.confusion import Confusion
    from classifier.documents.results import Result
    from classifier.storage import Model

calibrate_option = click.option(
    "--calibrate", multiple=True, metavar="GOLD", help="Labelled data (JSONL) of your own, to know the errors by; repeatable."
)


@click.command()
@click.argument("labelled", metavar="LABELLED")
@click.option("--by", multiple=True, metavar="COLUMN", help="A column that makes groups; repeated: every combination of values.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="A file (.csv .tsv .xlsx .json); default: a table on the terminal.")
@model_option
@calibrate_option
@click.option("--force", is_flag=True, help="Replace an output that exists.")
@language_option
def summarise(
    labelled: str, by: tuple[str, ...], output: Path | None, model_folder: str | None, calibrate: tuple[str, ...],
    force: bool, language: str,
) -> None:  # fmt: skip
    """Shares of documents with each label, corrected for the model's known error, with 95 % intervals.

    LABELLED is what `label` wrote, in any format. With --by, also for each group: --by virksomhet, --by år (a trend), or both. JSON lines
    and Parquet hold the probabilities of all labels with `label --all-scores` only; without, the correction goes by the labels alone.

    A share counted from a model's labels carries its errors. How often it errs is known from training texts that it had not learnt from;
    that holds for texts like those. For texts of another kind, label by hand some hundred of them that the model was not trained on (in
    the form that `evaluate` reads) and give them with --calibrate. An interval carries what is not known of the errors, and takes the
    documents for a sample of what could have been written: a share of all there are is surer than it says.
    """
    from classifier.documents.readers import suffix_of
    from classifier.documents.results import open_results
    from classifier.prevalence import count, shares, tables

    if output is not None:
        tables.format_of(suffix_of(output), str(output))
        if output.exists() and not force:
            raise ClassifierError(f"{output}: exists already; --force replaces it, or choose another name")
    model = model_of(model_folder)
    results = open_results(labelled, model.taxonomy)
    for column in by:
        if column not in results.columns:
            listed = ", ".join(" ".join(c.split()) for c in results.columns[:30])
            raise ClassifierError(f"{labelled}: no column {column!r} for --by; the columns are: {listed}")
    errors, known = errors_of(model, calibrate)
    tally = count(made_by(model, results.rows, labelled), model.taxonomy, errors, list(dict.fromkeys(by)))
    documents = sum(tally.documents.values())
    if not documents:
        reason = f" (id {tally.first_problems[0]})" if tally.first_problems else ""
        raise ClassifierError(f"{labelled}: no row that can be counted{reason}")
    found = shares(tally)
    used = tables.basis(str(model), known, ", ".join(calibrate) or None, language)
    if output is not None:
        write(output, tables.encode(found, tally, model.taxonomy, suffix_of(output), used, language, results.delimiter))
    click.echo(tables.about(tally, labelled, str(model), used, not calibrate, language), err=output is not None)
    click.echo(f"→ {output}" if output else tables.as_text(found, tally, model.taxonomy, language), err=output is not None)


def errors_of(model: "Model", samples: tuple[str, ...]) -> tuple["dict[str, Confusion]", int]:
    """(known errors, on how many texts): the model's own, or measured on labelled samples."""
    from classifier.documents.labelled import read_labelled
    from classifier.prediction import predict_many
    from classifier.reliability import errors_on

    if not samples:
        return model.errors, int(model.training.get("documents", 0)) if model.errors else 0
    records = read_labelled(samples, model.taxonomy)
    return errors_on(records, list(predict_many((r["text"] for r in records), model, evidence=False)), model), len(records)


def made_by(model: "Model", rows: "Iterator[Result]", name: str) -> "Iterator[Result]":
    """The rows. Raises `ClassifierError` at one that another model labelled, whose errors are not known here."""
    for row in rows:
        if row.problem is None and row.model != str(model):
            raise ClassifierError(f"{name}: labelled by {row.model!r} (id {row.id}), not by {str(model)!r}; name its folder with --model")
        yield row
