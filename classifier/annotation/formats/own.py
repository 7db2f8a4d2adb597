"""Our own forms: JSON lines of labelled data, of tasks, and of predictions as `label` writes them; tables."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from classifier.annotation.formats.shared import Options, Placed, Record, codes_of, is_annotated, proposal
from classifier.documents.labelled import read_objects
from classifier.documents.tables import read_table, table_rows, write_table
from classifier.errors import ClassifierError
from classifier.taxonomy import Taxonomy

OF_PREDICTION = ("model", "language", "innovasjon", "review", "warnings", "scores")  # beside the facets


def read_jsonl(path: Path, taxonomy: Taxonomy, options: Options) -> list[Placed]:
    """A line with a model's probabilities is a task whose `predicted` holds them."""
    out: list[Placed] = []
    for place, line in read_objects(path):
        record = line
        for key, option in (("text", options.text_column), ("id", options.id_column)):
            if option and option in record:
                record = {key: record[option]} | {k: v for k, v in record.items() if k not in (key, option)}
        if not isinstance(record.get("text"), str):
            raise ClassifierError(f"{place}: no `text`; name its key by --text-column")
        if record.get("id") in (None, ""):
            record = {"id": str(len(out) + 1)} | {k: v for k, v in record.items() if k != "id"}
        if _is_prediction(record, taxonomy):
            said = {k: record[k] for k in (*(f.code for f in taxonomy.facets), *OF_PREDICTION) if k in record}
            record = {k: v for k, v in record.items() if k not in said} | {"predicted": said}
        out.append((place, record))
    return out


def _is_prediction(record: Record, taxonomy: Taxonomy) -> bool:
    if not isinstance(record.get("model"), str) or "review" not in record:
        return False
    try:
        return any(f.code in record and codes_of(record[f.code], f) != record[f.code] for f in taxonomy.facets) or (
            is_annotated(record, taxonomy) and all(not record.get(f.code) for f in taxonomy.facets)
        )
    except (TypeError, KeyError):  # neither this nor that: the check of labelled data says what is wrong
        return False


def write_jsonl(path: Path, records: list[Record], taxonomy: Taxonomy, options: Options) -> dict[Path, bytes]:
    text = "".join(json.dumps(record, ensure_ascii=False, default=str) + "\n" for record in records)
    return {path: text.encode("utf-8", "backslashreplace")}


def read_rows(path: Path, taxonomy: Taxonomy, options: Options) -> list[Placed]:
    return list(read_table(path, taxonomy, options.text_column, options.id_column))


def write_rows(path: Path, records: list[Record], taxonomy: Taxonomy, options: Options) -> dict[Path, bytes]:
    """A table; a workbook has the codes with names and definitions on a second sheet."""
    language = options.language
    codes = [[f.code, x.code, x.name(language), x.definitions.get(language, "")] for f in taxonomy.facets for x in f.labels]
    plain = [r | {"predicted": proposal(r, taxonomy)} if "predicted" in r else r for r in records]
    with TemporaryDirectory() as folder:
        made = Path(folder) / path.name
        write_table(made, *table_rows(plain, taxonomy), {"koder": [["fasett", "kode", "navn", "definisjon"], *codes]})
        return {path: made.read_bytes()}
