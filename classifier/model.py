"""Training: labelled documents -> a `Model`.

One logistic regression per label on whole texts, one per label on sentences (the marked evidence for document labels; the marked spans
for sentence labels, with the neighbouring sentences as context). A second, small logistic regression on the out-of-fold scores of
the first ones calibrates and combines them. Thresholds, review bands and known errors come from the same out-of-fold probabilities.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version as version_of
from typing import Any
from zlib import crc32

import joblib
import numpy as np
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from classifier.errors import ClassifierError
from classifier.features import Matrix, Passage, learn_vocabulary, passage
from classifier.reliability import known_errors
from classifier.scoring import Rows, base_logits, probabilities, rows
from classifier.storage import ANY, PRECISION, Model, document_labels, sentence_labels
from classifier.taxonomy import Taxonomy
from classifier.thresholds import choose_thresholds, key, review_band

Record = dict[str, Any]

FOLDS = 5
MAX_FEATURES = 70_000  # the most frequent: those that chi-squared would pick find fewer barriers
C_DOCUMENT, C_SENTENCE = 8.0, 4.0
STACK: dict[str, Any] = {"C": 0.3, "tol": 1e-8, "max_iter": 10_000}  # so near the optimum that every processor comes to the same figures
CONTEXT_WEIGHT = 0.4  # of the neighbours' features against the sentence's own
CONSTRUCTED_WEIGHT = 0.3  # of a text that was made up (`source`) against one of a real case: made-up texts say things too plainly


@dataclass(frozen=True)
class Targets:
    """What the annotators said. Each matrix holds 1, 0 or NaN (not annotated, or not to be learnt from)."""

    document: np.ndarray  # (documents, D)
    evidence: np.ndarray  # (sentences, D)
    sentence: np.ndarray  # (sentences, S)


def case(record: Record) -> str:
    """What a record is about: records of one case never stand on both sides of a split."""
    page = re.sub(r"^https?://(www\.)?|/*(#.*)?$", "", str(record.get("source_url") or ""))
    return str(record.get("case") or page or record["id"])


def folds_of(records: Sequence[Record], seed: int) -> np.ndarray:
    """The cross-validation fold of each record: by writer where enough writers are told apart, else by case.

    What is learnt from one writer should hold for another: thresholds chosen on texts by the same hand are too bold."""
    by_writer = len({r["writer"] for r in records if r.get("writer")}) >= 4 * FOLDS
    groups = [str(r.get("writer") if by_writer and r.get("writer") else case(r)) for r in records]
    folds = np.array([crc32(f"{seed} {group}".encode()) % FOLDS for group in groups])
    cases_of = np.array([case(r) for r in records])
    if any(2 * apart_from(fold, folds, cases_of).sum() < (folds != fold).sum() for fold in set(folds)):  # writers who told the same cases
        folds = np.array([crc32(f"{seed} {name}".encode()) % FOLDS for name in cases_of])
    if len(set(folds)) < 2:
        raise ClassifierError("too few labelled texts of different cases to train on; add texts")
    return folds


def apart_from(fold: int, folds: np.ndarray, cases_of: np.ndarray) -> np.ndarray:
    """Which records may teach what is asked about those of a fold: those of other folds that do not tell of a case in it."""
    return np.asarray((folds != fold) & ~np.isin(cases_of, cases_of[folds == fold]))


def overlaps(a: tuple[int, int], b: tuple[int, int]) -> bool:
    """Do two spans share at least half of the shorter one?"""
    return 2 * (min(a[1], b[1]) - max(a[0], b[0])) >= min(a[1] - a[0], b[1] - b[0])


def targets(records: Sequence[Record], passages: Sequence[Passage], taxonomy: Taxonomy) -> Targets:
    """The labels of records as matrices, in the order of the model's columns."""
    columns, of_sentence = document_labels(taxonomy), sentence_labels(taxonomy)
    document = np.full((len(records), len(columns)), np.nan)
    evidence = np.full((sum(len(p.spans) for p in passages), len(columns)), np.nan)
    sentence = np.full((len(evidence), len(of_sentence)), np.nan)
    row = 0
    for i, (record, p) in enumerate(zip(records, passages, strict=True)):
        spans = [p.repaired.span(*span) for span in p.spans]
        marked = [((e["start"], e["end"]), set(e["labels"])) for e in record.get("evidence") or ()]
        for k, (facet, label) in enumerate(columns):
            if facet not in record:
                continue
            given = record[facet]
            document[i, k] = label == given or (not isinstance(given, str) and label in given)
            if "evidence" not in record:
                continue
            for j, span in enumerate(spans):
                if any(f"{facet}.{label}" in labels and overlaps(span, where) for where, labels in marked):
                    evidence[row + j, k] = 1
                elif not document[i, k]:
                    evidence[row + j, k] = 0
        for k, (facet, label) in enumerate(of_sentence):
            if facet not in record:
                continue
            for j, span in enumerate(spans):
                sentence[row + j, k] = _said(span, record[facet], label)
        row += len(spans)
    return Targets(document, evidence, sentence)


def _said(span: tuple[int, int], marked: Sequence[Record], label: str) -> float:
    """1 when a marked span with the label is this sentence, 0 when none touches it; NaN for a mere piece of one («Rektor sier:»)."""
    near = [m for m in marked if overlaps(span, (m["start"], m["end"]))]
    same = [m for m in near if 2 * (min(span[1], m["end"]) - max(span[0], m["start"])) >= max(span[1], m["end"]) - min(span[0], m["start"])]
    if any(label == ANY or label in m["labels"] for m in same):
        return 1
    return float("nan") if any(label == ANY or label in m["labels"] for m in near) else 0


def weights_of(records: Sequence[Record]) -> np.ndarray:
    """What each record counts for in fitting, shape (records,)."""
    return np.array([CONSTRUCTED_WEIGHT if r.get("source") == "constructed" else 1.0 for r in records])


def _fit_column(features: Matrix, wanted: np.ndarray, c: float, weights: np.ndarray) -> np.ndarray:
    """Weights and intercept of one binary label, shape (features + 1,); zeros where there is nothing to learn."""
    known = ~np.isnan(wanted)
    y = wanted[known].astype(int)
    if y.sum() < 2 or y.sum() == len(y):
        constant = np.zeros(features.shape[1] + 1, np.float32)
        constant[-1] = -5 if not len(y) or y.mean() < 0.5 else 5
        return constant
    learner = LogisticRegression(C=c, solver="liblinear", dual=True, class_weight="balanced", max_iter=300, random_state=0)
    learner.fit(features[known], y, weights[known])
    return np.append(learner.coef_[0], learner.intercept_).astype(np.float32)


def fit_base(batch: Rows, wanted: Targets, weights: np.ndarray, jobs: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """(document_weights, sentence_weights) of a model; `weights` are those of the documents in fitting."""
    f = batch.sentences.shape[1]
    of_sentences = np.repeat(weights, np.diff(batch.starts))
    context = _neighbour_rows(batch) * CONTEXT_WEIGHT
    with_context = sparse.csr_matrix(sparse.hstack([batch.sentences, context]))
    work = [(batch.documents, y, C_DOCUMENT, weights) for y in wanted.document.T]
    work += [(batch.sentences, y, C_SENTENCE, of_sentences) for y in wanted.evidence.T]
    work += [(with_context, y, C_SENTENCE, of_sentences) for y in wanted.sentence.T]
    fitted = joblib.Parallel(n_jobs=jobs)(  # processes: liblinear draws from one generator per process
        joblib.delayed(_fit_column)(*job) for job in work
    )
    d = wanted.document.shape[1]
    own = [np.append(w[:f], w[-1]) for w in fitted[2 * d :]]
    around = [np.append(w[f : 2 * f] * CONTEXT_WEIGHT, 0) for w in fitted[2 * d :]]
    return _columns(fitted[:d], f), _columns([*fitted[d : 2 * d], *own, *around], f)


def _columns(weights: Sequence[np.ndarray], features: int) -> np.ndarray:
    """The weights side by side, no finer than they will be stored."""
    return np.stack(weights, axis=1).astype(PRECISION).astype(np.float32) if len(weights) else np.zeros((features + 1, 0), np.float32)


def _neighbour_rows(batch: Rows) -> Matrix:
    """Per sentence, the sum of the rows of the sentence before and after it in its document."""
    n = batch.sentences.shape[0]
    same = np.ones(max(n - 1, 0))
    same[[b - 1 for b in batch.starts[1:-1] if 0 < b < n]] = 0
    return sparse.csr_matrix(sparse.diags([same, same], [-1, 1], shape=(n, n), format="csr") @ batch.sentences).astype(np.float32)


@threadpool_limits.wrap(limits=1)  # type: ignore[untyped-decorator]  # many small fits: threads only wait for each other
def fit_stack(inputs: np.ndarray, wanted: np.ndarray, taxonomy: Taxonomy, unit: str) -> np.ndarray:
    """The calibrating regression of a unit, shape (inputs + 1, labels)."""
    extra = int(unit == "sentence")
    stack = np.zeros((inputs.shape[1] + 1, wanted.shape[1]))
    at = 0
    for facet in taxonomy.of(unit):
        single = list(range(at + extra, at + extra + len(facet.codes)))
        competing = facet.choice == "single" or unit == "sentence"
        for k in [*range(at, at + extra), *([] if competing else single)]:
            known = ~np.isnan(wanted[:, k])
            y = wanted[known, k].astype(int)
            if 0 < y.sum() < len(y):
                learner = LogisticRegression(**STACK).fit(inputs[known], y)
                stack[:-1, k], stack[-1, k] = learner.coef_[0], learner.intercept_[0]
            else:
                stack[-1, k] = -5 if not len(y) or y.mean() < 0.5 else 5
        if competing:  # a row with two labels counts once for each
            known, y = np.nonzero(np.nan_to_num(wanted[:, single]) > 0)
            present = sorted(set(y))
            stack[-1, single] = -20
            if len(present) == 1:
                stack[-1, single[present[0]]] = 0
            elif present:
                learner = LogisticRegression(**STACK).fit(inputs[known], y)
                coefficients, intercepts = learner.coef_, learner.intercept_
                if len(present) == 2:  # scikit-learn keeps one row for two classes
                    coefficients, intercepts = np.vstack([0 * coefficients, coefficients]), np.append(0, intercepts)
                for j, p in enumerate(present):
                    stack[:-1, single[p]], stack[-1, single[p]] = coefficients[j], intercepts[j]
        at += extra + len(facet.codes)
    return stack.astype(np.float32)


@dataclass(frozen=True)
class OutOfFold:
    """Probabilities of every training record by weights that were not learnt from its fold or case (vocabulary and stack were)."""

    document: np.ndarray
    sentence: np.ndarray


def cases(records: Sequence[Record], model: Model, held_out: OutOfFold) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """«facet.label» -> (out-of-fold probabilities, whether the label was there) of the texts or sentences that were annotated for it."""
    wanted = targets(records, [passage(r["text"]) for r in records], model.taxonomy)
    found = {}
    for y, p, names in (
        (wanted.document, held_out.document, model.document_labels),
        (wanted.sentence, held_out.sentence, model.sentence_labels),
    ):
        for k, (facet, label) in enumerate(names):
            known = ~np.isnan(y[:, k])
            if label != ANY and known.any():
                found[f"{facet}.{label}"] = (p[known, k], y[known, k])
    return found


def versions() -> str:
    """The versions that a model's weights depend on."""
    return ", ".join(f"{name} {version_of(name)}" for name in ("scikit-learn", "scipy", "numpy", "simplemma"))


def _take(matrix: Matrix, mask: np.ndarray) -> Matrix:
    return matrix[np.flatnonzero(mask)]


def subset(batch: Rows, wanted: Targets, keep: np.ndarray) -> tuple[Rows, Targets, np.ndarray]:
    """The documents of a mask, with their sentences; the mask of these sentences comes last."""
    lengths = np.diff(batch.starts)
    sentences = np.repeat(keep, lengths)
    starts = np.concatenate(([0], np.cumsum(lengths[keep])))
    part = Rows(_take(batch.documents, keep), _take(batch.sentences, sentences), starts)
    return part, Targets(wanted.document[keep], wanted.evidence[sentences], wanted.sentence[sentences]), sentences


def train(
    records: Sequence[Record],
    taxonomy: Taxonomy,
    name: str,
    version: str = "1.0.0",
    seed: int = 0,
    jobs: int = 1,
    progress: Callable[[str], None] = lambda message: None,
) -> tuple[Model, OutOfFold]:
    """A model of the facets of `taxonomy`, learnt from checked records, with the out-of-fold probabilities of these records.

    The same records in the same order with the same seed and library versions give the same model."""
    if len({case(r) for r in records}) < 2 * FOLDS:
        raise ClassifierError(f"too few labelled texts to train on: {len(records)}; at least {2 * FOLDS} (of as many cases) are needed")
    progress("reading the texts")
    passages = [passage(r["text"]) for r in records]
    vocabulary = learn_vocabulary(passages, min_documents=3 if len(records) >= 300 else 1, most=MAX_FEATURES)
    wanted = targets(records, passages, taxonomy)
    batch, weights = rows(vocabulary, passages), weights_of(records)
    folds, cases_of = folds_of(records, seed), np.array([case(r) for r in records])
    sentence_folds = np.repeat(folds, np.diff(batch.starts))
    n, m = batch.documents.shape[0], batch.sentences.shape[0]
    inputs = {"document": np.zeros((n, 2 * wanted.document.shape[1])), "sentence": np.zeros((m, wanted.sentence.shape[1]))}
    for fold in sorted(set(folds)):
        progress(f"fold {fold + 1} of {FOLDS}")
        apart = apart_from(fold, folds, cases_of)
        seen, seen_targets, _ = subset(batch, wanted, apart)
        held, _, held_sentences = subset(batch, wanted, folds == fold)
        of_document, of_sentence, _ = base_logits(*fit_base(seen, seen_targets, weights[apart], jobs), held)
        inputs["document"][folds == fold], inputs["sentence"][held_sentences] = of_document, of_sentence
    progress("the whole")
    document_weights, sentence_weights = fit_base(batch, wanted, weights, jobs)
    stacks, held_out = {}, {}
    for unit, y, fold_ids in (("document", wanted.document, folds), ("sentence", wanted.sentence, sentence_folds)):
        stacks[unit] = fit_stack(inputs[unit], y, taxonomy, unit)
        held_out[unit] = np.zeros(y.shape)
        for fold in sorted(set(folds)):  # the stack, too, is judged on what it has not seen
            stack = fit_stack(inputs[unit][fold_ids != fold], y[fold_ids != fold], taxonomy, unit)
            logits = inputs[unit][fold_ids == fold] @ stack[:-1] + stack[-1]
            held_out[unit][fold_ids == fold] = probabilities(logits, taxonomy.of(unit), int(unit == "sentence"))
    thresholds: dict[str, float] = {}
    review: dict[str, tuple[float, float]] = {}
    for y, p, names in (
        (wanted.document, held_out["document"], document_labels(taxonomy)),
        (wanted.sentence, held_out["sentence"], sentence_labels(taxonomy)),
    ):
        thresholds |= choose_thresholds(y, p, names, taxonomy)
        for k, pair in enumerate(names):
            known = ~np.isnan(y[:, k])
            if key(pair) in thresholds and known.any():
                review[key(pair)] = review_band(y[known, k], p[known, k], thresholds[key(pair)])
    model = Model(
        name, version, taxonomy, vocabulary, document_weights, sentence_weights,
        stacks["document"], stacks["sentence"], thresholds, review,
        {"seed": seed, "documents": n, "sentences": m, "features": len(vocabulary), "versions": versions()},
        known_errors(records, held_out["document"], held_out["sentence"], batch.starts, folds, taxonomy, thresholds),
    )  # fmt: skip
    return model, OutOfFold(held_out["document"], held_out["sentence"])
