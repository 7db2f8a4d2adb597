"""Other people's labels: our training, untouched, against what a user might pick instead, on single sentences with three classes.

    python benchmarks/other_labels.py [--train FILE --test FILE --taxonomy FILE]

Without files, two tasks are made of the labelled data's own sentences, cut out of their texts: how far the thing told of has come, and
whether a sentence tells of a barrier, only looks like it, or tells of something else. With files (JSONL; a taxonomy with one single-choice
facet of documents) it is measured on them. Ours is trained by `innovasjon train --taxonomy`. Without files it writes its part of
benchmarks/README.md.
"""

import argparse
import json
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from nltk.stem.snowball import SnowballStemmer
from parts import fill, table
from peers import PEERS, TOKEN, Decide, _scikit
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.pipeline import make_union

from classifier import load, predict_many
from classifier.taxonomy import Facet
from classifier.taxonomy import read as read_taxonomy

ROOT = Path(__file__).resolve().parent.parent
Record = dict[str, Any]
MOST = 6000  # sentences of a task to train on, or to judge on
ROUNDS = 1000
TASKS = {"how far it has come": ("ide", "pilot", "i_bruk"), "barrier, looks like one, neither": ("barriere", "ligner", "annet")}
stem = SnowballStemmer("norwegian").stem


def stems_and_characters(texts: Sequence[str], wanted: np.ndarray, c: float = 1.0) -> Decide:
    """Snowball stems in ones and twos, character 3-5-grams within words; logistic regression."""
    stems = TfidfVectorizer(tokenizer=lambda t: [stem(w) for w in TOKEN.findall(t.lower())], token_pattern=None, ngram_range=(1, 2))
    chars = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), min_df=2, sublinear_tf=True)
    learner = LogisticRegression(C=c, solver="liblinear", class_weight="balanced")
    return _scikit(make_union(stems, chars), learner, lambda m, x: m.predict_proba(x))(texts, wanted)


ROWS = {name: PEERS[name] for name in ("plain TF-IDF + LR", "linear SVM", "complement naive Bayes", "fastText")}
ROWS["stems and characters, TF-IDF + LR"] = (stems_and_characters, [{"c": c} for c in (1.0, 3.0, 10.0)])


def sentences_of(record: Record, task: str) -> Iterator[tuple[str, str]]:
    """(sentence, class) of a labelled text."""
    text = record["text"]
    if task == "how far it has come":
        for span in record["evidence"]:
            for code in TASKS[task]:
                if f"fase.{code}" in span["labels"]:
                    yield text[span["start"] : span["end"]], code
        return
    taken = []
    for kind, spans in (("barriere", record["barriere"]), ("ligner", record["negatives"])):
        for span in spans:
            taken.append((span["start"], span["end"]))
            yield text[span["start"] : span["end"]], kind
    for span in record["evidence"][:1]:
        if not any(a < span["end"] and span["start"] < b for a, b in taken):
            yield text[span["start"] : span["end"]], "annet"


def made(task: str, part: str) -> list[Record]:
    lines = (ROOT / f"labelled_data/{part}.jsonl").read_text(encoding="utf-8").splitlines()
    found = [pair for line in lines for pair in sentences_of(json.loads(line), task)]
    random.Random(0).shuffle(found)
    return [{"id": str(i), "text": text, "klasse": code} for i, (text, code) in enumerate(found[:MOST])]


def made_taxonomy(task: str) -> str:
    lines = ['version = "1"', "[facet.klasse]", 'unit = "document"', 'choice = "single"', f'default = "{TASKS[task][-1]}"']
    lines.append('name = { nb = "Klasse" }')
    for code in TASKS[task]:
        lines += [f"[facet.klasse.label.{code}]", f'name = {{ nb = "{code}" }}']
    return "\n".join(lines)


def write(path: Path, records: Sequence[Record]) -> Path:
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records), encoding="utf-8")
    return path


def ours(train: Path, taxonomy: Path, folder: Path, texts: Sequence[str], facet: str) -> list[str]:
    command = [sys.executable, "-m", "classifier", "train", str(train), "--taxonomy", str(taxonomy), "-o", str(folder / "model"), "--force"]
    subprocess.run([*command, "--jobs", "2"], check=True, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return [p.facets[facet]["label"] for p in predict_many(texts, load(folder / "model"), evidence=False)]


def theirs(name: str, settings: dict[str, Any], seen: Sequence[Record], facet: Facet, texts: Sequence[str]) -> list[str]:
    wanted = np.array([[r[facet.code] == code for code in facet.codes] for r in seen], dtype=int)
    scores = ROWS[name][0]([r["text"] for r in seen], wanted, **settings)(texts)
    return [facet.codes[k] for k in scores.argmax(axis=1)]


def chosen(name: str, train: Sequence[Record], facet: Facet) -> dict[str, Any]:
    """The settings of a peer that do best on a fifth of the training sentences."""
    held, seen = train[::5], [r for i, r in enumerate(train) if i % 5]

    def tried(settings: dict[str, Any]) -> float:
        said = theirs(name, settings, seen, facet, [r["text"] for r in held])
        return float(f1_score([r[facet.code] for r in held], said, average="macro"))

    return max(ROWS[name][1], key=tried)


def measured(name: str, train: Path, test: Path, taxonomy_file: Path, folder: Path) -> list[list[str]]:
    """The rows of a task: macro-F1 of each classifier with its 95 % interval, and the paired difference from ours."""
    facet = read_taxonomy(taxonomy_file).facets[0]
    seen, judged = ([json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] for path in (train, test))
    texts, gold = [r["text"] for r in judged], np.array([r[facet.code] for r in judged])
    said = {"ours": np.array(ours(train, taxonomy_file, folder, texts, facet.code))}
    for row in ROWS:
        said[row] = np.array(theirs(row, chosen(row, seen, facet), seen, facet, texts))
    draws = np.random.default_rng(0).integers(0, len(gold), (ROUNDS, len(gold)))
    spread = {k: np.array([f1_score(gold[d], v[d], average="macro") for d in draws]) for k, v in said.items()}
    rows = []
    for row, answers in said.items():
        low, high = np.quantile(spread[row], [0.025, 0.975])
        less = np.quantile(spread[row] - spread["ours"], [0.025, 0.975])
        figure = f"{f1_score(gold, answers, average='macro'):.3f} [{low:.2f}, {high:.2f}]"
        rows.append([name, f"{len(seen):,}", f"{len(gold):,}", row, figure, "" if row == "ours" else f"[{less[0]:+.3f}, {less[1]:+.3f}]"])
        print(*rows[-1], flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for part in ("--train", "--test", "--taxonomy"):
        parser.add_argument(part, type=Path)
    args = parser.parse_args()
    given = [args.train, args.test, args.taxonomy]
    if any(given) and not all(given):
        parser.error("--train, --test and --taxonomy go together")
    rows = []
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        if args.train:
            measured(args.train.stem, args.train, args.test, args.taxonomy, folder)
            return
        for task in TASKS:
            (folder / "taxonomy.toml").write_text(made_taxonomy(task), encoding="utf-8")
            files = [write(folder / f"{part}.jsonl", made(task, part)) for part in ("train", "test")]
            rows += measured(task, *files, folder / "taxonomy.toml", folder)
    head = ["task", "trained on", "judged on", "", "macro-F1", "less ours"]
    fill("other-labels", table(head, rows))


if __name__ == "__main__":
    main()
