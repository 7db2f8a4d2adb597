"""Rows of features -> logits and probabilities, with the arrays of a model."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from classifier.features import Counts, Matrix, Passage, Vocabulary, summed
from classifier.storage import Model
from classifier.taxonomy import Facet, Taxonomy


@dataclass(frozen=True)
class Rows:
    """TF-IDF rows of a batch: `sentences[starts[i]:starts[i + 1]]` are those of document i."""

    documents: Matrix
    sentences: Matrix
    starts: np.ndarray


@dataclass(frozen=True)
class Scores:
    """Probabilities of a batch; columns as in `Model.document_labels` and `Model.sentence_labels`.

    `best` is the row (in the batch's sentences) that spoke most for each document label; shape (documents, D).
    """

    document: np.ndarray
    sentence: np.ndarray
    best: np.ndarray


def rows(vocabulary: Vocabulary, passages: Sequence[Passage]) -> Rows:
    """Features of a batch, as training sees them. A passage without sentences has an empty row."""
    counts = vocabulary.count(passages)
    return Rows(vocabulary.weigh(counts.documents).matrix(), vocabulary.weigh(counts.sentences).matrix(), counts.starts)


def linear(matrix: Matrix, weights: np.ndarray) -> np.ndarray:
    """matrix @ weights, the last row of the weights being the intercept."""
    product: np.ndarray = np.add(matrix @ weights[:-1], weights[-1])
    return product


def neighbours(values: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """The sum of what the sentences before and after each sentence of the same document have; shape as given."""
    out = np.zeros_like(values)
    out[1:] += values[:-1]
    out[:-1] += values[1:]
    first = starts[:-1][np.diff(starts) > 0]
    out[first[first > 0]] -= values[first[first > 0] - 1]
    out[first[first > 0] - 1] -= values[first[first > 0]]
    return out


def best_sentences(values: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(highest value, its row) over the sentences of each document; shape (documents, columns) each. Empty documents: 0, -1."""
    lengths = np.diff(starts)
    full = lengths > 0
    highest = np.zeros((len(lengths), values.shape[1]), dtype=values.dtype)
    where = np.full(highest.shape, -1)
    if full.any():
        highest[full] = np.maximum.reduceat(values, starts[:-1][full], axis=0)
        is_highest = values == np.repeat(highest, lengths, axis=0)
        where[full] = np.minimum.reduceat(np.where(is_highest, np.arange(len(values))[:, None], len(values)), starts[:-1][full], axis=0)
    return highest, where


def base_logits(document_weights: np.ndarray, sentence_weights: np.ndarray, batch: Rows) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What the linear models say before calibration: (inputs of the document stack, of the sentence stack, best sentences)."""
    return combined(linear(batch.documents, document_weights), linear(batch.sentences, sentence_weights), batch.starts)


def combined(of_document: np.ndarray, of_sentence: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`base_logits` from the linear scores of documents, shape (documents, D), and sentences, shape (sentences, D + 2 S)."""
    d = of_document.shape[1]
    s = (of_sentence.shape[1] - d) // 2
    own, context = of_sentence[:, d : d + s], of_sentence[:, d + s :]
    highest, where = best_sentences(of_sentence[:, :d], starts)
    return np.hstack([of_document, highest]), own + neighbours(context, starts), where


def linear_scores(model: Model, counts: Counts) -> tuple[np.ndarray, np.ndarray]:
    """`linear` of the TF-IDF rows of (documents, sentences), without making these rows.

    A feature that occurs once adds the same to every row, so that the features of a chunk are added up once for all rows where it stands.
    What a feature that occurs n times adds more or less than n times this ((1 + ln n) - n) is put right afterwards.
    """
    d, table = model.document_weights.shape[1], model.by_feature
    distinct, chunks = np.unique(counts.chunks, return_inverse=True)
    features, lengths = counts.known.features.take(distinct)
    of_chunks = summed(table, features, np.concatenate(([0], np.cumsum(lengths))))
    sentences = summed(of_chunks, chunks, counts.chunk_starts) + summed(table, counts.pairs, counts.pair_starts)
    documents = summed(sentences, np.arange(len(sentences)), counts.starts)
    scores = []
    for sums, counted, columns, weights in (
        (documents, counts.documents, slice(0, d), model.document_weights),
        (sentences, counts.sentences, slice(d, -1), model.sentence_weights),
    ):
        repeated = np.flatnonzero(counted.data > 1)
        feature, n = counted.keys[repeated] % counted.width, counted.data[repeated].astype(np.float64)
        ends, logarithm = np.searchsorted(repeated, counted.indptr), 1 + np.log(n)
        more = summed(table, feature, ends, logarithm - n)
        row_of = np.repeat(np.arange(len(sums)), np.diff(ends))
        squares = sums[:, -1] + np.bincount(row_of, (logarithm**2 - n) * table[feature, -1], len(sums))
        scores.append((sums + more)[:, columns] / np.sqrt(np.maximum(squares, 1e-24))[:, None] + weights[-1])
    return scores[0], scores[1]


def probabilities(logits: np.ndarray, facets: Sequence[Facet], extra: int) -> np.ndarray:
    """Calibrated logits -> probabilities: column by column, or over the labels of a single-choice facet.

    A sentence facet (`extra` 1: the column of `ANY` stands first) has P(label) = P(any of its labels) × P(label | any).
    """
    out: np.ndarray = 1 / (1 + np.exp(-np.clip(logits, -30, 30)))
    at = 0
    for facet in facets:
        at += extra
        if facet.choice == "single" or extra:
            part = np.exp(logits[:, at : at + len(facet.codes)] - logits[:, at : at + len(facet.codes)].max(axis=1, keepdims=True))
            share = part / part.sum(axis=1, keepdims=True)
            out[:, at : at + len(facet.codes)] = share * out[:, at - 1 : at] if extra else share
        at += len(facet.codes)
    return out


def stacked(inputs: np.ndarray, stack: np.ndarray, taxonomy: Taxonomy, unit: str) -> np.ndarray:
    """Base logits -> calibrated probabilities of the facets of a unit."""
    logits: np.ndarray = inputs.astype(np.float64) @ stack[:-1].astype(np.float64) + stack[-1]
    return probabilities(logits, taxonomy.of(unit), 0 if unit == "document" else 1)


def score(model: Model, counts: Counts) -> Scores:
    """Calibrated probabilities of a batch."""
    of_document, of_sentence, where = combined(*linear_scores(model, counts), counts.starts)
    return Scores(
        stacked(of_document, model.document_stack, model.taxonomy, "document"),
        stacked(of_sentence, model.sentence_stack, model.taxonomy, "sentence"),
        where,
    )
