"""Label Studio: JSON tasks with annotations and predictions, and the labelling configuration (XML) beside them.

Offsets are code points: the editor counts `[...text].length` since «Store code points instead of js length» (label-studio-frontend pull
request 308; web/libs/editor/src/utils/selection-tools.js, `charsToCodePoints`), and a carriage return and a line feed are two (docs of the
Text tag). Older versions counted UTF-16 units; where a region brings its text along, that decides.

Codes are stored (`alias`), names are shown (`value`). A task with several annotations gives several records, each with its `annotator`.
"""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from classifier.annotation.formats.shared import (
    KINDS,
    MARKS,
    Options,
    Placed,
    Record,
    columns,
    complete,
    is_annotated,
    label_names,
    labels,
    numbered,
    proposal,
    state,
    without_state,
)
from classifier.annotation.offsets import to_points
from classifier.errors import ClassifierError
from classifier.taxonomy import Taxonomy


def configuration(taxonomy: Taxonomy, marks: tuple[str, ...] = (), language: str = "nb") -> str:
    """The labelling configuration: a document facet is Choices, a sentence facet Labels over the text; `marks`, too, if asked for."""
    view = ElementTree.Element("View")
    ElementTree.SubElement(view, "Style").text = ".htx-text { white-space: pre-wrap; }"
    for facet in taxonomy.of("sentence"):
        ElementTree.SubElement(view, "Header", value=facet.name(language))
        group = ElementTree.SubElement(view, "Labels", name=facet.code, toName="text", choice=_choice(facet.choice))
        for label in facet.labels:
            ElementTree.SubElement(group, "Label", value=label.name(language), alias=label.code)
    listed = {"evidence": label_names(taxonomy, "document"), "negatives": KINDS}
    for key in marks:
        ElementTree.SubElement(view, "Header", value=key)
        group = ElementTree.SubElement(view, "Labels", name=key, toName="text", choice=_choice("multi" if key == "evidence" else "single"))
        for name in listed[key]:
            ElementTree.SubElement(group, "Label", value=name)
    ElementTree.SubElement(view, "Text", name="text", value="$text")
    for facet in taxonomy.of("document"):
        ElementTree.SubElement(view, "Header", value=facet.name(language))
        group = ElementTree.SubElement(view, "Choices", name=facet.code, toName="text", choice=_choice(facet.choice))
        for label in facet.labels:
            choice = ElementTree.SubElement(group, "Choice", value=label.name(language), alias=label.code)
            if definition := label.definitions.get(language):
                choice.set("hint", definition)
    ElementTree.indent(view)
    return ElementTree.tostring(view, encoding="unicode") + "\n"


def _choice(choice: str) -> str:
    return "multiple" if choice == "multi" else "single"


def write(path: Path, records: list[Record], taxonomy: Taxonomy, options: Options) -> dict[Path, bytes]:
    """The tasks, and beside them the labelling configuration."""
    tasks = []
    for number, record in enumerate(records, 1):
        task: Record = {"data": {"text": record["text"], **columns(record, taxonomy), **state(record, taxonomy)}}
        if is_annotated(record, taxonomy):
            task["annotations"] = [{"result": _results(labels(record, taxonomy), record["text"], taxonomy, f"{number}a")}]
        if said := proposal(record, taxonomy):
            version = str(record["predicted"].get("model", "innovasjon"))
            task["predictions"] = [{"model_version": version, "result": _results(said, record["text"], taxonomy, f"{number}p")}]
        tasks.append(task)
    marks = tuple(key for key in MARKS if any(key in record for record in records))
    return {
        path: (json.dumps(tasks, ensure_ascii=False, indent=1, default=str) + "\n").encode("utf-8", "backslashreplace"),
        path.with_suffix(".xml"): configuration(taxonomy, marks, options.language).encode("utf-8"),
    }


def _results(values: Record, text: str, taxonomy: Taxonomy, prefix: str) -> list[Record]:
    results: list[Record] = []

    def add(name: str, kind: str, value: Record) -> None:
        results.append({"id": f"{prefix}{len(results)}", "from_name": name, "to_name": "text", "type": kind, "value": value})

    for facet in taxonomy.of("document"):
        chosen = values.get(facet.code)
        if chosen:
            add(facet.code, "choices", {"choices": [chosen] if isinstance(chosen, str) else chosen})
    for name in (*(facet.code for facet in taxonomy.of("sentence")), *MARKS):
        for span in values.get(name) or ():
            start, end = span["start"], span["end"]
            codes = span["labels"] if "labels" in span else [span["kind"]]
            add(name, "labels", {"start": start, "end": end, "text": text[start:end], "labels": codes})
    return results


def read(path: Path, taxonomy: Taxonomy, options: Options) -> list[Placed]:
    """One record per annotation that was not cancelled, else one per task, which is then not annotated."""
    try:
        tasks = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise ClassifierError(f"{path}: not a JSON export of Label Studio: {error}") from error
    out: list[Placed] = []
    for place, task in numbered(tasks if isinstance(tasks, list) else [tasks], path, "task"):
        data = task.get("data")
        column = options.text_column or "text"
        if not isinstance(data, dict) or not isinstance(data.get(column), str):
            raise ClassifierError(f"{place}: no data.{column}; export as JSON (not JSON-MIN), or name the text by --text-column")
        text = data[column]
        own = data.get(options.id_column or "id", task.get("id", len(out) + 1))
        base = {"id": str(own), "text": text, **without_state(data, "id", column)}
        where = f"{place} (id {own})"
        guesses = [_said(p.get("result") or [], text, taxonomy, where) for p in task.get("predictions") or () if isinstance(p, dict)]
        if guesses:
            base["predicted"] = complete(guesses[-1], {}, taxonomy)
        done = [a for a in task.get("annotations") or () if isinstance(a, dict) and not a.get("was_cancelled")]
        for annotation in sorted(done, key=lambda a: (bool(a.get("ground_truth")), str(a.get("updated_at") or ""))):
            said = complete(_said(annotation.get("result") or [], text, taxonomy, where), data, taxonomy)
            out.append((where, base | _who(annotation) | said))
        if not done:
            out.append((where, base))
    return out


def _who(annotation: Record) -> Record:
    who = annotation.get("completed_by")
    who = who.get("email") or who.get("id") if isinstance(who, dict) else who
    return {} if who is None else {"annotator": str(who)}


def _said(results: list[Any], text: str, taxonomy: Taxonomy, place: str) -> Record:
    """The labels of one annotation or prediction, as far as they are of our facets' names."""
    out: Record = {}
    facets = {facet.code: facet for facet in taxonomy.facets}
    for result in results:
        name, value = result.get("from_name"), result.get("value") or {}
        if name not in facets and name not in MARKS:
            raise ClassifierError(f"{place}: {name!r} is no facet; known are {', '.join(facets)}")
        if result.get("type") == "choices" and name in facets:
            chosen = value.get("choices") or []
            if facets[name].choice == "multi":
                out[name] = chosen
            elif len(chosen) == 1:
                out[name] = chosen[0]
            elif chosen:
                raise ClassifierError(f"{place}: {name}: one label is wanted, here are {len(chosen)}")
        elif result.get("type") == "labels":
            try:
                start, end = _region(value, text)
            except ClassifierError as error:
                raise ClassifierError(f"{place}: {name}: {error}") from error
            codes = value.get("labels") or []
            span: Record = {"start": start, "end": end}
            out.setdefault(name, []).append(span | ({"kind": (codes or [None])[0]} if name == "negatives" else {"labels": codes}))
        else:
            raise ClassifierError(f"{place}: {name}: a result of type {result.get('type')!r}, which we do not know")
    return out


def _region(value: Record, text: str) -> tuple[int, int]:
    """The span of a region in code points, in whichever unit its own text stands there."""
    told = value.get("text")
    spans = []
    for unit in ("points", "utf16"):
        try:
            start, end = to_points(text, value.get("start", -1), value.get("end", -1), unit)
        except ClassifierError:
            continue
        if not isinstance(told, str) or _bare(told) == _bare(text[start:end]):
            return start, end
        spans.append(text[start:end])
    if spans:
        raise ClassifierError(f"the region says «{str(told)[:60]}», the text has «{spans[0][:60]}» there; was the text changed?")
    start, end = to_points(text, value.get("start", -1), value.get("end", -1), "points")
    return start, end


def _bare(text: str) -> str:
    """A text without white space, and without the `\\n` that the editor writes for a line end."""
    return "".join(text.replace("\\n", "").split())
