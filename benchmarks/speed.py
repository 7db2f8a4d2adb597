"""How fast: ours against a plain scikit-learn pipeline, fastText, spaCy and a floor; whole processes, in interleaved rounds.

    python benchmarks/speed.py [--documents 20000] [--long 200000] [--rounds 3]

Texts: sentences of labelled_data/train.jsonl are cut in two at random and halves of different sentences put together, until a document has
about 120 words; no sentence comes twice, save by chance. In a second set one word in forty is a compound of two words put together at
random, which nobody has seen before. Peers are trained once on labelled_data/train.jsonl. Every contender is a process that
reads the documents from a file and writes labels to another; its first label is that of a file with one document (as long as the others),
and its rate is what the other documents take beyond that. Peers label whole texts, `plain-sentences` each sentence as well; ours gives all
facets, sentences and offsets.

plain      scikit-learn: FeatureUnion of TF-IDF over words (nltk tokenizer, Snowball stem for each token, 1-2-grams) and over characters
           (char_wb, 3-5-grams); OneVsRest of logistic regressions
plain-features  the same, but with the features of our model (`token_features`, `pair_features`), the 70,000 most frequent
fasttext   one-vs-all, words and word pairs; `fasttext-chars` with character 3-5-grams too
spacy      blank "nb" with textcat_multilabel (bag of words)
floor      read, decode, `regex.findall`, one sparse product of counts with a vector
"""

import argparse
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from contenders import CONTENDERS, TRAIN, texts_of, train_peers
from parts import fill, table

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results/speed.json"
FEWER = 4  # the slow peers label every fourth document only; a rate needs no more


def documents(n: int, seed: int = 0, words: int = 120, new: float = 0.0) -> Iterator[str]:
    """Texts that repeat no sentence; of their words a share `new` is made up."""
    from classifier.preprocessing import sentences

    draw = random.Random(seed)
    texts = [json.loads(line)["text"] for line in TRAIN.read_text(encoding="utf-8").splitlines()]
    known = [w for text in texts for w in (text[a:b].split() for a, b in sentences(text)) if len(w) >= 6]
    parts = sorted({word for sentence in known for word in sentence if word.isalpha() and word.islower() and 4 <= len(word) <= 10})
    for _ in range(n):
        made: list[str] = []
        while len(made) < words - 8:
            first, second = draw.choice(known), draw.choice(known)
            made += first[: draw.randint(2, len(first) - 3)] + second[draw.randint(2, len(second) - 3) :]
        if new:
            made = [draw.choice(parts) + draw.choice(parts) if draw.random() < new else word for word in made]
        yield " ".join(made)


OURS = {
    "csv": ["csv", "1"],
    "csv, 2 jobs": ["csv", "2"],
    "jsonl with evidence": ["jsonl", "1"],
    "jsonl with evidence, 2 jobs": ["jsonl", "2"],
}
SLOW = ("plain", "plain-features", "plain-sentences", "spacy")
TOLD = {
    "library": "ours, `predict_many`, no evidence",
    "csv": "ours, `label` CSV to CSV",
    "csv, 2 jobs": "the same, `--jobs 2`",
    "jsonl with evidence": "ours, `label` JSONL to JSONL with evidence",
    "jsonl with evidence, 2 jobs": "the same, `--jobs 2`",
    "plain": "plain scikit-learn, nltk tokens and stems, characters",
    "plain-features": "the same with our features",
    "plain-sentences": "the first of the two, of every sentence as well",
    "fasttext": "fastText, words and pairs",
    "fasttext-chars": "fastText, words, pairs and characters",
    "spacy": "spaCy textcat_multilabel",
    "floor": "floor: read, `regex.findall`, one product",
}


AGAINST = {
    "plain": "plain", "plain-features": "plain with our features", "plain-sentences": "plain with sentences",
    "fasttext": "fastText", "fasttext-chars": "fastText with characters", "floor": "floor",
}  # fmt: skip


def command(name: str, folder: Path, source: str) -> list[str]:
    """The process of a contender on `<source>.jsonl` (or .csv) in the folder."""
    if name in OURS:
        suffix, jobs = OURS[name]
        out = folder / f"out.{suffix}"
        made = [sys.executable, "-m", "classifier", "label", str(folder / f"{source}.{suffix}"), "-o", str(out), "--force", "--jobs", jobs]
        return made
    return [sys.executable, str(Path(__file__).resolve()), "--peer", name, "--folder", str(folder), "--source", source]


def measured(process: list[str]) -> tuple[float, float]:
    """(wall, CPU with that of all children) seconds of a process."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(process, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def write_documents(folder: Path, name: str, texts: list[str]) -> None:
    with (folder / f"{name}.jsonl").open("w", encoding="utf-8") as lines, (folder / f"{name}.csv").open("w", encoding="utf-8") as rows:
        rows.write("id,text\n")
        for i, text in enumerate(texts):
            lines.write(json.dumps({"id": str(i), "text": text}, ensure_ascii=False) + "\n")
            rows.write(f'{i},"{text.replace(chr(34), chr(34) * 2)}"\n')


def bench(folder: Path, n: int, long: int, rounds: int) -> dict[str, Any]:
    """All measurements: process -> [(wall, CPU) of each round]."""
    train_peers(folder)
    some = list(documents(n))
    write_documents(folder, "one", some[-1:])
    write_documents(folder, "all", some)
    write_documents(folder, "some", some[: n // FEWER])
    write_documents(folder, "new", list(documents(n, seed=1, new=0.025)))
    write_documents(folder, "long", list(documents(long, seed=2, words=60)))
    work: dict[str, list[str]] = {}
    for name in (*CONTENDERS, *OURS):
        work[f"{name} | first"] = command(name, folder, "one")
        work[f"{name} | all"] = command(name, folder, "some" if name in SLOW else "all")
    work |= {f"{name} | new": command(name, folder, "new") for name in ("library", "csv")}
    work |= {"python | first": [sys.executable, "-c", ""], "help | first": [sys.executable, "-m", "classifier", "--help"]}
    work["predict | first"] = [sys.executable, "-m", "classifier", "predict", some[-1]]
    out: dict[str, list[tuple[float, float]]] = {name: [] for name in work}
    loads = []
    for r in range(rounds):
        for name, process in work.items():
            out[name] += [measured(process) for _ in range(2 if name.endswith("first") else 1)]
            print(r + 1, name, *(f"{x:.2f}" for x in out[name][-1]), flush=True)
        loads.append(os.getloadavg()[0])
    for r in range(1 if long else 0):
        for name in ("csv", "csv, 2 jobs"):
            out.setdefault(f"{name} | long", []).append(measured(command(name, folder, "long")))
            print(r + 1, name, "long", *(f"{x:.2f}" for x in out[f"{name} | long"][-1]), flush=True)
    return {"documents": n, "long": long, "load": loads, "cores": os.cpu_count(), "seconds": out}


def summary(made: dict[str, Any]) -> str:
    """The tables, from the medians."""
    n = made["documents"]
    wall, cpu = ({k: statistics.median(pair[i] for pair in v) for k, v in made["seconds"].items() if v} for i in (0, 1))

    def rates(name: str, kind: str = "all") -> tuple[float, float]:
        """(documents a second of CPU once running, of the whole process)"""
        count = n // FEWER if name in SLOW else n
        spent = cpu[f"{name} | {kind}"]
        return (count - 1) / max(spent - cpu[f"{name} | first"], 1e-9), count / spent

    rows = []
    for kind in ("all", "new"):
        for name, told in TOLD.items():
            if f"{name} | {kind}" in cpu:
                running, whole = rates(name, kind)
                ratios = [f"{running / rates(other)[0]:.2f}" for other in AGAINST]
                many = (
                    f"{wall[f'{name} | {kind}']:.1f}" if name not in SLOW else f"{wall[f'{name} | {kind}']:.1f} ({n // FEWER:,} documents)"
                )
                first = f"{cpu[f'{name} | first']:.2f}"
                rows.append([told + ("; new words" if kind == "new" else ""), f"{running:,.0f}", f"{whole:,.0f}", *ratios, many, first])
    head = [
        "",
        "documents/s of CPU, once running",
        "of the whole process",
        *(f"× {told}" for told in AGAINST.values()),
    ]
    n_rounds = len(made["seconds"]["plain | all"])
    rounds = "one round" if n_rounds == 1 else f"medians of {n_rounds} interleaved rounds"
    load = ", ".join(f"{x:.1f}" for x in made["load"])
    parts = [
        f"{n:,} documents of about 120 words, {rounds} on {made['cores']} cores that others used too (load "
        f"{load}): hence the CPU time of all processes, and the ratios, rather than the clock. «New words»: one word in forty is a "
        "compound never seen before. How texts are made, and what the peers are: see `benchmarks/speed.py`.",
        table([*head, "seconds by the clock", "first label, CPU s"], rows),
        f"Process start to first label of `innovasjon predict`: {cpu['predict | first']:.2f} s of CPU, bare Python "
        f"{cpu['python | first']:.3f}, `innovasjon --help` {cpu['help | first']:.3f}, the plain pipeline {cpu['plain | first']:.2f}: "
        f"{cpu['plain | first'] / cpu['predict | first']:.1f} times as long.",
    ]
    if "csv | long" in wall:
        one, two = wall["csv | long"], wall["csv, 2 jobs | long"]
        parts.append(
            f"{made['long']:,} documents of about 60 words, CSV to CSV: {one:.1f} s with one job, {two:.1f} s with two by the clock: "
            f"{one / two:.2f} times as fast (CPU {cpu['csv | long']:.1f} and {cpu['csv, 2 jobs | long']:.1f} s)."
        )
    return "\n\n".join(parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=20_000)
    parser.add_argument("--long", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--table-only", action="store_true", help="draw the table from the stored numbers")
    for name in ("--peer", "--folder", "--source"):
        parser.add_argument(name, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.peer:
        folder = Path(args.folder)
        with (folder / "out.txt").open("w", encoding="utf-8") as out:
            for labels in CONTENDERS[args.peer](folder, texts_of(folder / f"{args.source}.jsonl")):
                out.write(" ".join(labels) + "\n")
        return
    if not args.table_only:
        with TemporaryDirectory() as scratch:
            made = bench(Path(scratch), args.documents, args.long, args.rounds)
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
    fill("speed", summary(json.loads(RESULTS.read_text(encoding="utf-8"))))


if __name__ == "__main__":
    main()
