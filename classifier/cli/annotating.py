"""Commands of the annotation loop: `convert`, `agreement`, `suspects`."""

import json
from pathlib import Path

import click

from classifier.cli.common import jobs_option, labelled_of, language_option, may_write, model_option, taxonomy_of, taxonomy_option, write
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
        may_write(path, force)
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


@click.command()
@click.argument("data", nargs=-1, required=True, metavar="A B...")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="What to resolve: a table (.csv .xlsx) or tasks (.jsonl .json).")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write all figures here as well.")
@taxonomy_option
@model_option
@force_option
def agreement(
    data: tuple[str, ...], output: Path | None, json_file: Path | None, taxonomy_file: Path | None, model_folder: str | None, force: bool
) -> None:
    """How far two or more annotators agree: Krippendorff's alpha, F1 and confusions per label.

    One file for each annotator, in any form that `convert` reads, or one export in which several are told apart. Texts are matched by id,
    spans by overlap.
    """
    from classifier.annotation import formats
    from classifier.annotation.agreement import as_text, compare
    from classifier.annotation.disagreements import disagreements
    from classifier.documents.tables import SUFFIXES, write_table

    taxonomy = taxonomy_of(taxonomy_file, model_folder)
    if output:
        formats.told_by_name(output)
        may_write(output, force)
    people: dict[str, dict[str, formats.Record]] = {}
    for file in map(Path, data):
        records = [r for r in formats.read(file, taxonomy) if formats.is_annotated(r, taxonomy)]
        several = len(formats.annotators(records)) > 1
        name = str(file) if file.stem in people else file.stem
        for record in records:
            people.setdefault(str(record.get("annotator", name)) if several else name, {})[str(record["id"])] = record
    if len(people) < 2:
        raise ClassifierError(f"{', '.join(data)}: labels of {len(people)} annotator; at least two are needed, a file for each")
    result = compare(people, taxonomy)
    click.echo(as_text(result))
    if json_file:
        write(json_file, json.dumps(result, ensure_ascii=False, indent=1) + "\n")
    if output:
        rows, tasks = disagreements(people, taxonomy)
        if output.suffix in SUFFIXES:
            header = ["id", "fasett", "setning", *people, "tekst"]
            write_table(output, header, [[row[column] for column in header] for row in rows])
        else:
            formats.write(output, tasks, taxonomy)
        click.echo(f"\n{output}: {len(rows)} disagreements in {len(tasks)} texts")


@click.command()
@click.argument("data", nargs=-1, required=True, metavar="DATA...")
@click.option("-n", "--most", type=click.IntRange(1), default=50, show_default=True, help="How many labels to list.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="A table (.csv .xlsx), or tasks (.jsonl .json).")
@click.option("--seed", type=int, default=0, show_default=True, help="Decides the folds.")
@taxonomy_option
@model_option
@jobs_option
@force_option
def suspects(
    data: tuple[str, ...], most: int, output: Path | None, seed: int, taxonomy_file: Path | None, model_folder: str | None, jobs: int,
    force: bool,
) -> None:  # fmt: skip
    """Labels to look at again, in labelled data (JSONL, CSV, XLSX).

    Those that a model trained without them (on the other folds) contradicts most, with the words that speak for the label in question;
    and near-duplicates that are labelled differently. --model serves its taxonomy only.
    """
    from classifier.annotation import formats
    from classifier.annotation import suspects as finding
    from classifier.documents.tables import SUFFIXES, write_table

    taxonomy = taxonomy_of(taxonomy_file, model_folder)
    if output:
        formats.told_by_name(output)
        may_write(output, force)
    records = labelled_of(data, taxonomy)
    rows = finding.contradictions(records, taxonomy)
    twins = len(rows)
    rows += finding.suspects(records, taxonomy, most, seed, jobs, lambda message: click.echo(message, err=True))
    click.echo(finding.as_text(rows))
    click.echo(f"{twins} contradictions between near-duplicates, {len(rows) - twins} labels that the model contradicts")
    if output and output.suffix in SUFFIXES:
        texts = {str(r["id"]): r["text"] for r in records}
        write_table(output, [*finding.COLUMNS, "tekst"], [[*row.values(), texts[row["id"]]] for row in rows])
    elif output:
        formats.write(output, finding.as_tasks(rows, records), taxonomy)
