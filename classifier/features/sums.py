"""Sums over rows of a table, in the few steps that labelling takes.

NumPy's own for a few texts: to import SciPy's sparse matrices takes longer than all else up to the first label.
"""

from threading import Lock

import numpy as np

from classifier.features.units import Known
from classifier.preprocessing import grown

MANY = 5000  # things to add up from which SciPy's product gains more than its import costs


def summed(table: np.ndarray, indices: np.ndarray, indptr: np.ndarray) -> np.ndarray:
    """Per row, the sum of the rows `indices[indptr[i]:indptr[i + 1]]` of a table; shape (rows, table's columns)."""
    n = len(indptr) - 1
    if len(indices) >= MANY:
        from scipy import sparse

        ones = np.ones(len(indices), table.dtype)
        product: np.ndarray = sparse.csr_matrix((ones, indices.astype(np.int32), indptr.astype(np.int32)), shape=(n, len(table))) @ table
        return product
    out = np.zeros((n, table.shape[1]), table.dtype)
    full = np.diff(indptr) > 0
    if full.any():
        out[full] = np.add.reduceat(table[indices], indptr[:-1][full], axis=0)
    return out


class WordSums:
    """What each known word adds to linear scores: the sums, over its features, of what these add; found once, kept as long as the word."""

    def __init__(self, by_feature: np.ndarray) -> None:
        self.by_feature, self._lock = by_feature, Lock()
        self._begin(Known())

    def _begin(self, known: Known) -> None:
        self._known, self._n = known, 0
        self._table = np.zeros((0, self.by_feature.shape[1]), self.by_feature.dtype)  # a new one: another thread may read the old one

    def of(self, known: Known) -> np.ndarray:
        """The sums by number of the word, shape (at least as many as are known, columns)."""
        with self._lock:
            if known is not self._known:
                self._begin(known)
            n = known.features.n
            self._table = grown(self._table, n)
            if n > self._n:
                features, lengths = known.features.take(np.arange(self._n, n))
                self._table[self._n : n] = summed(self.by_feature, features, np.concatenate(([0], np.cumsum(lengths))))
                self._n = n
            return self._table
