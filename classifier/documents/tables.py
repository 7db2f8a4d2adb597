"""Labelled data as a table that people correct in a spreadsheet: CSV, TSV, XLSX, in the columns that `label` writes, too.

A document facet is a column of codes or names, with `;` between them; a sentence facet is a column `<facet>_setninger` of
«[code] sentence», one a line or with ` | ` between. The n-th of several equal sentences is «[code #2] sentence». `-` says that there is
none, `?` that it was not annotated. An empty cell says none where anything else of the row is filled in; a row with nothing filled in is
not annotated. Neither is one whose `annotering` is «forslag»: what stands in it is a model's until somebody has changed that word.
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from classifier.documents.binary import CELL, plain, save_workbook, to_cell
from classifier.documents.readers import open_source, suffix_of
from classifier.documents.rows import UNREADABLE
from classifier.errors import ClassifierError
from classifier.taxonomy import Facet, Taxonomy

Record = dict[str, Any]
SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".xlsx")
NONE, NOT_ANNOTATED = "-", "?"
STATE, PROPOSED = "annotering", "forslag"
MARKS = ("evidence", "negatives")
PIECE = re.compile(r"\[([^\]#]*?)\s*(?:#(\d+)\s*)?\]\s*(.+)", re.S)


def read_table(
    path: Path, taxonomy: Taxonomy, text_column: str | None = None, id_column: str | None = None
) -> Iterator[tuple[str, Record]]:
    """(place, record) of each row; a record that is not annotated has no facets, a proposed one has them in `predicted`.

    Raises `ClassifierError` that names row and column for a cell that says nothing known, or a sentence that does not stand in the text.
    """
    source = open_source(str(path), text_column, id_column)
    ours = _own_columns(source.columns, taxonomy)
    if not any(name in ours for facet in taxonomy.facets for name in _names(facet)):
        wanted = ", ".join(_names(facet)[0] for facet in taxonomy.facets)
        raise ClassifierError(f"{path}: no column of labels; at least one of {wanted} is needed (labels of your own: --taxonomy)")
    taken = {*ours.values(), source.text_column, source.id_column}
    for number, row in enumerate(source.rows, 2):  # as the spreadsheet counts them: the header is the first
        place = f"{path}: row {number} (id {row.id})"
        if row.problem not in (None, UNREADABLE):  # odd characters are as they were labelled
            raise ClassifierError(f"{place}: {row.problem}")
        record: Record = {"id": row.id, "text": row.text}
        for column, value in row.fields.items():
            if column not in taken:
                record[f"input_{column}" if column in ("id", "text") else column] = value
        cells = {name: plain(row.fields.get(column)).strip() for name, column in ours.items()}
        values = _values(cells, row.text, taxonomy, place)
        if not row.text.strip():  # nothing to label, whatever the row says
            values = {}
        elif cells.get(STATE, "").lower() == PROPOSED:
            values = {"predicted": values}
        yield place, record | values


def made_by_model(path: Path, records: Sequence[Record]) -> str | None:
    """What to tell of a table that `label` wrote: nobody can see in it whether a person has gone over the labels."""
    model = next((r["modell"] for r in records if r.get("modell")), None)
    return f"{path}: the labels were filled in by the model {model}; they count as a person's now" if model else None


def _names(facet: Facet) -> list[str]:
    """The columns of a facet: first the one that is written."""
    return [facet.code] if facet.unit == "document" else [f"{facet.code}_setninger", facet.code]


def _own_columns(columns: Sequence[str], taxonomy: Taxonomy) -> dict[str, str]:
    """Our name -> the column that holds it: the one with most `ny_` before it, which was given where the name was taken."""
    known = {name.lower(): name for name in _known(taxonomy)}
    return {known[_own_name(c)]: c for c in sorted(columns, key=len) if _own_name(c) in known}


def _known(taxonomy: Taxonomy) -> list[str]:
    return [name for facet in taxonomy.facets for name in _names(facet)] + [*MARKS, STATE]


def _own_name(column: str) -> str:
    return re.sub(r"^(ny_)+", "", column.strip().lower())


def _values(cells: dict[str, str], text: str, taxonomy: Taxonomy, place: str) -> Record:
    """The facets, evidence and negatives that a row says."""
    if not any(cells.get(name) for facet in taxonomy.facets for name in _names(facet)):
        return {}
    out: Record = {}
    for facet in taxonomy.facets:
        name = next((n for n in _names(facet) if n in cells), None)
        if name is None or cells[name] == NOT_ANNOTATED:
            continue
        cell, where = cells[name], f"{place}: {name}"
        if facet.unit == "sentence":
            if name == facet.code and cell not in ("", NONE):
                raise ClassifierError(f"{where}: codes without sentences; a column {facet.code}_setninger should say «[code] sentence»")
            out[facet.code] = _spans(cell, text, _codes_by_name(facet), where)
            codes = {code for span in out[facet.code] for code in span["labels"]}
            summed = set(_codes(cells.get(facet.code, ""), _codes_by_name(facet), f"{place}: {facet.code}")) or codes
            if name != facet.code and summed != codes:
                raise ClassifierError(
                    f"{place}: {facet.code} says {';'.join(sorted(summed))}, {name} says {';'.join(sorted(codes)) or 'none'}; "
                    f"make them agree, or delete the column {facet.code}"
                )
        elif facet.choice == "multi":
            out[facet.code] = _codes(cell, _codes_by_name(facet), where)
        elif cell not in ("", NONE):
            codes_said = _codes(cell, _codes_by_name(facet), where)
            if len(codes_said) != 1:
                raise ClassifierError(f"{where}: one label is wanted, here are {len(codes_said)}: {cell!r}")
            out[facet.code] = codes_said[0]
    for key in MARKS:
        if cells.get(key):
            spans = _spans(cells[key], text, None, f"{place}: {key}")
            out[key] = spans if key == "evidence" else [{"start": s["start"], "end": s["end"], "kind": s["labels"][0]} for s in spans]
    return out


def _codes_by_name(facet: Facet) -> dict[str, str]:
    """Codes and names, in lower case, -> codes."""
    known = {name.lower(): label.code for label in facet.labels for name in label.names.values()}
    return known | {code.lower(): code for code in facet.codes}


def _codes(cell: str, known: dict[str, str] | None, where: str) -> list[str]:
    """The codes of a cell; `known` None takes them as they stand. A name may have a comma in it, so `;` and line ends come first."""
    out: list[str] = []
    for piece in filter(None, (p.strip() for p in re.split(r"[;\n]", cell))):
        parts = [piece] if known is None or piece.lower() in known else [p.strip() for p in piece.split(",") if p.strip()]
        for part in parts:
            if part == NONE and cell.strip() == NONE:
                continue
            if known is not None and part.lower() not in known:
                raise ClassifierError(f"{where}: unknown label {part!r}; known are {', '.join(sorted(set(known.values())))}")
            out.append(part if known is None else known[part.lower()])
    return list(dict.fromkeys(out))


def _spans(cell: str, text: str, known: dict[str, str] | None, where: str) -> list[Record]:
    """The spans of a cell, in its order. Lines part them; ` | [` does where a line as a whole does not stand in the text."""
    if cell in ("", NONE):
        return []
    pieces: list[str] = []
    for line in re.split(r"\n\s*(?=\[)", cell):
        whole = PIECE.fullmatch(line.strip())
        found = whole is not None and bool(places_of(whole[3], text))
        pieces += [line] if found else re.split(r"\s\|\s(?=\[)", line)
    out = []
    for piece in pieces:
        match = PIECE.fullmatch(piece.strip())
        if not match:
            raise ClassifierError(f"{where}: {piece.strip()[:60]!r} should be of the form «[code] sentence»")
        places = places_of(match[3], text)
        nth = int(match[2] or 1)
        if not places:
            raise ClassifierError(f"{where}: the sentence «{' '.join(match[3].split())[:80]}» does not stand in the text of this row")
        if not 0 < nth <= len(places):
            raise ClassifierError(f"{where}: #{nth}, but the sentence stands {len(places)} times in the text of this row")
        start, end = places[nth - 1]
        codes = _codes(match[1], known, where)
        if not codes:
            raise ClassifierError(f"{where}: no label in the brackets before «{' '.join(match[3].split())[:80]}»")
        out.append({"start": start, "end": end, "labels": codes})
    return out


def places_of(sentence: str, text: str) -> list[tuple[int, int]]:
    """Everywhere that a sentence stands in a text, however its words are parted by white space."""
    pattern = r"\s+".join(map(re.escape, sentence.split()))
    return [m.span(1) for m in re.finditer(f"(?=({pattern}))", text)] if pattern else []


def _span_cell(spans: Sequence[Record], text: str) -> str:
    lines = []
    for span in spans:
        sentence = " ".join(text[span["start"] : span["end"]].split())
        nth = [start for start, _ in places_of(sentence, text)].index(span["start"]) + 1
        codes = ";".join(span["labels"] if "labels" in span else [span["kind"]])
        lines.append(f"[{codes}{f' #{nth}' if nth > 1 else ''}] {sentence}")
    return "\n".join(lines) or NONE


def table_rows(records: Sequence[Record], taxonomy: Taxonomy) -> tuple[list[str], list[list[Any]]]:
    """(header, rows). What a record does not say is said by its `predicted` (codes), and marked as a proposal."""
    proposed = [_is_proposal(r, taxonomy) for r in records]
    facets = {facet.code for facet in taxonomy.facets}
    theirs = [k for k in dict.fromkeys(k for r in records for k in r) if k not in facets | {"predicted", *MARKS}]
    ours = [_names(facet)[0] for facet in taxonomy.facets]
    ours += [key for key in MARKS if any(key in r for r in records)] + [STATE] * any(proposed)
    ours += [name for name in _known(taxonomy) if name not in ours and any(_own_name(c) == name.lower() for c in theirs)]
    header = theirs + [_free(name, theirs) for name in ours]
    rows = []
    for record, is_proposal in zip(records, proposed, strict=True):
        said = record.get("predicted") or {} if is_proposal else record
        some = any(facet.code in said for facet in taxonomy.facets)
        cells: list[Any] = [record.get(k) for k in theirs]
        for facet in taxonomy.facets:
            cells.append(_facet_cell(said.get(facet.code), facet, record["text"]) if some else "")
        for name in ours[len(taxonomy.facets) :]:
            marks = record.get(name) if name in MARKS else None
            cells.append(PROPOSED if name == STATE and is_proposal else "" if marks is None else _span_cell(marks, record["text"]))
        rows.append(cells)
    return header, rows


def _free(own: str, taken: Sequence[str]) -> str:
    """The name, with `ny_` before it as often as needed to be the one that `_own_columns` takes for ours."""
    like = [column for column in taken if _own_name(column) == own.lower()]
    name = own
    while any(len(name) <= len(column) for column in like):
        name = f"ny_{name}"
    return name


def _is_proposal(record: Record, taxonomy: Taxonomy) -> bool:
    said = record.get("predicted") or {}
    return not any(f.code in record for f in taxonomy.facets) and any(f.code in said for f in taxonomy.facets)


def _facet_cell(value: Any, facet: Facet, text: str) -> str:
    if value is None:
        return NOT_ANNOTATED
    if facet.unit == "sentence":
        return _span_cell(value, text)
    return value if isinstance(value, str) else ";".join(value) or NONE


def write_table(
    path: Path, header: Sequence[str], rows: Sequence[Sequence[Any]], more: dict[str, Sequence[Sequence[Any]]] | None = None
) -> None:
    """A table by its suffix: CSV as Norwegian Excel reads it (`;`, UTF-8 with BOM), TSV, or XLSX with `more` sheets behind.

    Raises `ClassifierError` for another suffix and for a text that a cell of Excel does not hold.
    """
    suffix, part = suffix_of(path), path.with_name(f".{path.name}.part")
    if suffix == ".xlsx":
        for row in rows:
            for name, value in zip(header, row, strict=True):
                if isinstance(value, str) and len(to_cell(value)) > CELL:
                    raise ClassifierError(f"{path}: {name} of {row[0]!r} is longer than the {CELL} characters of a cell in Excel; use .csv")
        save_workbook(part, {"innovasjon": [header, *rows], **(more or {})})
        part.replace(path)
        return
    if suffix not in (".csv", ".tsv"):
        raise ClassifierError(f"{path}: unknown table format {path.suffix or '(no suffix)'}; known are .csv, .tsv, .xlsx")
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter="\t" if suffix == ".tsv" else ";", lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows([plain(v) for v in row] for row in rows)
    part.write_bytes(out.getvalue().encode("utf-8-sig", "replace"))
    part.replace(path)
