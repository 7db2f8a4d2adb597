"""Rows of features -> logits and probabilities, with the arrays of a model."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from classifier.features import Found, Matrix, Passage, Vocabulary, summed
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

    `best` is the row (in the batch's sentences) that spoke most for each document label; shape (documents, D). The norms are those by
    which `Vocabulary.weigh` divides rows: 0 where no known feature stands.
    """

    document: np.ndarray
    sentence: np.ndarray
    best: np.ndarray
    document_norm: np.ndarray
    sentence_norm: np.ndarray


def rows(vocabulary: Vocabulary, passages: Sequence[Passage]) -> Rows:
    """Features of a batch, as training sees them. A passage without sentences has an empty row."""
    from scipy import sparse

    found = vocabulary.find(passages)
    sentences = vocabulary.count(found)
    n = sentences.shape[0]
    of_document = sparse.csr_matrix((np.ones(n, np.float32), np.arange(n), found.starts), shape=(len(passages), n))
    return Rows(vocabulary.weigh(of_document @ sentences), vocabulary.weigh(sentences), found.starts)


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


def linear_scores(model: Model, found: Found) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """((scores, norms) of documents, (scores, norms) of sentences): `linear` of their TF-IDF rows, without making these rows.

    What a word adds is the same wherever it stands, so that its features are added up once for all places.
    """
    d = model.document_weights.shape[1]
    sums = summed(model.word_sums.of(found.known), found.words, found.word_starts)
    sums += summed(model.by_feature, found.pairs, found.pair_starts)
    scores = []
    for own, columns, weights in (
        (summed(sums, np.arange(len(sums)), found.starts), slice(0, d), model.document_weights),
        (sums, slice(d, -1), model.sentence_weights),
    ):
        norms = np.sqrt(own[:, -1])
        scores.append((own[:, columns] / np.maximum(norms, 1e-12)[:, None] + weights[-1], norms))
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


def score(model: Model, found: Found) -> Scores:
    """Calibrated probabilities of a batch."""
    (documents, document_norm), (sentences, sentence_norm) = linear_scores(model, found)
    of_document, of_sentence, where = combined(documents, sentences, found.starts)
    return Scores(
        stacked(of_document, model.document_stack, model.taxonomy, "document"),
        stacked(of_sentence, model.sentence_stack, model.taxonomy, "sentence"),
        where, document_norm, sentence_norm,
    )  # fmt: skip
