"""The words that spoke most for a label: the logit contributions of all features inside a word, summed.

A feature's contribution to a row is shared equally by its occurrences in it. Pairs of words, and a sentence's neighbours, lie outside the
word and are not counted.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from classifier.features import Counted, Counts, Passage, Words
from classifier.scoring import Scores
from classifier.storage import Model

WORDS = 5


class Evidence:
    """Evidence in the passages of a batch: every word of it with its features, looked up once."""

    def __init__(self, passages: Sequence[Passage], counts: Counts, scores: Scores, model: Model) -> None:
        self.passages, self.counts, self.scores, self.model = passages, counts, scores, model
        self.documents, self.sentences = model.vocabulary.weigh(counts.documents), model.vocabulary.weigh(counts.sentences)
        self.words: Words = model.vocabulary.words(passages)
        self.value = np.zeros(len(model.vocabulary))  # by feature, of the row that is looked at

    def of_document(self, i: int, labels: Sequence[int]) -> list[list[dict[str, Any]]]:
        """Words of text i for each of these document labels: through the whole text, and through the sentences that spoke most."""
        first, last = self.counts.starts[i], self.counts.starts[i + 1]
        features = self.words.of_rows(first, last)[0]
        d = len(self.scores.best[i])
        own = self._shares(self.documents, self.counts.documents, i, features)[:, None] * self.model.effects[0][features][:, labels]
        for row in np.unique(self.scores.best[i]):
            others = np.flatnonzero(self.scores.best[i] == row)
            features, place = self.words.of_rows(row, row + 1)
            weights = self.model.sentence_weights[features][:, others] @ self.model.document_stack[d + others][:, labels]
            at = place - self.words.of_rows(first, last)[1]
            own[at : at + len(features)] += self._shares(self.sentences, self.counts.sentences, row, features)[:, None] * weights
        return self._top(i, first, last, own)

    def of_sentence(self, i: int, row: int, labels: Sequence[int]) -> list[list[dict[str, Any]]]:
        """Words of a sentence of text i, by its row in the batch, for each of these sentence labels."""
        features = self.words.of_rows(row, row + 1)[0]
        own = self._shares(self.sentences, self.counts.sentences, row, features)[:, None] * self.model.effects[1][features][:, labels]
        return self._top(i, row, row + 1, own)

    def _shares(self, matrix: Counted, counted: Counted, row: int, features: np.ndarray) -> np.ndarray:
        """What one occurrence of each of these features has of its value in a row."""
        inside = slice(matrix.indptr[row], matrix.indptr[row + 1])
        self.value[matrix.indices[inside]] = matrix.data[inside] / counted.data[inside]
        shares: np.ndarray = self.value[features]
        return shares

    def _top(self, i: int, first: int, last: int, contributions: np.ndarray) -> list[list[dict[str, Any]]]:
        """The best words of some rows for each column; `contributions` are those of the features of their words."""
        starts, ends, edges = self.words.spans(first, last)
        sums = np.concatenate((np.zeros((1, contributions.shape[1])), np.cumsum(contributions, axis=0, dtype=np.float64)))
        weights = np.round(sums[edges[1:]] - sums[edges[:-1]], 4)  # of words alike the first comes first
        repaired = self.passages[i].repaired
        best = []
        for order, weight in zip(np.argsort(-weights, axis=0, kind="stable").T.tolist(), weights.T.tolist(), strict=True):
            seen = set[str]()
            out: list[dict[str, Any]] = []
            for n in order:
                if weight[n] <= 0 or len(out) == WORDS:
                    break
                word = repaired.text[starts[n] : ends[n]].lower()
                if word not in seen:
                    seen.add(word)
                    a, b = repaired.span(int(starts[n]), int(ends[n]))
                    out.append({"start": a, "end": b, "weight": weight[n]})
            best.append(out)
        return best
