"""The command that makes a page to look at: `report`."""

from pathlib import Path

import click

from classifier.cli.common import language_option, may_write, model_of, model_option, write
from classifier.cli.reporting import calibrate_option, errors_of, made_by
from classifier.errors import ClassifierError


@click.command()
@click.argument("labelled", metavar="LABELLED")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The page; default: report.html beside LABELLED.")
@click.option("--by", multiple=True, metavar="COLUMN", help="Count by the values of this column too; may be repeated.")
@click.option("--text-column", help="The column that holds the text; default: text, tekst or beskrivelse.")
@click.option("--id-column", help="The column that holds the id; default: id, else the row number.")
@model_option
@calibrate_option
@click.option("--without-texts", is_flag=True, help="Leave texts, sentences and marked words out of the page.")
@click.option("--force", is_flag=True, help="Replace a page that exists.")
@language_option
def report(
    labelled: str, output: Path | None, by: tuple[str, ...], text_column: str | None, id_column: str | None, model_folder: str | None,
    calibrate: tuple[str, ...], without_texts: bool, force: bool, language: str,
) -> None:  # fmt: skip
    """Make one HTML page of what `label` wrote: shares with intervals, over time and by group, and the texts behind them.

    The page needs no network and no program but a browser. JSONL and Parquet give the words that spoke for each label, CSV and XLSX the
    sentences.
    """
    from classifier.documents.results import open_results

    output = output or Path("report.html" if labelled == "-" else Path(labelled).with_name("report.html"))
    may_write(output, force)
    model = model_of(model_folder)
    results = open_results(labelled, model.taxonomy, text_column, id_column)
    for column in by:
        if column not in results.columns:
            raise ClassifierError(f"--by {column}: {labelled} has no such column; its columns are: {', '.join(results.columns)}")
        if column == results.text_column:
            raise ClassifierError(f"--by {column}: is the column of texts; choose one that makes groups")
    if without_texts and id_column is not None and id_column == results.text_column:
        raise ClassifierError(f"--id-column {id_column}: is the column of texts, and --without-texts leaves them out")
    from classifier.prevalence.tables import basis
    from classifier.report import labelled as pages

    errors, known = errors_of(model, calibrate)
    used = basis(str(model), known, ", ".join(Path(file).name for file in calibrate) or None, language)
    rows = made_by(model, results.rows, labelled)
    html = pages.page(rows, Path(labelled).name, model, errors, used, list(dict.fromkeys(by)), language, not without_texts)
    write(output, html)
    click.echo(f"{output}: open it in a browser")
