"""A text -> a `Prediction` with evidence: what the library and the command line give."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from classifier import storage
from classifier.evidence import Evidence
from classifier.features import Passage, passage
from classifier.preprocessing import language
from classifier.scoring import Rows, Scores, rows, score
from classifier.storage import ANY, Model
from classifier.taxonomy import Facet, Taxonomy

BATCH = 256  # texts scored together; also the window of `predict_many`
MARGIN = 0.15  # a single choice whose two best labels are nearer than this is for review
JUDGED = {"type", "fase", "verdi"}  # the facets that the verdict follows from
IN_USE = {"i_bruk", "spredt"}  # the phases of an innovation in the sense of the op-ed
EMPTY = "teksten er tom"
FOREIGN = "teksten ser ikke ut til å være norsk"


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model says of one text.

    `facets` maps each facet of the taxonomy to what stands in the JSON: a list of labels with probability and evidence (multi-choice),
    one label with probability (single-choice), or a list of spans with labels (sentence facets). Offsets count code points of the text
    as given.
    """

    model: str
    language: str
    facets: dict[str, Any]
    innovasjon: dict[str, Any] | None
    review: tuple[str, ...]
    warnings: tuple[str, ...]
    scores: dict[str, dict[str, float]]

    def to_dict(self, all_scores: bool = False) -> dict[str, Any]:
        """The JSON of the contract, less `id`."""
        out = {"model": self.model, "language": self.language, **self.facets, "innovasjon": self.innovasjon}
        out |= {"review": list(self.review), "warnings": list(self.warnings)}
        return out | {"scores": self.scores} if all_scores else out

    def labels(self, facet: str) -> list[str]:
        """The codes of a facet: in order of the taxonomy, for a sentence facet those of all its spans, for a single choice one."""
        found = self.facets[facet]
        if isinstance(found, dict):
            return [found["label"]]
        codes = [x["label"] for item in found for x in (item["labels"] if "labels" in item else [item])]
        return [code for code in self.scores[facet] if code in codes]


def load(folder: str | Path) -> Model:
    """The model of a folder; pass it as `model=`. Raises `ClassifierError` for a damaged or foreign one."""
    return storage.load(folder)


def predict(text: str, model: Model | None = None) -> Prediction:
    """The labels of one text, by the shipped model unless another is given."""
    return next(predict_many([text], model))


def predict_many(texts: Iterable[str], model: Model | None = None, jobs: int = 1, evidence: bool = True) -> Iterator[Prediction]:
    """Labels of many texts, in order, holding a bounded number of them at a time.

    `jobs` processes share the work; without `evidence` (which tables do not show) it is several times as quick.
    """
    model = model or storage.shipped()
    if jobs == 1:
        for batch in batched(texts, BATCH):
            yield from predict_batch(batch, model, evidence)
        return
    import joblib

    with TemporaryDirectory() as scratch:  # the workers get the model as it is here, which its folder need not be
        folder = Path(scratch) / "model"
        storage.save(model, folder, "")
        parallel = joblib.Parallel(n_jobs=jobs, return_as="generator", pre_dispatch="2*n_jobs", batch_size=1)
        for part in parallel(joblib.delayed(_predict_in_worker)(batch, str(folder), evidence) for batch in batched(texts, 4 * BATCH)):
            yield from part


def batched(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """Lists of `size` items, the last one shorter."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


_load_once = lru_cache(maxsize=1)(storage.load)


def _predict_in_worker(texts: list[str], folder: str, evidence: bool) -> list[Prediction]:
    return [p for batch in batched(texts, BATCH) for p in predict_batch(batch, _load_once(folder), evidence)]


def predict_batch(texts: Sequence[str], model: Model, evidence: bool = True) -> list[Prediction]:
    """Labels of a few texts at once."""
    passages = [passage(text if isinstance(text, str) else "") for text in texts]
    batch = rows(model.vocabulary, passages)
    scores = score(model, batch)
    return [_prediction(i, texts[i], passages[i], batch, scores, model, evidence) for i in range(len(texts))]


def _prediction(i: int, text: str, p: Passage, batch: Rows, scores: Scores, model: Model, with_evidence: bool) -> Prediction:
    first, last = int(batch.starts[i]), int(batch.starts[i + 1])
    empty = first == last or not any(p.tokens)
    by_document = scores.document[i]
    by_sentence = scores.sentence[first:last]
    evidence = Evidence(p, i, batch, scores, model) if with_evidence and not empty else None
    facets: dict[str, Any] = {}
    all_scores: dict[str, dict[str, float]] = {}
    review: list[str] = []
    document_columns = {name: k for k, name in enumerate(model.document_labels)}
    sentence_columns = {name: k for k, name in enumerate(model.sentence_labels)}
    for facet in model.taxonomy.facets:
        if facet.unit == "document":
            q = {code: 0.0 if empty else float(by_document[document_columns[facet.code, code]]) for code in facet.codes}
            if facet.choice == "single":
                facets[facet.code] = _single(facet, q, empty, review)
            else:
                chosen = [code for code in facet.codes if q[code] >= model.thresholds[f"{facet.code}.{code}"]]
                facets[facet.code] = [
                    {
                        "label": code,
                        "probability": _round(q[code]),
                        "evidence": evidence.of_document(document_columns[facet.code, code]) if evidence else [],
                    }
                    for code in chosen
                ]
        else:
            columns = [sentence_columns[facet.code, code] for code in facet.codes]
            part = by_sentence[:, columns] if not empty else np.zeros((0, len(columns)))
            q = {code: float(part[:, k].max()) if len(part) else 0.0 for k, code in enumerate(facet.codes)}
            facets[facet.code] = []
            for j in range(len(part)):
                codes = _mentioned(facet, part[j], float(by_sentence[j, sentence_columns[facet.code, ANY]]), model)
                if not codes:
                    continue
                start, end = p.repaired.span(*p.spans[j])
                labels = [
                    {
                        "label": code,
                        "probability": _round(part[j, facet.codes.index(code)]),
                        "evidence": evidence.of_sentence(j, sentence_columns[facet.code, code]) if evidence else [],
                    }
                    for code in codes
                ]
                facets[facet.code].append({"start": start, "end": end, "text": text[start:end], "labels": labels})
        all_scores[facet.code] = {code: _round(value) for code, value in q.items()}
        bands = ((code, model.review.get(f"{facet.code}.{code}")) for code in facet.codes)
        review += [f"{facet.code}.{code}" for code, band in bands if not empty and band and band[0] <= q[code] < band[1]]
    told = language(p.repaired.text)
    warnings = (EMPTY,) if empty else (FOREIGN,) if told == "other" else ()
    judged = verdict(model.taxonomy, {code: [found["label"]] if isinstance(found, dict) else found for code, found in facets.items()})
    return Prediction(str(model), told, facets, judged, tuple(review), warnings, all_scores)


def _round(p: float) -> float:
    return round(float(p), 4)


def _single(facet: Facet, q: dict[str, float], empty: bool, review: list[str]) -> dict[str, Any]:
    if empty:
        return {"label": facet.default, "probability": 0.0}
    ranked = sorted(facet.codes, key=lambda code: -q[code])
    if len(ranked) > 1 and q[ranked[0]] - q[ranked[1]] < MARGIN:
        review.append(f"{facet.code}.{ranked[0]}")
    return {"label": ranked[0], "probability": _round(q[ranked[0]])}


def _mentioned(facet: Facet, p: np.ndarray, p_any: float, model: Model) -> list[str]:
    """The codes of a sentence: all above their thresholds, or the best one of a single-choice facet."""
    if facet.choice == "single":
        return [facet.codes[int(p.argmax())]] if p_any >= model.thresholds[facet.code] else []
    return [code for code, q in zip(facet.codes, p, strict=True) if q >= model.thresholds[f"{facet.code}.{code}"]]


def verdict(taxonomy: Taxonomy, labels: Mapping[str, Collection[Any]]) -> dict[str, Any] | None:
    """Innovation in the sense of the op-ed: something new, in use, that has given value. None where the facets are others.

    `labels`: what each facet has, labels or (all that matters but for the phase) whatever there are as many of.
    """
    facets = {facet.code: facet for facet in taxonomy.facets}
    if not facets.keys() >= JUDGED or (facets["fase"].unit, facets["fase"].choice) != ("document", "single"):
        return None
    holds = {"type": bool(labels["type"]), "fase": not IN_USE.isdisjoint(labels["fase"]), "verdi": bool(labels["verdi"])}
    return {"verdict": all(holds.values()), "missing": [name for name, yes in holds.items() if not yes]}
