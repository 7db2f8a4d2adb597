"""How often each feature stands in each row, and sums over rows: sparse matrices, in the few steps that labelling takes.

NumPy's own: to import SciPy's sparse matrices takes longer than all else up to the first label.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

MANY = 5000  # things to add up from which SciPy's product gains more than its import costs

Matrix: TypeAlias = Any  # scipy.sparse.csr_matrix, which comes without types


@dataclass(frozen=True)
class Counted:
    """A sparse matrix: row i has `data[indptr[i]:indptr[i + 1]]` in the columns `indices` of the same places, in ascending order."""

    data: np.ndarray  # float32
    indptr: np.ndarray
    keys: np.ndarray  # row × width + column of each
    width: int

    @cached_property
    def indices(self) -> np.ndarray:
        columns: np.ndarray = (self.keys % self.width).astype(np.int32)
        return columns

    def matrix(self) -> Matrix:
        """The same as SciPy has it, shape (rows, width)."""
        from scipy import sparse

        return sparse.csr_matrix((self.data, self.indices, self.indptr.astype(np.int32)), shape=(len(self.indptr) - 1, self.width))


def counted(rows: np.ndarray, columns: np.ndarray, n: int, width: int) -> Counted:
    """How often each (row, column) occurs, in `n` rows."""
    keys = np.sort((rows.astype(np.int64) * width + columns).astype(np.int32 if n * width < 2**31 else np.int64))  # small ones are quicker
    first = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1]))[: len(keys)])
    found = keys[first]
    times = np.diff(np.append(first, len(keys))).astype(np.float32)
    return Counted(times, np.searchsorted(found, np.arange(n + 1, dtype=np.int64) * width), found, width)


def summed(table: np.ndarray, indices: np.ndarray, indptr: np.ndarray, factors: np.ndarray | None = None) -> np.ndarray:
    """Per row, the sum of the rows `indices[indptr[i]:indptr[i + 1]]` of a table, each times its factor; shape (rows, table's columns)."""
    n = len(indptr) - 1
    if len(indices) >= MANY:
        from scipy import sparse

        ones = np.ones(len(indices), table.dtype) if factors is None else factors
        product: np.ndarray = sparse.csr_matrix((ones, indices.astype(np.int32), indptr.astype(np.int32)), shape=(n, len(table))) @ table
        return product
    out = np.zeros((n, table.shape[1]), table.dtype)
    full = np.diff(indptr) > 0
    if full.any():
        terms = table[indices] if factors is None else table[indices] * factors[:, None]
        out[full] = np.add.reduceat(terms, indptr[:-1][full], axis=0)
    return out
