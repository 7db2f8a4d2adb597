"""Commands that train and judge: `train`, `evaluate`, `check`, `taxonomy`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from classifier.cli.common import (
    figures_of,
    jobs_option,
    labelled_of,
    language_option,
    may_write,
    model_of,
    model_option,
    pair_of,
    predictions_of,
    taxonomy_of,
    taxonomy_option,
    write,
)  # fmt: skip
from classifier.errors import ClassifierError

if TYPE_CHECKING:
    from classifier.taxonomy import Taxonomy


@click.command()
@click.argument("data", nargs=-1, required=True, metavar="DATA...")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The model's folder.")
@taxonomy_option
@click.option("--name", help="The model's name; default: the folder's.")
@click.option("--model-version", default="1.0.0", show_default=True, help="The model's version.")
@click.option("--seed", type=int, default=0, show_default=True, help="Decides the folds; the same seed gives the same model.")
@click.option(
    "--score", "scored", multiple=True, metavar="NAME=FILE", help="Labelled data for the figures in the model card; may be repeated."
)
@click.option(
    "--report", type=click.Path(path_type=Path), metavar="FILE", help="Write a learning curve and what more labels would give (.md, .json)."
)
@click.option("--force", is_flag=True, help="Replace a model and a report that exist.")
@jobs_option
@language_option
def train(
    data: tuple[str, ...], output: Path, taxonomy_file: Path | None, name: str | None, model_version: str, seed: int,
    scored: tuple[str, ...], report: Path | None, force: bool, jobs: int, language: str,
) -> None:  # fmt: skip
    """Train on labelled data (JSONL, CSV, XLSX) and write a model folder with its model card."""
    if report:
        may_write(report, force)
        if report.suffix not in (".md", ".json"):
            raise ClassifierError(f"{report}: the report is written as .md or .json; name such a file")

    from classifier import model as training
    from classifier import storage
    from classifier.card import card
    from classifier.documents.labelled import counts

    if output.exists() and not force:
        raise ClassifierError(f"{output}: exists already; --force replaces it, or choose another folder")
    if output.exists() and not output.is_dir():
        raise ClassifierError(f"{output}: is a file; name a folder")
    taxonomy = taxonomy_of(taxonomy_file)
    parts = {part: labelled_of([file], taxonomy) for part, file in (pair_of(s, "--score NAME=FILE") for s in scored)}
    records = labelled_of(data, taxonomy)
    made, held_out = training.train(records, taxonomy, name or output.name, model_version, seed, jobs, lambda m: click.echo(m, err=True))
    figures = {part: figures_of(rows, made) for part, rows in parts.items()}
    storage.save(made, output, card(made, figures, counts(records, taxonomy), training.cases(records, made, held_out)))
    click.echo(f"{output}: trained on {len(records)} texts, {len(made.vocabulary)} features; the model card is {output / 'README.md'}")
    if report:
        told, shown = _forecast(records, taxonomy, seed, jobs, language)
        write(report, shown if report.suffix == ".md" else json.dumps(told, ensure_ascii=False, indent=1) + "\n")
        click.echo(f"\n{shown}\n{report}: this, {'as Markdown' if report.suffix == '.md' else 'as JSON'}")


def _forecast(records: list[dict[str, Any]], taxonomy: "Taxonomy", seed: int, jobs: int, language: str) -> tuple[dict[str, Any], str]:
    """(what more labels are likely to give, the same in Markdown)."""
    from classifier.annotation import gain
    from classifier.annotation.wording import report

    mixed = gain.mixed(records, seed)
    curve = gain.curve(mixed, gain.steps_of(len(mixed)), taxonomy, None, seed, jobs, lambda m: click.echo(m, err=True))
    if not curve.sizes:
        raise ClassifierError(f"too few labelled texts for a learning curve: {len(records)}; at least {gain.LEAST} are needed")
    told = gain.forecast(curve)
    return told, report(told, taxonomy, language)


@click.command()
@click.argument("data", nargs=-1, required=True, metavar="DATA...")
@model_option
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write all figures here as well.")
@click.option("--report", "report_file", type=click.Path(path_type=Path), help="Write a page to look at (HTML), with texts.")
@click.option("--curve", "curve_file", type=click.Path(path_type=Path), help="A learning curve (JSON) to show in the page.")
@click.option("--force", is_flag=True, help="Replace a page that exists.")
@language_option
def evaluate(
    data: tuple[str, ...], model_folder: str | None, json_file: Path | None, report_file: Path | None, curve_file: Path | None,
    force: bool, language: str,
) -> None:  # fmt: skip
    """Score a model on labelled data (JSONL, CSV, XLSX): F1 per facet and label, by language and source, with intervals."""
    from classifier.evaluation import as_text
    from classifier.evaluation import evaluate as figures

    if report_file:
        may_write(report_file, force)
    curve = read_curve(curve_file) if curve_file else []
    model = model_of(model_folder)
    records = labelled_of(data, model.taxonomy)
    predicted = predictions_of(records, model)
    result = figures(records, predicted, model.taxonomy)
    click.echo(as_text(result))
    if json_file:
        write(json_file, json.dumps(result, ensure_ascii=False, indent=1) + "\n")
    if report_file:
        from classifier.report import evaluating

        files = ", ".join(Path(file).name for file in data)
        write(report_file, evaluating.page(str(model), model.taxonomy, records, predicted, result, files, language, curve))
        click.echo(f"\n{report_file}: open it in a browser")


def read_curve(file: Path) -> list[dict[str, Any]]:
    """The points of a learning curve, as `benchmarks/learning_curve.py` writes them."""
    try:
        points: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))
        for point in points:
            for kinds in (kinds for figures in point["scores"].values() for kinds in figures.values()):
                float(point["documents"]), kinds["macro"]["value"], kinds["macro"]["interval"]
    except OSError as error:
        raise ClassifierError(f"{file}: cannot read: {error.strerror}") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ClassifierError(f"{file}: not a learning curve as benchmarks/learning_curve.py writes it") from error
    return points


@click.command()
@click.argument("data", nargs=-1, required=True, metavar="DATA...")
@taxonomy_option
@model_option
def check(data: tuple[str, ...], taxonomy_file: Path | None, model_folder: str | None) -> None:
    """Validate labelled data (JSONL, CSV, XLSX) and count it: schema, offsets, near-duplicates, repeated phrases."""
    from classifier.annotation.checks import data_faults
    from classifier.documents.labelled import counts

    taxonomy = taxonomy_of(taxonomy_file, model_folder)
    records = labelled_of(data, taxonomy)
    for name, n in sorted(counts(records, taxonomy).items()):
        click.echo(f"{name:36} {n:6}")
    faults = data_faults(records)
    if faults:
        raise ClassifierError("\n".join(faults))
    click.echo("no fault found")


@click.command()
@taxonomy_option
@model_option
@language_option
def taxonomy(taxonomy_file: Path | None, model_folder: str | None, language: str) -> None:
    """Print the codes of facets and labels with their names and definitions."""
    from classifier.display import show_taxonomy

    click.echo(show_taxonomy(taxonomy_of(taxonomy_file, model_folder), language))
