"""The words that spoke most for a label: the logit contributions of all features inside a word, summed.

A feature's contribution to a row is shared equally by its occurrences in it. Pairs of words, and a sentence's neighbours, lie outside the
word and are not counted.
"""

from typing import Any, NamedTuple

import numpy as np

from classifier.features import Matrix, Passage
from classifier.preprocessing import TOKEN
from classifier.scoring import Rows, Scores
from classifier.storage import Model

WORDS = 5


class Words(NamedTuple):
    """The words of a sentence: spans in the mended text, and their features one after the other, cut at `edges`."""

    spans: list[tuple[int, int]]
    features: np.ndarray
    edges: np.ndarray


class Evidence:
    """Evidence in one passage of a batch; words are looked up once, however many labels ask."""

    def __init__(self, p: Passage, i: int, batch: Rows, scores: Scores, model: Model) -> None:
        self.p, self.i, self.batch, self.scores, self.model = p, i, batch, scores, model
        self.first = int(batch.starts[i])
        self._words: dict[int, Words] = {}
        self._counted: dict[tuple[bool, int], np.ndarray] = {}

    def of_document(self, k: int) -> list[dict[str, Any]]:
        """Words for document label k: through the whole text, and through the sentences that spoke most for the labels it is stacked on."""
        weights = self.model.effects[0][_columns(self.batch.documents, self.i), k]
        total = {j: self._shared(self.words(j), self.batch.documents, self.i, weights) for j in range(len(self.p.spans))}
        d = len(self.model.document_labels)
        shares, best = self.model.document_stack[d : 2 * d, k], self.scores.best[self.i]
        for row in sorted({int(b) for b in best if b >= 0}):
            others = np.flatnonzero(best == row)
            columns = _columns(self.batch.sentences, row)
            weights = self.model.sentence_weights[np.ix_(columns, others)] @ shares[others]
            total[row - self.first] = total[row - self.first] + self._shared(
                self.words(row - self.first), self.batch.sentences, row, weights
            )
        return self._top(total)

    def of_sentence(self, j: int, k: int) -> list[dict[str, Any]]:
        """Words of sentence j for sentence label k."""
        row = self.first + j
        weights = self.model.effects[1][_columns(self.batch.sentences, row), k]
        return self._top({j: self._shared(self.words(j), self.batch.sentences, row, weights)})

    def words(self, j: int) -> Words:
        if j not in self._words:
            start, end = self.p.spans[j]
            spans = [m.span() for m in TOKEN.finditer(self.p.repaired.text, start, end)]
            tokens = self.p.tokens[j]
            if len(spans) != len(tokens):  # lowering moved a word boundary: no evidence rather than a wrong one
                spans, tokens = [], []
            ids = [self.model.vocabulary.of_token(t) for t in tokens]
            features = np.concatenate(ids) if ids else np.zeros(0, np.int32)
            self._words[j] = Words(spans, features, np.cumsum([0, *map(len, ids)]))
        return self._words[j]

    def _shared(self, words: Words, matrix: Matrix, row: int, weights: np.ndarray) -> np.ndarray:
        """What each word adds to the score of a row; `weights` are those of the row's columns."""
        columns = _columns(matrix, row)
        values = matrix.data[matrix.indptr[row] : matrix.indptr[row + 1]]
        share = values * weights / self.often(matrix, row)
        sums = np.append(0.0, np.cumsum(share[np.searchsorted(columns, words.features)]))
        contributed: np.ndarray = sums[words.edges[1:]] - sums[words.edges[:-1]]
        return contributed

    def often(self, matrix: Matrix, row: int) -> np.ndarray:
        """How often each feature of a row occurs in the words of the row."""
        whole = matrix is self.batch.documents
        if (whole, row) not in self._counted:
            self._counted[whole, row] = self._count(matrix, row)
        return self._counted[whole, row]

    def _count(self, matrix: Matrix, row: int) -> np.ndarray:
        inside = range(len(self.p.spans)) if matrix is self.batch.documents else [row - self.first]
        columns = _columns(matrix, row)
        every = np.concatenate([self.words(j).features for j in inside])
        return np.maximum(np.bincount(np.searchsorted(columns, every), minlength=len(columns)), 1)

    def _top(self, total: dict[int, np.ndarray]) -> list[dict[str, Any]]:
        text, seen = self.p.repaired.text, set[str]()
        out: list[dict[str, Any]] = []
        spans = [span for j in total for span in self.words(j).spans]
        weights = np.concatenate(list(total.values()))
        for n in np.argsort(-weights, kind="stable"):
            (start, end), weight = spans[n], round(float(weights[n]), 4)
            word = text[start:end].lower()
            if weight <= 0 or len(out) == WORDS:
                break
            if word not in seen:
                seen.add(word)
                a, b = self.p.repaired.span(start, end)
                out.append({"start": a, "end": b, "weight": weight})
        return out


def _columns(matrix: Matrix, row: int) -> np.ndarray:
    columns: np.ndarray = matrix.indices[matrix.indptr[row] : matrix.indptr[row + 1]]
    return columns
