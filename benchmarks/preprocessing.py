"""Sentence splitting, normal forms and language on Universal Dependencies.

    python benchmarks/preprocessing.py UD_FOLDER [--errors N]

UD_FOLDER holds `{nb,nn}-dev.sentences.txt` (a gold sentence a line) and `{nb,nn}-dev.lemmas.tsv` (form, lemma, part of
speech, count). The measures: F1 of the inner sentence boundaries over blocks of ten sentences joined by a space; F1 of
the pairs of content-word forms that share a lemma against those that share a normal form; share of the blocks whose
language is told right.
"""

import argparse
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from itertools import combinations
from pathlib import Path

from classifier.preprocessing import language, normal_form, sentences

CONTENT = {"NOUN", "VERB", "ADJ", "ADV"}


def blocks(path: Path) -> list[list[str]]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [lines[i : i + 10] for i in range(0, len(lines), 10)]


def f1(right: int, found: int, gold: int) -> tuple[float, float, float]:
    """(precision, recall, F1)"""
    p, r = right / max(found, 1), right / max(gold, 1)
    return p, r, 2 * p * r / max(p + r, 1e-9)


def boundary_score(path: Path, split: Callable[[str], list[tuple[int, int]]], errors: int = 0) -> tuple[float, float, float]:
    """Boundaries are compared by the start of the sentence that follows."""
    right = found = gold = 0
    shown: list[str] = []
    for block in blocks(path):
        text, starts, at = " ".join(block), set(), 0
        for sentence in block[:-1]:
            at += len(sentence) + 1
            starts.add(at)
        ours = {start for start, _ in split(text)[1:]}
        right, found, gold = right + len(starts & ours), found + len(ours), gold + len(starts)
        shown += [f"missed {text[s - 30 : s]!r} | {text[s : s + 25]!r}" for s in starts - ours]
        shown += [f"false  {text[max(s - 30, 0) : s]!r} | {text[s : s + 25]!r}" for s in ours - starts]
    print("\n".join(shown[:errors]), end="\n" if errors else "")
    return f1(right, found, gold)


def pairs(groups: Iterable[Iterable[str]]) -> set[tuple[str, str]]:
    return {pair for group in groups for pair in combinations(sorted(set(group)), 2)}


def pair_score(path: Path, normal: Callable[[str], str], errors: int = 0) -> tuple[float, float, float]:
    by_lemma, by_normal = defaultdict(set), defaultdict(set)
    for line in path.read_text(encoding="utf-8").splitlines():
        form, lemma, pos = line.split("\t")[:3]
        if pos in CONTENT:
            by_lemma[lemma].add(form)
            by_normal[normal(form)].add(form)
    gold, ours = pairs(by_lemma.values()), pairs(by_normal.values())
    for kind, some in (("apart", gold - ours), ("merged", ours - gold)):
        for a, b in sorted(some, key=lambda p: hash(p[0][::-1]))[:errors]:
            print(kind, a, b, normal(a), normal(b))
    return f1(len(gold & ours), len(ours), len(gold))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--errors", type=int, default=0, help="print this many errors of each kind")
    args = parser.parse_args()
    for lang in ("nb", "nn"):
        path = args.folder / f"{lang}-dev.sentences.txt"
        print(f"{lang} sentences  precision %.4f  recall %.4f  F1 %.4f" % boundary_score(path, sentences, args.errors))
        told = Counter(language(" ".join(block)) for block in blocks(path))
        print(f"{lang} language   right {told[lang] / sum(told.values()):.4f}  {dict(told)}")
        words = args.folder / f"{lang}-dev.lemmas.tsv"
        print(f"{lang} forms      precision %.4f  recall %.4f  F1 %.4f" % pair_score(words, normal_form, args.errors))


if __name__ == "__main__":
    main()
