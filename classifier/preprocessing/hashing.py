"""Short strings looked up many at a time, by a hash of their letters.

A dict would have to be asked string by string. That two of a hundred thousand words have one hash of 64 bits happens to one of a billion
users; strings made for it (thousands of letters) can have.
"""

import numpy as np

# The factor of a letter in a hash, by its place in the string (odd, and no two alike).
PLACES = np.multiply.accumulate(np.full(4096, 0x9E3779B97F4A7C15, np.uint64))


def letters_of(text: str) -> np.ndarray:
    """The code points of a text, shape (characters,)."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def hashes_of(letters: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """A hash of each of some non-empty pieces, in order, of a text: the sum of its letters, each times the factor of its place."""
    if not len(starts):
        return np.zeros(0, np.uint64)
    first = int(starts[0])
    place = np.arange(len(letters) - first, dtype=np.int32)
    place -= np.repeat((starts - first).astype(np.int32), np.diff(starts, append=len(letters)))
    values = (letters[first:] + np.uint64(1)) * PLACES[place % len(PLACES)]
    turns = np.stack([starts, ends], axis=1).ravel()[: 2 * len(starts) - (ends[-1] == len(letters))]
    hashes: np.ndarray = np.add.reduceat(values, turns - first)
    return hashes[::2]


class HashTable:
    """Hash -> number, from 0 on. A hash stands in the first free slot from the one that its first bits name."""

    def __init__(self, hashes: np.ndarray, room: int = 1024) -> None:
        bits = (max(len(hashes), room) - 1).bit_length() + 1
        self._shift = np.uint64(64 - bits)
        self._hashes, self._numbers = np.zeros(2**bits, np.uint64), np.full(2**bits, -1, np.int32)
        self.room, self.n = 2 ** (bits - 1), 0
        self.put(hashes)

    def put(self, hashes: np.ndarray) -> None:
        """Give new hashes, all different, the next numbers; at most `room` find a place."""
        slots = (hashes >> self._shift).astype(np.int64)
        left = np.arange(len(hashes))
        while len(left):
            free = left[self._numbers[slots[left]] < 0]
            taken, which = np.unique(slots[free], return_index=True)
            self._hashes[taken] = hashes[free[which]]
            self._numbers[taken] = self.n + free[which]
            left = left[self._hashes[slots[left]] != hashes[left]]
            slots[left] = (slots[left] + 1) % len(self._hashes)
        self.n += len(hashes)

    def look_up(self, hashes: np.ndarray) -> np.ndarray:
        """The numbers of hashes, or -1."""
        slots = (hashes >> self._shift).astype(np.int64)
        found: np.ndarray = self._numbers[slots]
        others = np.flatnonzero((found >= 0) & (self._hashes[slots] != hashes))
        while len(others):
            slots[others] = (slots[others] + 1) % len(self._hashes)
            found[others] = self._numbers[slots[others]]
            others = others[(found[others] >= 0) & (self._hashes[slots[others]] != hashes[others])]
        return found
