"""Labels to look at again: those that a model trained without them contradicts most, and those that near-duplicates contradict."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from classifier.annotation.agreement import NOTHING, told
from classifier.annotation.checks import near_duplicates
from classifier.documents.labelled import Record
from classifier.evaluation import codes_of
from classifier.evidence import Evidence
from classifier.features import Passage, passage
from classifier.model import OutOfFold, Targets, targets, train
from classifier.scoring import score
from classifier.storage import ANY, Model
from classifier.taxonomy import Taxonomy

Row = dict[str, Any]
LEAST = 0.5  # how likely the annotation is to be wrong, by the model, for it to be told of
COLUMNS = ("id", "fasett", "annotert", "modellen", "sannsynlighet", "setning", "ord", "ligner")


def suspects(
    records: Sequence[Record], taxonomy: Taxonomy, most: int = 50, seed: int = 0, jobs: int = 1,
    progress: Callable[[str], None] = lambda message: None,
) -> list[Row]:  # fmt: skip
    """At most `most` labels of checked records, the likeliest to be wrong first.

    A row has `COLUMNS`: what is annotated (`–`: nothing) and what the model says instead, how likely the annotation is to be wrong
    (calibrated, by weights that were not learnt from this text's fold), and the words that spoke for the label in question in the model
    of all texts.
    Raises `ClassifierError` for fewer texts than a model needs.
    """
    model, held_out = train(records, taxonomy, "suspects", seed=seed, jobs=jobs, progress=progress)
    passages = [passage(r["text"]) for r in records]
    found = _contradicted(passages, targets(records, passages, taxonomy), held_out, model)
    found.sort(key=lambda s: -s[0])
    out = []
    for probability, i, j, facet, given, said in found[:most]:
        p = passages[i]
        text = records[i]["text"]
        words = [text[a:b] for a, b in _words(p, j, facet, given if said == NOTHING else said, model)]
        start, end = p.repaired.span(*p.spans[j]) if j is not None else (0, 0)
        sentence = " ".join(text[start:end].split())
        values = (str(records[i]["id"]), facet, given, said, round(float(probability), 4), sentence, ", ".join(words), "")
        out.append(dict(zip(COLUMNS, values, strict=True)))
    return out


Found = tuple[float, int, int | None, str, str, str]  # how sure, record, sentence in it, facet, annotated, by the model


def _contradicted(passages: Sequence[Passage], wanted: Targets, held_out: OutOfFold, model: Model) -> list[Found]:
    found: list[Found] = []
    singles = {f.code for f in model.taxonomy.of("document") if f.choice == "single"}
    for k, (facet, label) in enumerate(model.document_labels):
        if facet not in singles:
            found += [(p, i, None, facet, *said) for i, p, said in _apart(wanted.document[:, k], held_out.document[:, k], label)]
    for facet in singles:
        columns = [k for k, (code, _) in enumerate(model.document_labels) if code == facet]
        codes = [model.document_labels[k][1] for k in columns]
        for i, (y, p) in enumerate(zip(wanted.document[:, columns], held_out.document[:, columns], strict=True)):
            given, best = int(y.argmax()), int(p.argmax())
            if not np.isnan(y).any() and given != best and p[given] < 1 - LEAST:
                found.append((1 - float(p[given]), i, None, facet, codes[given], codes[best]))
    sentences = [(i, j) for i, p in enumerate(passages) for j in range(len(p.spans))]
    for k, (facet, label) in enumerate(model.sentence_labels):
        if label != ANY:
            for row, probability, said in _apart(wanted.sentence[:, k], held_out.sentence[:, k], label):
                i, j = sentences[row]
                found.append((probability, i, j, facet, *said))
    return found


def _apart(y: np.ndarray, p: np.ndarray, label: str) -> list[tuple[int, float, tuple[str, str]]]:
    """(row, how likely the model is right, (annotated, by the model)) where they differ on a label."""
    gap = np.nan_to_num(np.abs(y - p))
    return [(int(i), float(gap[i]), (label, NOTHING) if y[i] else (NOTHING, label)) for i in np.flatnonzero(gap > LEAST)]


def _words(p: Passage, j: int | None, facet: str, label: str, model: Model) -> list[tuple[int, int]]:
    with model.vocabulary.held():
        found = model.vocabulary.find([p])
        evidence = Evidence([p], found, score(model, found), model)
    labels = model.document_labels if j is None else model.sentence_labels
    k = labels.index((facet, label))
    (words,) = evidence.of_document(0, [k]) if j is None else evidence.of_sentence(0, j, [k])
    return [(w["start"], w["end"]) for w in words]


def contradictions(records: Sequence[Record], taxonomy: Taxonomy) -> list[Row]:
    """A row for each facet in which two near-duplicates are labelled differently, the most similar pair first."""
    by_id = {str(r["id"]): r for r in records}
    out = []
    for one, other, similarity in near_duplicates(records):
        for facet in taxonomy.facets:
            a, b = by_id[one].get(facet.code), by_id[other].get(facet.code)
            if a is None or b is None:
                continue
            mine, theirs = codes_of(by_id[one], facet), codes_of(by_id[other], facet)
            if mine != theirs:
                values = (one, facet.code, told(mine, facet), "", "", "", "", f"{other} ({similarity:.2f}): {told(theirs, facet)}")
                out.append(dict(zip(COLUMNS, values, strict=True)))
    return out


def as_text(rows: Sequence[Row]) -> str:
    """The rows for people, two or three lines each."""
    lines = []
    for row in rows:
        if row["ligner"]:
            lines.append(f"{row['id']}  {row['fasett']}: {row['annotert']}, but it is like {row['ligner']}")
            continue
        lines.append(f"{row['id']}  {row['fasett']}: {row['annotert']} → {row['modellen']} ({row['sannsynlighet']:.2f})  {row['ord']}")
        lines += [f"    «{row['setning']}»"] if row["setning"] else []
    return "\n".join(lines)


def as_tasks(rows: Sequence[Row], records: Sequence[Record]) -> list[Record]:
    """The records that rows are about, labels and all, with the reason to look at them."""
    reasons: dict[str, list[str]] = {}
    for row in rows:
        said = f"ligner {row['ligner']}" if row["ligner"] else f"modellen: {row['modellen']} ({row['sannsynlighet']:.2f})"
        where = f" «{row['setning']}»" if row["setning"] else ""
        reasons.setdefault(row["id"], []).append(f"{row['fasett']}{where}: annotert {row['annotert']}, {said}")
    return [r | {"reason": "; ".join(reasons[str(r["id"])])} for r in records if str(r["id"]) in reasons]
