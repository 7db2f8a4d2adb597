"""Labelled data in the forms of annotation tools: what comes back is what went out, offsets and all."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier import ClassifierError, predict
from classifier import taxonomy as taxonomies
from classifier.annotation import formats, offsets
from classifier.annotation.formats import Options, label_studio, read, write
from classifier.documents.labelled import NEGATIVE_KINDS, read_labelled
from classifier.storage import Model

HERE = Path(__file__).parent
BOTH = [taxonomies.read(HERE / "data" / name).source["facet"] for name in ("feedback.toml", "tone.toml")]
MINE = taxonomies.parse({"facet": BOTH[0] | BOTH[1]})  # every kind of facet
TEXT = "Månen 🌕 er full 👩‍👩‍👧.\r\nDet stoppet.\nDet stoppet. Øl\u0301!"
PIECES = ["Det stoppet. ", "🌕", "👩‍👩‍👧", "e\u0301", "\r\n", "\n", " ", "\t", "æøå", "[ventetid] ", " | [pris] ", "«Nei»; ", "#2] "]
PIECES += ["-", "_x000D_", "=1+1", "🇳🇴", "\u200d"]
any_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
some_text = st.lists(st.sampled_from(PIECES) | any_text, min_size=1, max_size=12).map("".join)


@st.composite
def spans(draw: Any, text: str) -> list[tuple[int, int]]:
    """Different spans of a text that neither begin nor end with white space."""
    solid = [i for i, c in enumerate(text) if not c.isspace()]
    drawn = draw(st.lists(st.tuples(st.sampled_from(solid), st.sampled_from(solid)), max_size=3))
    return list(dict.fromkeys((min(a, b), max(a, b) + 1) for a, b in drawn))


def codes(facet: Any, least: int = 0) -> Any:
    most = 1 if facet.choice == "single" else None
    return st.lists(st.sampled_from(facet.codes), min_size=least, max_size=most, unique=True)


@st.composite
def labelled(draw: Any, least: int = 0) -> dict[str, Any]:
    """A record of the tests' own taxonomy; any facet may be missing, any list empty."""
    text = draw(some_text.filter(lambda t: t.strip()))
    record: dict[str, Any] = {"id": draw(st.sampled_from(["a", "b-2", "0017", "æ"])), "text": text}
    if draw(st.booleans()):
        record["kilde"] = draw(st.sampled_from(["innbyggertorg", "=1+1", "ja; nei", "linje\nto", "🌕", "-"]))
    for facet in MINE.facets:
        if not draw(st.booleans()):
            continue
        if facet.unit == "sentence":
            record[facet.code] = [{"start": a, "end": b, "labels": draw(codes(facet, 1))} for a, b in draw(spans(text))]
        elif facet.choice == "multi":
            record[facet.code] = draw(codes(facet))
        else:
            record[facet.code] = draw(st.sampled_from(facet.codes))
    annotated = [f.code for f in MINE.facets if f.code in record]
    if annotated and draw(st.booleans()):
        kinds = st.sampled_from(sorted(NEGATIVE_KINDS))
        record["negatives"] = [{"start": a, "end": b, "kind": draw(kinds)} for a, b in draw(spans(text))]
    names = [f"kanal.{code}" for code in record.get("kanal", [])] + ([f"tema.{record['tema']}"] if "tema" in record else [])
    if names and draw(st.booleans()):
        record["evidence"] = [{"start": a, "end": b, "labels": names[:1]} for a, b in draw(spans(text))]
    return record


FILES = {"jsonl": "x.jsonl", "label-studio": "x.json", "doccano": "x.jsonl", "prodigy": "x.jsonl"}
FILES |= {suffix: f"x.{suffix}" for suffix in ("csv", "tsv", "xlsx")}


def there_and_back(record: dict[str, Any], form: str, folder: Path, **options: Any) -> dict[str, Any]:
    name = "table" if form in ("csv", "tsv", "xlsx") else form
    path = folder / FILES[form]
    write(path, [record], MINE, name, Options(**options))
    (back,) = read(path, MINE, name, Options(**options))
    return back


@pytest.mark.parametrize("form", FILES)
def test_round_trip(form: str, tmp_path: Path) -> None:
    """Ids, columns, labels in their order, offsets, evidence and negatives come back from every form, and what is missing is missing."""

    @settings(max_examples=60 if form == "xlsx" else 150)
    @given(labelled())
    def check(record: dict[str, Any]) -> None:
        assert there_and_back(record, form, tmp_path) == record

    check()


@pytest.mark.parametrize("unit", ["utf16", "points"])
def test_doccano_units(unit: str, tmp_path: Path) -> None:
    """doccano's offsets come back in UTF-16 units and in code points."""

    @given(labelled())
    def check(record: dict[str, Any]) -> None:
        assert there_and_back(record, "doccano", tmp_path, unit=unit) == record

    check()


@pytest.mark.parametrize(("unit", "start", "end"), [("points", 24, 36), ("utf16", 28, 40), ("graphemes", 19, 31)])
def test_tools_count_differently(unit: str, start: int, end: int) -> None:
    """The first «Det stoppet.» after two emoji, counted by Python, by JavaScript and by what a reader sees."""
    at = TEXT.index("Det stoppet.")
    assert TEXT[at : at + 12] == "Det stoppet."
    assert offsets.from_points(TEXT, at, at + 12, unit) == (start, end)
    assert offsets.to_points(TEXT, start, end, unit) == (at, at + 12)
    if unit == "utf16":
        assert TEXT.encode("utf-16-le")[2 * start : 2 * end].decode("utf-16-le") == "Det stoppet."


@given(some_text, st.data())
def test_offsets_there_and_back(text: str, data: Any) -> None:
    """Any span comes back from every unit; from graphemes, which are wider, it comes back covered."""
    if not text.strip():
        return
    for start, end in data.draw(spans(text)):
        for unit in ("points", "utf16"):
            assert offsets.to_points(text, *offsets.from_points(text, start, end, unit), unit) == (start, end)
        a, b = offsets.to_points(text, *offsets.from_points(text, start, end, "graphemes"), "graphemes")
        assert a <= start < end <= b


def test_half_a_character() -> None:
    """An offset inside a pair of surrogates, outside the text or around nothing is an error, not a guess."""
    for start, end in ((0, 1), (1, 2), (0, 99), (3, 3), (2, 3)):
        with pytest.raises(ClassifierError, match="span"):
            offsets.to_points("🌕 a", start, end, "utf16")


def test_names_of_the_shipped_taxonomy(tmp_path: Path, model: Model) -> None:
    """The shipped data goes through every form and back; tools with flat lists join marks of one place."""
    records = read_labelled([HERE.parent / "labelled_data/test.jsonl"], model.taxonomy)[:40]
    for form, file in FILES.items():
        name = "table" if form in ("csv", "tsv", "xlsx") else form
        write(tmp_path / file, records, model.taxonomy, name)
        back = read(tmp_path / file, model.taxonomy, None if form not in ("doccano", "prodigy") else name)
        if form in ("csv", "tsv"):  # a table has no null
            back = [{k: v or None if k == "source_url" else v for k, v in r.items()} for r in back]
        if form in ("doccano", "prodigy"):
            assert [joined(r) for r in back] == [joined(r) for r in records], form
        else:
            assert back == records, form


def joined(record: dict[str, Any]) -> dict[str, Any]:
    """The record with all labels of a place together."""
    places: dict[tuple[int, int], list[str]] = {}
    for mark in record.get("evidence", []):
        places.setdefault((mark["start"], mark["end"]), []).extend(mark["labels"])
    return record | {"evidence": places}


PREDICTED: dict[str, Any] = {"model": "x 1", "tema": {"label": "buss", "probability": 0.9}, "tone": []}
PREDICTED["kanal"] = [{"label": "app", "probability": 0.8, "evidence": []}]
PREDICTED["klage"] = [{"start": 0, "end": 5, "text": "Månen", "labels": [{"label": "pris", "probability": 0.7, "evidence": []}]}]
PROPOSED = {"tema": "buss", "kanal": ["app"], "klage": [{"start": 0, "end": 5, "labels": ["pris"]}], "tone": []}


@pytest.mark.parametrize("form", [f for f in FILES if f not in ("jsonl", "doccano")])
def test_a_proposal_is_no_label(form: str, tmp_path: Path) -> None:
    """A task goes out filled in with the model's labels and comes back, untouched, as not annotated, with the same proposal."""
    task = {"id": "t1", "text": TEXT, "reason": "usikker", "predicted": PREDICTED}
    back = there_and_back(task, form, tmp_path)
    assert back == {"id": "t1", "text": TEXT, "reason": "usikker", "predicted": PROPOSED}


@pytest.mark.parametrize("form", FILES)
def test_a_task_is_no_empty_label(form: str, tmp_path: Path) -> None:
    """A text that nobody annotated comes back without facets; one annotated as having no label comes back with empty ones."""
    task = {"id": "t1", "text": TEXT}
    none = task | {"kanal": [], "klage": [], "tone": []}
    assert there_and_back(task, form, tmp_path) == task
    assert there_and_back(none, form, tmp_path) == none


def test_predictions_as_label_writes_them(tmp_path: Path) -> None:
    """A line of `label` is a task with its prediction; converted, the tool has it filled in."""
    line = {"id": "1", **predict("Kommunen har tatt i bruk en app.").to_dict(), "text": "Kommunen har tatt i bruk en app.", "fylke": "x"}
    (tmp_path / "p.jsonl").write_text(json.dumps(line) + "\n", encoding="utf-8")
    (record,) = read(tmp_path / "p.jsonl", taxonomies.shipped())
    assert record.keys() == {"id", "text", "fylke", "predicted"}
    write(tmp_path / "t.json", [record], taxonomies.shipped())
    (task,) = json.loads((tmp_path / "t.json").read_text(encoding="utf-8"))
    assert task["predictions"][0]["model_version"] == line["model"]
    chosen = {r["from_name"]: r["value"]["choices"] for r in task["predictions"][0]["result"] if r["type"] == "choices"}
    assert chosen["fase"] == [line["fase"]["label"]]


# Label Studio


def test_configuration() -> None:
    """Each facet is a control of its own, with the choice it allows; codes are stored, names shown."""
    xml = label_studio.configuration(MINE, ("evidence",), "nb")
    assert '<Choices name="tema" toName="text" choice="single">' in xml
    assert '<Choices name="kanal" toName="text" choice="multiple">' in xml
    assert '<Labels name="klage" toName="text" choice="multiple">' in xml
    assert '<Labels name="tone" toName="text" choice="single">' in xml
    assert '<Choice value="Buss og bane" alias="buss" />' in xml
    assert '<Label value="kanal.app" />' in xml
    assert "white-space: pre-wrap" in xml


def exported(text: str, *annotations: dict[str, Any], **data: Any) -> list[dict[str, Any]]:
    return [{"id": 7, "data": {"text": text, **data}, "annotations": list(annotations)}]


def region(start: int, end: int, text: str | None, label: str = "pris") -> dict[str, Any]:
    value = {"start": start, "end": end, "labels": [label]} | ({} if text is None else {"text": text})
    return {"id": "r", "from_name": "klage", "to_name": "text", "type": "labels", "value": value}


def read_tasks(tasks: Any, folder: Path) -> list[dict[str, Any]]:
    (folder / "e.json").write_text(json.dumps(tasks), encoding="utf-8")
    return read(folder / "e.json", MINE)


def test_regions_of_old_versions(tmp_path: Path) -> None:
    """A region whose text stands at its offsets in UTF-16 units is read so; without its text the offsets are code points."""
    at = TEXT.index("Det")
    said = "Det stoppet."
    for start, end, told in ((at, at + 12, said), (at + 4, at + 16, said), (at, at + 12, None), (at - 2, at + 12, f"\\n\\n{said}")):
        (record,) = read_tasks(exported(TEXT, {"result": [region(start, end, told)]}), tmp_path)
        assert record["klage"] == [{"start": at, "end": at + 12, "labels": ["pris"]}], (start, told)
        assert record["id"] == "7"
    with pytest.raises(ClassifierError, match=r"task 1 \(id 7\): klage: the region says «Noe annet»"):
        read_tasks(exported(TEXT, {"result": [region(0, 5, "Noe annet")]}), tmp_path)


def test_several_annotators(tmp_path: Path) -> None:
    """A cancelled annotation is none; of several, each is a record with its annotator, and one is chosen: the last, or whom one names."""
    one = {"completed_by": {"id": 1, "email": "a@x.no"}, "updated_at": "2024-01-02", "result": [region(0, 5, None)]}
    two = {"completed_by": 2, "updated_at": "2024-01-01", "result": []}
    tasks = exported(TEXT, one, two, {"was_cancelled": True, "completed_by": 3, "result": []}, id="q")
    tasks += [{"id": 8, "data": {"text": "Hei"}, "annotations": [{"was_cancelled": True, "result": []}]}]
    records = read_tasks(tasks, tmp_path)
    assert [(r["id"], r.get("annotator"), r.get("klage")) for r in records] == [
        ("q", "2", []), ("q", "a@x.no", [{"start": 0, "end": 5, "labels": ["pris"]}]), ("8", None, None),
    ]  # fmt: skip
    assert formats.annotators(records) == ["2", "a@x.no"]
    chosen, others = formats.choose(records, MINE)
    assert ([r.get("annotator") for r in chosen], others) == (["a@x.no", None], 1)
    chosen, _ = formats.choose(records[1:], MINE, "a@x.no")
    assert [r["id"] for r in chosen] == ["q", "8"]
    with pytest.raises(ClassifierError, match=r"--annotator 9: nobody.*known are 2, a@x\.no"):
        formats.choose(records, MINE, "9")


def test_foreign_configuration(tmp_path: Path) -> None:
    """Results of controls that are no facets, unknown codes and JSON-MIN are errors that name the task."""
    wrong = {"from_name": "sentiment", "type": "choices", "value": {"choices": ["x"]}}
    for tasks, message in (
        (exported(TEXT, {"result": [wrong]}), r"task 1 \(id 7\): 'sentiment' is no facet; known are tema"),
        (exported(TEXT, {"result": [region(0, 5, None, "dyrt")]}), r"task 1 \(id 7\): klage: unknown label 'dyrt'"),
        ([{"id": 1, "text": TEXT, "klage": []}], r"task 1: no data\.text; export as JSON"),
        ([3], "task 1: not a JSON object"),
    ):
        with pytest.raises(ClassifierError, match=message):
            read_tasks(tasks, tmp_path)


# doccano and Prodigy, as they export


@pytest.mark.parametrize("line", [
    {"id": 4, "text": TEXT, "label": [[28, 40, "klage.pris"]], "Comments": []},
    {"id": 4, "text": TEXT, "cats": [], "entities": [[28, 40, "klage.pris"]], "Comments": []},
    {"id": 4, "text": TEXT, "entities": [{"id": 1, "label": "klage.pris", "start_offset": 28, "end_offset": 40}], "relations": []},
])  # fmt: skip
def test_doccano_projects(line: dict[str, Any], tmp_path: Path) -> None:
    """The exports of sequence labelling, of slot filling and of relations are known by their look; offsets are JavaScript's."""
    (tmp_path / "d.jsonl").write_text(json.dumps(line) + "\n", encoding="utf-8")
    (record,) = read(tmp_path / "d.jsonl", MINE)
    at = TEXT.index("Det")
    assert (record["id"], record["klage"]) == ("4", [{"start": at, "end": at + 12, "labels": ["pris"]}])


def test_prodigy_answers(tmp_path: Path) -> None:
    """Accepted answers are labels, others are none; who answered is told; spans stand on tokens."""
    task = {"id": "p", "text": TEXT, "kanal": ["app"], "klage": [{"start": 6, "end": 7, "labels": ["pris", "stoy"]}]}
    write(tmp_path / "p.jsonl", [task], MINE, "prodigy")
    line = json.loads((tmp_path / "p.jsonl").read_text(encoding="utf-8"))
    assert line["accept"] == ["kanal.app"]
    assert {"id": "tema.buss", "text": "Tema: Buss og bane"} in line["options"]
    for token in line["tokens"]:
        assert TEXT[token["start"] : token["end"]] == token["text"]
    for span in line["spans"]:
        assert line["tokens"][span["token_start"]]["start"] == span["start"]
        assert line["tokens"][span["token_end"]]["end"] == span["end"]
    for answer in ("accept", "reject", "ignore"):
        (tmp_path / "p.jsonl").write_text(json.dumps(line | {"answer": answer, "_session_id": "db-kari"}) + "\n", encoding="utf-8")
        (record,) = read(tmp_path / "p.jsonl", MINE)
        assert ("klage" in record, record.get("annotator")) == ((True, "db-kari") if answer == "accept" else (False, None))
