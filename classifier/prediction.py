"""A text -> a `Prediction` with evidence: what the library and the command line give."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from classifier import storage
from classifier.evidence import Evidence
from classifier.features import Passage, passages
from classifier.parallel import spread
from classifier.scoring import best_sentences, score
from classifier.storage import Model
from classifier.taxonomy import Facet, Taxonomy

BATCH, LETTERS = 256, 1_000_000  # texts scored together, and their characters; also the window of `predict_many`
MARGIN = 0.15  # a single choice whose two best labels are nearer than this is for review
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

    def __reduce__(self) -> tuple[Any, ...]:  # three times as quick to send between processes as what dataclasses do of themselves
        return Prediction, (self.model, self.language, self.facets, self.innovasjon, self.review, self.warnings, self.scores)

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
        if not found:  # as of most sentence facets
            return []
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
        for batch in windows(texts):
            yield from predict_batch(batch, model, evidence)
        return
    with TemporaryDirectory() as scratch:  # the workers get the model as it is here, which its folder need not be
        folder = Path(scratch) / "model"
        storage.save(model, folder, "")
        work = partial(_predict_in_worker, evidence=evidence)
        for part in spread(work, batched(texts, 4 * BATCH), str(folder), jobs):
            yield from part


def batched(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """Lists of `size` items, the last one shorter."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def windows(texts: Iterable[str]) -> Iterator[list[str]]:
    """Lists of up to `BATCH` texts, and of fewer where they are long."""
    batch, letters = list[str](), 0
    for text in texts:
        batch.append(text)
        letters += len(text) if isinstance(text, str) else 0
        if len(batch) == BATCH or letters > LETTERS:
            yield batch
            batch, letters = [], 0
    if batch:
        yield batch


_load_once = lru_cache(maxsize=1)(storage.load)


def _predict_in_worker(texts: list[str], folder: str, evidence: bool) -> list[Prediction]:
    return [p for batch in windows(texts) for p in predict_batch(batch, _load_once(folder), evidence)]


def predict_batch(texts: Sequence[str], model: Model, evidence: bool = True) -> list[Prediction]:
    """Labels of a few texts at once."""
    with model.vocabulary.held():
        return _predict_batch(texts, model, evidence)


def _predict_batch(texts: Sequence[str], model: Model, evidence: bool) -> list[Prediction]:
    texts = [text if isinstance(text, str) else "" for text in texts]
    cut = passages(texts, model.vocabulary.chunks)
    words = model.vocabulary.find(cut)
    scores = score(model, words)
    without = scores.document_norm == 0  # of features; whether of words, too, is seldom to be asked
    empty = np.array([bool(none) and not any(p.tokens) for p, none in zip(cut, without, strict=True)])
    spoke = Evidence(cut, words, scores, model) if evidence else None
    facets: dict[str, list[Any]] = {}
    all_scores: dict[str, list[dict[str, float]]] = {}
    review: list[list[str]] = [[] for _ in texts]
    at = {"document": 0, "sentence": 0}  # where the columns of the next facet begin
    for facet in model.taxonomy.facets:
        codes, n, first = facet.codes, len(facet.codes), at[facet.unit]
        if facet.unit == "document":
            p = np.where(empty[:, None], 0.0, scores.document[:, first : first + n])
            found = _of_texts(facet, p, empty, model, first, spoke)
        else:
            first += 1  # after the column of ANY
            p = best_sentences(scores.sentence[:, first : first + n], words.starts)[0]
            p[empty] = 0.0
            found = _of_sentences(facet, scores.sentence[:, first - 1 : first + n], empty, model, first, spoke, texts, cut, words.starts)
        at[facet.unit] = first + n
        facets[facet.code] = found
        all_scores[facet.code] = [dict(zip(codes, row, strict=True)) for row in np.round(p, 4).tolist()]
        for i, code in _for_review(facet, p, model):
            if not empty[i]:
                review[i].append(f"{facet.code}.{code}")
    name = str(model)
    predictions = []
    for i, passage in enumerate(cut):
        own = {code: found[i] for code, found in facets.items()}
        warnings = (EMPTY,) if empty[i] else (FOREIGN,) if passage.language == "other" else ()
        scored = {code: found[i] for code, found in all_scores.items()}
        judged = verdict(model.taxonomy, {code: [f["label"]] if isinstance(f, dict) else f for code, f in own.items()})
        predictions.append(Prediction(name, passage.language, own, judged, tuple(review[i]), warnings, scored))
    return predictions


def _of_texts(facet: Facet, p: np.ndarray, empty: np.ndarray, model: Model, first: int, spoke: Evidence | None) -> list[Any]:
    """What each text has of a document facet; p has shape (texts, labels)."""
    codes, rounded = facet.codes, np.round(p, 4).tolist()
    if facet.choice == "single":
        best = p.argmax(axis=1).tolist()
        return [
            {"label": facet.default, "probability": 0.0} if nothing else {"label": codes[k], "probability": row[k]}
            for nothing, row, k in zip(empty.tolist(), rounded, best, strict=True)
        ]
    found: list[list[dict[str, Any]]] = [[] for _ in rounded]
    for i, chosen in _by_row((p >= _thresholds(facet, model)) & ~empty[:, None]):
        words = spoke.of_document(i, [first + k for k in chosen]) if spoke else [[]] * len(chosen)
        found[i] = [{"label": codes[k], "probability": rounded[i][k], "evidence": w} for k, w in zip(chosen, words, strict=True)]
    return found


def _of_sentences(
    facet: Facet, p: np.ndarray, empty: np.ndarray, model: Model, first: int, spoke: Evidence | None,
    texts: Sequence[str], cut: Sequence[Passage], starts: np.ndarray,
) -> list[Any]:  # fmt: skip
    """The spans of each text that have labels of a sentence facet; p has shape (sentences, 1 + labels), the column of `ANY` first."""
    found: list[list[dict[str, Any]]] = [[] for _ in texts]
    codes, own = facet.codes, p[:, 1:]
    rounded = np.round(own, 4)
    if facet.choice == "single":
        chosen = (own.argmax(axis=1)[:, None] == np.arange(own.shape[1])) & (p[:, :1] >= model.thresholds[facet.code])
    else:
        chosen = own >= _thresholds(facet, model)
    text_of = np.repeat(np.arange(len(texts)), np.diff(starts))
    chosen &= ~empty[text_of][:, None]
    for row, labels in _by_row(chosen):
        i = int(text_of[row])
        start, end = cut[i].repaired.span(*cut[i].span(row - int(starts[i])))
        words = spoke.of_sentence(i, row, [first + k for k in labels]) if spoke else [[]] * len(labels)
        given = [{"label": codes[k], "probability": float(rounded[row, k]), "evidence": w} for k, w in zip(labels, words, strict=True)]
        found[i].append({"start": start, "end": end, "text": texts[i][start:end], "labels": given})
    return found


def _by_row(chosen: np.ndarray) -> Iterator[tuple[int, list[int]]]:
    """The rows of a matrix that have something, with the columns where."""
    rows, columns = chosen.nonzero()
    for row, group in groupby(zip(rows.tolist(), columns.tolist(), strict=True), itemgetter(0)):
        yield row, [column for _, column in group]


def _thresholds(facet: Facet, model: Model) -> np.ndarray:
    return np.array([model.thresholds[f"{facet.code}.{code}"] for code in facet.codes])


def _for_review(facet: Facet, p: np.ndarray, model: Model) -> Iterator[tuple[int, str]]:
    """(text, code) of what is too close to call: within a label's band, or a single choice whose second best is near."""
    if facet.choice == "single" and facet.unit == "document" and len(facet.codes) > 1:
        two = np.partition(p, -2, axis=1)[:, -2:]
        for i in (two[:, 1] - two[:, 0] < MARGIN).nonzero()[0].tolist():
            yield i, facet.codes[int(p[i].argmax())]
    bands = np.array([model.review.get(f"{facet.code}.{code}", (np.inf, 0.0)) for code in facet.codes])
    for i, k in zip(*(hit.tolist() for hit in ((bands[:, 0] <= p) & (p < bands[:, 1])).nonzero()), strict=True):
        yield i, facet.codes[k]


def verdict(taxonomy: Taxonomy, labels: Mapping[str, Collection[Any]]) -> dict[str, Any] | None:
    """Innovation in the sense of the op-ed: something new, in use, that has given value. None where the facets are others.

    `labels`: what each facet has, labels or (all that matters but for the phase) whatever there are as many of.
    """
    if not taxonomy.judges:
        return None
    holds = {"type": bool(labels["type"]), "fase": not IN_USE.isdisjoint(labels["fase"]), "verdi": bool(labels["verdi"])}
    return {"verdict": all(holds.values()), "missing": [name for name, yes in holds.items() if not yes]}
