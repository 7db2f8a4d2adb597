"""The known character n-grams of many words at a time."""

from collections.abc import Sequence

import numpy as np

from classifier.features.tokens import CHARS, NGRAM, padded
from classifier.preprocessing.hashing import PLACES, HashTable, hashes_of, letters_of


class NGrams:
    """The character n-grams among the features of a vocabulary."""

    def __init__(self, index: dict[str, int]) -> None:
        """`index` is that of the vocabulary: feature -> number."""
        grams = [name[1:] for name in index if name[0] == CHARS]
        self.features = np.array([i for name, i in index.items() if name[0] == CHARS], np.int32)
        ends = np.cumsum(np.fromiter(map(len, grams), np.int64, len(grams)))
        self._table = HashTable(hashes_of(letters_of("".join(grams)), np.concatenate(([0], ends[:-1])) if grams else ends, ends))

    def find(self, tokens: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """(features, the place in `tokens` of the token of each): what `token_features` says of n-grams, in no certain order."""
        words = [padded(token) for token in tokens]
        token_of = np.repeat(np.arange(len(words)), np.fromiter(map(len, words), np.int64, len(words)))
        letters = letters_of("".join(words)) + np.uint64(1)
        features, places = [np.zeros(0, np.int32)], [np.zeros(0, np.int64)]
        hashes = letters * PLACES[0]
        for n in range(2, NGRAM[1] + 1):
            hashes = hashes[:-1] + letters[n - 1 :] * PLACES[n - 1]
            if n >= NGRAM[0]:
                inside = np.flatnonzero(token_of[: len(hashes)] == token_of[n - 1 :])
                found = self._table.look_up(hashes[inside])
                known = found >= 0
                features.append(self.features[found[known]])
                places.append(token_of[inside[known]])
        return np.concatenate(features), np.concatenate(places)
