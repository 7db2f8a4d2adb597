"""The command that chooses what to label next: `sample`."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from classifier.cli.common import jobs_option, labelled_of, language_option, may_write, model_of, taxonomy_of, taxonomy_option, write
from classifier.errors import ClassifierError

if TYPE_CHECKING:
    from classifier.annotation.gain import Trained
    from classifier.annotation.sampling import Choice
    from classifier.documents import Row, Source
    from classifier.storage import Model
    from classifier.taxonomy import Taxonomy

SHIPPED = "shipped"
ENOUGH = 40  # labelled texts from which a model says more than a cold start does


@click.command()
@click.argument("unlabelled", nargs=-1, required=True, metavar="UNLABELLED...")
@click.option("-n", "number", type=click.IntRange(1), default=50, show_default=True, help="How many texts to choose.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The tasks (.jsonl); default: standard output.")
@click.option("--labelled", "data", multiple=True, metavar="DATA", help="What is labelled already (JSONL, CSV, XLSX); may be repeated.")
@click.option("--model", "model_folder", metavar="FOLDER", help="A model made by `train`, or `shipped`; default: made of DATA.")
@taxonomy_option
@click.option("--text-column", help="The column that holds the text; default: text, tekst or beskrivelse.")
@click.option("--id-column", help="The column that holds the id; default: id, else the row number.")
@click.option("--seed", type=int, default=0, show_default=True, help="The same seed gives the same sample.")
@click.option("--advice/--no-advice", default=True, show_default=True, help="With DATA: is it time to stop? (takes a few trainings)")
@click.option("--force", is_flag=True, help="Replace an output that exists.")
@jobs_option
@language_option
def sample(
    unlabelled: tuple[str, ...], number: int, output: Path | None, data: tuple[str, ...], model_folder: str | None,
    taxonomy_file: Path | None, text_column: str | None, id_column: str | None, seed: int, advice: bool, force: bool, jobs: int,
    language: str,
) -> None:  # fmt: skip
    """Choose what to label next from a pile of texts, in any format that `label` reads.

    Each task is a line of JSON with id, text, the other columns, `batch`, `reason` (why it was chosen) and, where there is a model, what it
    predicts. Without a model the texts cover the pile and the labels' definitions; with one it is unsure of them, or they may have
    labels that still lack examples. Texts nearly the same as a labelled one are left out.
    """
    from classifier.documents import open_sources

    if output == Path("-"):
        output = None
    if output:
        if output.suffix != ".jsonl":
            raise ClassifierError(f"{output}: tasks are JSON lines; name a .jsonl file (`innovasjon convert` makes other forms)")
        may_write(output, force)
    if model_folder and taxonomy_file:
        raise ClassifierError("--model and --taxonomy: give one of them; a model has its taxonomy with it")
    model = None if model_folder is None else model_of(None if model_folder == SHIPPED else model_folder)
    taxonomy = model.taxonomy if model else taxonomy_of(taxonomy_file)
    records = labelled_of(data, taxonomy) if data else []
    source = open_sources(unlabelled, text_column, id_column)
    pile = list(source.rows)

    from classifier.annotation import gain, sampling  # heavy: when nothing more can be wrong in what was given
    from classifier.annotation.wording import advised

    records, sizes = gain.batches_of(records, number)
    trained = None
    if model is None and len(records) >= ENOUGH:
        trained = _trained(records, taxonomy, seed, jobs)
        model = trained[0] if trained else None
    chosen = sampling.sample([row.text for row in pile], number, taxonomy, records, model, seed)
    rows = [pile[choice.row] for choice in chosen.choices]
    tasks = tasks_of(rows, chosen.choices, source, taxonomy, model, records, language)
    text = "".join(json.dumps(task, ensure_ascii=False, default=str) + "\n" for task in tasks)
    if output:
        write(output, text)
        click.echo(_summary(len(tasks), number, pile, chosen.duplicates, model is None) + f" → {output}")
    else:
        click.echo(text, nl=False)
        click.echo(_summary(len(tasks), number, pile, chosen.duplicates, model is None), err=True)
    if advice and records:
        curve = gain.curve(records, sizes, taxonomy, trained, seed, jobs, lambda m: click.echo(m, err=True))
        click.echo(advised(gain.advice(curve, number), len(records), taxonomy, language), err=output is None)


def _trained(records: list[dict[str, Any]], taxonomy: "Taxonomy", seed: int, jobs: int) -> "Trained | None":
    """A model of what is labelled; None where it is too little, which is a cold start and no error."""
    from classifier.model import train

    try:
        return train(records, taxonomy, "sample", seed=seed, jobs=jobs, progress=lambda m: click.echo(f"model of DATA: {m}", err=True))
    except ClassifierError:
        return None


def tasks_of(
    rows: "Sequence[Row]", choices: "Sequence[Choice]", source: "Source", taxonomy: "Taxonomy", model: "Model | None",
    records: list[dict[str, Any]], language: str,
) -> list[dict[str, Any]]:  # fmt: skip
    """Tasks in the shape of labelled data, as far as it is known; an input column of a name that is taken becomes `input_<name>`."""
    from classifier.annotation.wording import why
    from classifier.documents.binary import free_key
    from classifier.prediction import predict_many

    facets = [facet.code for facet in taxonomy.facets]
    numbers = [int(b) for r in records if (b := str(r.get("batch", ""))).isdecimal()]  # a table gives them back as texts
    batch = 1 + max(numbers, default=int(bool(records)))
    predicted = predict_many([row.text for row in rows], model) if model else iter(())
    tasks = []
    for row, choice in zip(rows, choices, strict=True):
        task: dict[str, Any] = {"id": row.id, "text": row.text}
        taken = {*task, *facets, "evidence", "negatives", "batch", "reason", "predicted"}
        for key, value in row.fields.items():
            if key not in (source.text_column, source.id_column):
                task[free_key(key, taken | task.keys())] = value
        task |= {"batch": batch, "reason": why(choice, taxonomy, language)}
        tasks.append(task | ({"predicted": next(predicted).to_dict()} if model else {}))
    return tasks


def _summary(chosen: int, asked: int, pile: "list[Row]", duplicates: int, is_cold: bool) -> str:
    """One line: what was chosen, and of what nothing could be."""
    notes = ["no model yet: variety, and likeness to the labels' definitions"] if is_cold else []
    if empty := sum(not row.text.strip() for row in pile):
        notes.append(f"{empty} empty")
    if duplicates:
        notes.append(f"{duplicates} passed over as nearly the same as a labelled or chosen one")
    if chosen < asked:
        notes.append(f"no more than {chosen} of the {asked} asked for are left")
    return f"{chosen} of {len(pile)} texts chosen" + (f" ({'; '.join(notes)})" if notes else "")
