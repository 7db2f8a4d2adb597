"""The words that spoke most for a label: what each added to its logit, all its features together.

Pairs of words, and a sentence's neighbours, lie outside the word and are not counted.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from classifier.features import Found, Passage
from classifier.scoring import Scores
from classifier.storage import ANY, Model

WORDS = 5


class Evidence:
    """What each word of a batch of passages added to the logits of the document labels, and to those of the labels of its sentence."""

    def __init__(self, passages: Sequence[Passage], found: Found, scores: Scores, model: Model) -> None:
        self.passages, self.found = passages, found
        known, d, s = found.known, len(model.document_labels), len(model.sentence_labels)
        begins = np.repeat(np.concatenate([np.zeros(0, np.int64), *(p.starts for p in passages)]), found.lengths)  # of their chunks
        self.starts, self.ends = begins + known.begins.values[found.words], begins + known.ends.values[found.words]
        sums = model.word_sums.of(known)[found.words]
        sentence = np.repeat(np.arange(len(found.word_starts) - 1), np.diff(found.word_starts))
        document = np.repeat(np.arange(len(passages)), np.diff(found.word_starts[found.starts]))
        of_row = 1 / np.maximum(scores.sentence_norm, 1e-12)[sentence, None]
        of_text = 1 / np.maximum(scores.document_norm, 1e-12)[document, None]
        spoke = scores.best[document] == sentence[:, None]  # for which document labels the word's sentence spoke most
        self.document = (sums[:, :d] * of_text) @ model.document_stack[:d]
        self.document += (sums[:, d : 2 * d] * of_row * spoke) @ model.document_stack[d : 2 * d]
        self.sentence = (sums[:, 2 * d : 2 * d + s] * of_row) @ model.sentence_stack[:s]
        any_of = {facet: k for k, (facet, label) in enumerate(model.sentence_labels) if label == ANY}
        anything = self.sentence[:, [any_of[facet] for facet, _ in model.sentence_labels]]  # a label speaks together with its facet's `ANY`
        self.sentence += np.where([label == ANY for _, label in model.sentence_labels], 0, anything)

    def of_document(self, i: int, labels: Sequence[int]) -> list[list[dict[str, Any]]]:
        """Words of text i for each of these document labels: through the whole text, and through the sentences that spoke most."""
        return self._top(i, self.found.starts[i], self.found.starts[i + 1], self.document, labels)

    def of_sentence(self, i: int, row: int, labels: Sequence[int]) -> list[list[dict[str, Any]]]:
        """Words of a sentence of text i, by its row in the batch, for each of these sentence labels."""
        return self._top(i, row, row + 1, self.sentence, labels)

    def _top(self, i: int, first: int, last: int, added: np.ndarray, labels: Sequence[int]) -> list[list[dict[str, Any]]]:
        """The best words of some rows for each label."""
        a, b = self.found.word_starts[first], self.found.word_starts[last]
        weights = np.round(added[a:b, labels].T.astype(np.float64), 4)
        orders = np.argsort(-weights, axis=1, kind="stable")  # of words alike the first comes first
        repaired, best = self.passages[i].repaired, []
        for order, weight in zip(orders.tolist(), weights.tolist(), strict=True):
            seen = set[str]()
            out: list[dict[str, Any]] = []
            for n in order:
                if weight[n] <= 0 or len(out) == WORDS:
                    break
                start, end = int(self.starts[a + n]), int(self.ends[a + n])
                word = repaired.text[start:end].lower()
                if word not in seen:
                    seen.add(word)
                    start, end = repaired.span(start, end)
                    out.append({"start": start, "end": end, "weight": weight[n]})
            best.append(out)
        return best
