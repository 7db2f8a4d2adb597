"""Commands of the annotation loop: `convert`, `agreement`, `suspects`."""

from pathlib import Path

import click

from classifier.cli.common import language_option, model_option, taxonomy_of, taxonomy_option
from classifier.errors import ClassifierError

FORMS = ("jsonl", "table", "label-studio", "doccano", "prodigy")
force_option = click.option("--force", is_flag=True, help="Replace an output that exists.")


@click.command()
@click.argument("source", metavar="IN", type=click.Path(path_type=Path))
@click.argument("output", metavar="OUT", type=click.Path(path_type=Path))
@click.option("--from", "source_form", type=click.Choice(FORMS), help="What IN is; default: by its suffix and its look.")
@click.option("--to", "output_form", type=click.Choice(FORMS), help="What OUT is; default: by its suffix, .jsonl our own form.")
@click.option("--offsets", "unit", type=click.Choice(("utf16", "graphemes", "points")), help="How doccano counts; default: utf16.")
@click.option("--annotator", help="Of several people's labels in IN, those of this one; default: the last.")
@click.option("--split", is_flag=True, help="One OUT for each annotator, OUT-<annotator>.")
@click.option("--text-column", help="The column that holds the text; default: text, tekst or beskrivelse.")
@click.option("--id-column", help="The column that holds the id; default: id, else the row number.")
@taxonomy_option
@model_option
@language_option
@force_option
def convert(
    source: Path, output: Path, source_form: str | None, output_form: str | None, unit: str | None, annotator: str | None, split: bool,
    text_column: str | None, id_column: str | None, taxonomy_file: Path | None, model_folder: str | None, language: str, force: bool,
) -> None:  # fmt: skip
    """Labelled data, tasks and predictions into the form of an annotation tool, and back.

    \b
    .json          Label Studio; its labelling configuration is written beside it (.xml)
    .jsonl         our labelled data, tasks and predictions; with --to, doccano or Prodigy
    .csv .xlsx     a table to correct in a spreadsheet

    What a model predicted is filled in beforehand; it counts as labels only when somebody has gone over it.
    """
    from classifier.annotation import formats
    from classifier.documents.tables import made_by_model

    taxonomy = taxonomy_of(taxonomy_file, model_folder)
    options = formats.Options(unit, text_column, id_column, language)
    form = output_form or formats.told_by_name(output)
    records = formats.read(source, taxonomy, source_form, options)
    if note := made_by_model(source, records):
        click.echo(note, err=True)
    people = formats.annotators(records) if split else []
    if split and not people:
        raise ClassifierError(f"{source}: no annotators are told apart there; leave --split out")
    wanted: list[tuple[Path, str | None]] = [(output, annotator)]
    if split:
        wanted = [(output.with_name(f"{output.stem}-{_for_a_name(who)}{output.suffix}"), who) for who in people]
    for path, _ in wanted:
        _may_write(path, force)
    for path, who in wanted:
        chosen, others = formats.choose(records, taxonomy, who)
        files = formats.write(path, chosen, taxonomy, form, options)
        done = sum(formats.is_annotated(r, taxonomy) for r in chosen)
        click.echo(f"{' and '.join(map(str, files))}: {len(chosen)} texts, {done} of them annotated")
        if others and not people:
            click.echo(f"{others} more annotations of the same texts are left out: --annotator chooses, --split writes them all", err=True)
        if form == "doccano" and (n := sum("\r" in r["text"] for r in chosen)):
            click.echo(f"{n} texts have carriage returns, after which doccano may shift spans: replace \\r\\n by \\n first", err=True)


def _for_a_name(who: str) -> str:
    return "".join(c if c.isalnum() or c in "-_.@" else "_" for c in who)


def _may_write(path: Path, force: bool) -> None:
    if not path.parent.is_dir():
        raise ClassifierError(f"{path}: the folder {path.parent} does not exist; make it first")
    if path.is_dir():
        raise ClassifierError(f"{path}: is a folder; name a file")
    if path.exists() and not force:
        raise ClassifierError(f"{path}: exists already; --force replaces it, or choose another name")
