"""Sums over rows of a table, in the few steps that labelling takes.

NumPy's own for a few texts: to import SciPy's sparse matrices takes longer than all else up to the first label.
"""

import numpy as np

from classifier.features.units import PIECE, Known
from classifier.preprocessing import Chunks, grown

MANY = 5000  # things to add up from which SciPy's product gains more than its import costs
IN_A_ROW = 256  # terms added one after the other: of thousands alike, single precision would lose the last digits


def summed(table: np.ndarray, indices: np.ndarray, indptr: np.ndarray) -> np.ndarray:
    """Per row, the sum of the rows `indices[indptr[i]:indptr[i + 1]]` of a table; shape (rows, table's columns)."""
    n, lengths = len(indptr) - 1, np.diff(indptr)
    if lengths.max(initial=0) > IN_A_ROW:  # piece by piece, then the pieces
        pieces = -(-lengths // IN_A_ROW)
        starts = np.concatenate(([0], np.cumsum(pieces)))
        nth = np.arange(starts[-1]) - np.repeat(starts[:-1], pieces)
        of_pieces = summed(table, indices, np.append(np.repeat(indptr[:-1], pieces) + IN_A_ROW * nth, indptr[-1]))
        return summed(of_pieces, np.arange(starts[-1]), starts)
    if len(indices) >= MANY:
        from scipy import sparse

        ones = np.ones(len(indices), table.dtype)
        product: np.ndarray = sparse.csr_matrix((ones, indices.astype(np.int32), indptr.astype(np.int32)), shape=(n, len(table))) @ table
        return product
    out = np.zeros((n, table.shape[1]), table.dtype)
    for k in range(lengths.max(initial=0)):  # one term of each row at a time: in SciPy's order, to the last digit
        rows = np.flatnonzero(lengths > k)
        out[rows] += table[indices[indptr[rows] + k]]
    return out


class WordSums:
    """What each known word adds to linear scores: the sums, over its features, of what these add; found once, kept as long as the word."""

    def __init__(self, by_feature: np.ndarray) -> None:
        self.by_feature, self._table = by_feature, np.zeros((0, by_feature.shape[1]), by_feature.dtype)
        self._chunks: Chunks | None = None  # those that the words are of
        self._n = 0

    def of(self, known: Known) -> np.ndarray:
        """The sums by number of the word, shape (at least as many as are known, columns)."""
        if known.chunks is not self._chunks:
            self._chunks, self._n = known.chunks, 0
            if len(self._table) > len(known.features.starts):
                self._table = self._table[:0].copy()
        n = known.features.n
        if n > len(self._table):  # room for all that may come, so that it is seldom copied
            self._table = grown(self._table, max(n, len(known.features.starts)))
        for first in range(self._n, n, PIECE):
            last = min(first + PIECE, n)
            features, lengths = known.features.take(np.arange(first, last))
            self._table[first:last] = summed(self.by_feature, features, np.concatenate(([0], np.cumsum(lengths))))
        self._n = n
        return self._table
