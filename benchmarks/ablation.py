"""Ablation: what each part of our model gives, one changed at a time.

    python benchmarks/ablation.py [--real FILE] [--only NAME …]

Out-of-fold figures of the training texts (folds by writer; those rewritten from a real case apart, being nearest to real text), then
the test split and real text. Writes its part of benchmarks/README.md and results/ablation.json. To add a row: one in `VARIANTS`.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import patch
from zlib import crc32

import numpy as np
from accuracy import HEADS, ROOT, TAXONOMY, score
from nltk.stem.snowball import SnowballStemmer
from parts import fill, table

from classifier import model as training
from classifier import predict_many, thresholds
from classifier.documents.labelled import read_labelled
from classifier.evaluation import count
from classifier.features import ngrams, passage, tokens, vocabulary
from classifier.preprocessing import normal_form
from classifier.preprocessing.words import lexicons, lookup
from classifier.storage import ANY, Model, document_labels, sentence_labels
from classifier.thresholds import key

Record = dict[str, Any]
STOP = {
    "og", "i", "på", "som", "til", "for", "av", "med", "er", "en", "et", "det", "den", "de", "at", "å", "om", "fra", "eller", "men", "har",
    "ein", "eit", "dei", "frå", "var", "vi", "så", "kan", "også", "òg", "ved", "seg", "sin", "sine", "hos", "der", "da", "då", "når",
}  # fmt: skip
stem = SnowballStemmer("norwegian").stem


def without(*kinds: str) -> dict[str, float]:
    """Kinds of features so light that they count for nothing."""
    return dict.fromkeys(kinds, 1e-6)


def no_stop_words(token: str, own: Callable[[str], list[str]] = tokens.named_features) -> list[str]:
    return ["w_"] if token in STOP else own(token)


def no_letters_of_stop_words(token: str, own: Callable[[str], str] = tokens.padded) -> str:
    return "" if token in STOP else own(token)


NO_STOP_WORDS: list[tuple[Any, str, Any]] = [(module, "named_features", no_stop_words) for module in (tokens, vocabulary)]
NO_STOP_WORDS += [(module, "padded", no_letters_of_stop_words) for module in (tokens, ngrams)]


def own_lemma(word: str) -> str:
    nb, nn = lexicons()
    return nb(word) or nn(word) or word


def unbalanced(column: Any, wanted: np.ndarray, c: float, weights: np.ndarray, own: Any = training.LogisticRegression) -> np.ndarray:
    with patch.object(training, "LogisticRegression", lambda **more: own(**more | {"class_weight": None})):
        return FIT(column, wanted, c, weights)


FIT = training._fit_column


def at_random(record: Record) -> float:
    return crc32(str(record["id"]).encode()) / 2**32


# name -> (what to patch: (module, name, value; of a table the changed rows), what to do with the training records)
VARIANTS: dict[str, tuple[list[tuple[Any, str, Any]], Callable[[Sequence[Record]], list[Record]]]] = {
    "as shipped": ([], list),
    "surface forms, no normal form": ([(tokens, "normal_form", str)], list),
    "Snowball stem instead of normal form": ([(tokens, "normal_form", stem)], list),
    "stem of the normal form": ([(tokens, "normal_form", lambda word: stem(normal_form(word)))], list),
    "nynorsk lemmas not led to bokmål": ([(tokens, "normal_form", own_lemma)], list),
    "compounds not taken apart": ([(tokens, "normal_form", lambda word: lookup(word) or word)], list),
    "stop words left out": (NO_STOP_WORDS, list),
    "no pairs of words": ([(tokens, "KIND_WEIGHT", without("b"))], list),
    "pairs of neighbours only": ([(tokens, "REACH", {"b": 1, "p": 1})], list),
    "no character n-grams": ([(tokens, "KIND_WEIGHT", without("c"))], list),
    "no concepts": ([(tokens, "KIND_WEIGHT", without("k", "p"))], list),
    "no pairs of concepts": ([(tokens, "KIND_WEIGHT", without("p"))], list),
    "idf once, not squared": ([(vocabulary, "IDF_POWER", 1)], list),
    "no idf": ([(vocabulary, "IDF_POWER", 0)], list),
    "classes not balanced": ([(training, "_fit_column", unbalanced)], list),
    "C / 4": ([(training, "C_DOCUMENT", training.C_DOCUMENT / 4), (training, "C_SENTENCE", training.C_SENTENCE / 4)], list),
    "C × 4": ([(training, "C_DOCUMENT", training.C_DOCUMENT * 4), (training, "C_SENTENCE", training.C_SENTENCE * 4)], list),
    "the 10,000 most frequent features": ([(training, "MAX_FEATURES", 10_000)], list),
    "the 35,000 most frequent": ([(training, "MAX_FEATURES", 35_000)], list),
    "all features": ([(training, "MAX_FEATURES", 1_000_000)], list),
    "all thresholds 0.5": ([(thresholds, "best_threshold", lambda y, p: 0.5)], list),
    "no sentence context": ([(training, "CONTEXT_WEIGHT", 1e-6)], list),
    "no evidence spans": ([], lambda records: [{k: v for k, v in r.items() if k != "evidence"} for r in records]),
    "constructed texts count in full": ([(training, "CONSTRUCTED_WEIGHT", 1.0)], list),
    "every third constructed text only": ([], lambda records: [r for r in records if r["source"] != "constructed" or at_random(r) < 1 / 3]),
    "half of the rewritten texts": ([], lambda records: [r for r in records if r["source"] != "rewritten" or at_random(r) < 1 / 2]),
    "rewritten texts only": ([], lambda records: [r for r in records if r["source"] == "rewritten"]),
    "bokmål texts only": ([], lambda records: [r for r in records if r["lang"] == "nb"]),
}


def decided(model: Model, held: training.OutOfFold, records: Sequence[Record]) -> list[Record]:
    """The labels that out-of-fold probabilities give at the model's thresholds, as records."""
    columns, of_sentence = document_labels(TAXONOMY), sentence_labels(TAXONOMY)
    out, row = [], 0
    for record, p in zip(records, held.document, strict=True):
        made: Record = {}
        for facet in TAXONOMY.of("document"):
            scores = {label: p[k] for k, (code, label) in enumerate(columns) if code == facet.code}
            best = max(scores, key=lambda label: scores[label])
            chosen = [label for label, score in scores.items() if score >= model.thresholds.get(f"{facet.code}.{label}", 2)]
            made[facet.code] = best if facet.choice == "single" else chosen
        mended = passage(record["text"])
        for facet in TAXONOMY.of("sentence"):
            at = [(k, label) for k, (code, label) in enumerate(of_sentence) if code == facet.code and label != ANY]
            made[facet.code] = []
            for i, span in enumerate(mended.spans):
                labels = [label for k, label in at if held.sentence[row + i, k] >= model.thresholds[key((facet.code, label))]]
                if labels:
                    start, end = mended.repaired.span(*span)
                    made[facet.code].append({"start": start, "end": end, "labels": labels})
        row += len(mended.spans)
        out.append(made)
    return out


def figures(gold: Sequence[Record], predicted: Sequence[Record]) -> np.ndarray:
    counted = count(gold, predicted, TAXONOMY)
    return score(counted.columns, counted.table.sum(axis=0))


def run(name: str, records: Sequence[Record], parts: dict[str, list[Record]]) -> dict[str, list[float]]:
    patches, change = VARIANTS[name]
    with ExitStack() as stack:
        for module, attribute, value in patches:
            place = getattr(module, attribute)
            stack.enter_context(patch.dict(place, value) if isinstance(place, dict) else patch.object(module, attribute, value))
        changed = change(records)
        model, held = training.train(changed, TAXONOMY, "ablation")  # in this process, so that the patches hold
        predicted = decided(model, held, changed)
        kept = [i for i, r in enumerate(changed) if r["source"] == "rewritten"]
        found = {"folds": figures(changed, predicted)} if len(changed) == len(records) else {}  # else other texts would be judged
        if len(kept) == sum(r["source"] == "rewritten" for r in records):
            found["rewritten"] = figures([changed[i] for i in kept], [predicted[i] for i in kept])
        for part, gold in parts.items():
            found[part] = figures(gold, [p.to_dict() for p in predict_many((r["text"] for r in gold), model, evidence=False)])
    return {part: [round(float(v), 4) for v in values] for part, values in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--real", type=Path, default=ROOT.parent / "shared" / "real_dev" / "report.jsonl")
    parser.add_argument("--only", nargs="*", choices=list(VARIANTS), help="These rows anew; none: the table alone.")
    args = parser.parse_args()
    file = ROOT / "benchmarks" / "results" / "ablation.json"
    records = read_labelled([ROOT / "labelled_data/train.jsonl"], TAXONOMY)
    test = read_labelled([ROOT / "labelled_data/test.jsonl"], TAXONOMY)
    parts = {"test": test, "rewritten test": [r for r in test if r["source"] == "rewritten"]}
    if args.real.exists():
        parts["real"] = read_labelled([args.real], TAXONOMY)
    file.parent.mkdir(exist_ok=True)
    found: dict[str, dict[str, list[float]]] = {}
    if file.exists() and args.only is not None:
        found = json.loads(file.read_text(encoding="utf-8"))["rows"]
    for name in VARIANTS if args.only is None else args.only:
        found[name] = run(name, records, parts)
        print(name, {part: dict(zip(HEADS, values, strict=True)) for part, values in found[name].items()}, flush=True)
        kept = {"training texts": len(records), "figures": HEADS, "rows": found}
        file.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    titles = {"folds": "all training texts, out of fold", "rewritten": "those rewritten from real cases, out of fold"}
    titles |= {"test": "test split", "rewritten test": "its texts rewritten from real cases", "real": "real text"}
    base = found["as shipped"]
    lines = ["One change at a time; differences from the first row. Real text is 40 passages: under 0.05 a difference says nothing.", ""]
    if missing := [name for name in VARIANTS if name not in found]:
        lines += [f"Not measured yet: {'; '.join(missing)}.", ""]
    for part in base:
        rows = [["as shipped", *(f"{v:.3f}" for v in base[part])]]
        for name, figures_of in found.items():
            if name != "as shipped" and part in figures_of:
                rows.append([name, *(f"{v - b:+.3f}" for v, b in zip(figures_of[part], base[part], strict=True))])
        lines += [f"F1, {titles[part]}:", "", table(["", *HEADS], rows), ""]
    fill("ablation", "\n".join(lines))


if __name__ == "__main__":
    main()
