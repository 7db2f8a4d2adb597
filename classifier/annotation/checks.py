"""Labelled data as a whole: near-duplicates, repeated phrases, told language."""

import re
from collections import Counter
from collections.abc import Sequence

from classifier.documents.labelled import Record
from classifier.preprocessing import language

WORD = re.compile(r"\w+")
SIMILAR = 0.5  # cosine over word 5-grams from which two texts are near-duplicates
RUN = 6  # words
RUN_SHARE = 0.003  # of all runs may stand in more than two texts
OPENING_SHARE = 0.01  # of all texts may open with the same three words
LANGUAGE_SHARE = 0.98  # of the texts of 30 words and more are in the language stated
ENOUGH = 100  # texts from which shares mean anything


def words(text: str) -> list[str]:
    return WORD.findall(text.lower())


def grams(text: str, n: int) -> set[str]:
    tokens = words(text)
    return {" ".join(tokens[i : i + n]) for i in range(len(tokens) - n + 1)}


def shingles(text: str) -> set[str]:
    """What two texts are compared by: word 5-grams, or the whole of a shorter text."""
    return grams(text, 5) or {text.strip().lower()}


def near_duplicates(records: Sequence[Record], least: float = SIMILAR) -> list[tuple[str, str, float]]:
    """(id, id, cosine over word 5-grams) of the pairs at least that similar, most similar first."""
    import numpy as np
    from scipy import sparse

    index: dict[str, int] = {}
    rows, columns = [], []
    for i, record in enumerate(records):
        for gram in shingles(record["text"]):
            rows.append(i)
            columns.append(index.setdefault(gram, len(index)))
    matrix = sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(records), len(index)))
    norms = np.sqrt(np.asarray(matrix.sum(axis=1)).ravel())
    same = sparse.triu(matrix @ matrix.T, k=1).tocoo()
    cosine = same.data / (norms[same.row] * norms[same.col])
    found = [
        (str(records[a]["id"]), str(records[b]["id"]), round(float(c), 3))
        for a, b, c in zip(same.row, same.col, cosine, strict=True)
        if c >= least
    ]
    return sorted(found, key=lambda pair: -pair[2])


def repeated_runs(records: Sequence[Record]) -> tuple[float, list[tuple[str, int]]]:
    """(share of the six-word runs that stand in more than two texts, the most frequent ones)."""
    c = Counter(run for record in records for run in grams(record["text"], RUN))
    return sum(n > 2 for n in c.values()) / max(len(c), 1), [(run, n) for run, n in c.most_common(5) if n > 2]


def openings(records: Sequence[Record]) -> list[tuple[str, int]]:
    """How many texts open with the same three words, most first."""
    return Counter(" ".join(words(record["text"])[:3]) for record in records).most_common(5)


def wrong_language(records: Sequence[Record]) -> tuple[float, list[str]]:
    """(share, ids) of the texts of 30 words and more that are not in the language stated."""
    long = [record for record in records if record.get("lang") in ("nb", "nn") and len(words(record["text"])) >= 30]
    wrong = [str(record["id"]) for record in long if language(record["text"]) != record["lang"]]
    return len(wrong) / max(len(long), 1), wrong


def data_faults(records: Sequence[Record]) -> list[str]:
    """What is wrong with a set of labelled texts as a set; empty for a good one."""
    faults = [f"near-duplicates ({similarity:.2f}): {a} and {b}" for a, b, similarity in near_duplicates(records)[:10]]
    if len(records) < ENOUGH:
        return faults
    share, runs = repeated_runs(records)
    if share >= RUN_SHARE:
        faults.append(f"{share:.2%} of the {RUN}-word runs stand in more than two texts: {runs}")
    faults += [f"{n} texts open with «{opening}»" for opening, n in openings(records) if n >= OPENING_SHARE * len(records)]
    share, ids = wrong_language(records)
    if share > 1 - LANGUAGE_SHARE:
        faults.append(f"{share:.1%} of the texts are not in the language stated: {', '.join(ids[:10])}")
    return faults
