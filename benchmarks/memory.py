"""Peak memory of `label` and `predict_many` over many documents against few: whole processes, resident memory of the whole tree.

    python benchmarks/memory.py [--few 20000] [--many 1000000] [--sentences 4] [--only "label CSV"] [--jobs 1 2]

Documents of 60 words: sentences of 15, made of the beginnings and ends of the training texts' sentences, so that hardly any comes
twice, and with new compounds, so that no store of known words stops growing by itself; written to a temporary folder, which is
removed. The output is CSV. A page that two processes share is counted twice. What was measured is kept in `results/memory.json` (a
later run replaces what it measures again), and `README.md` is filled from there.
"""

import argparse
import csv
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
from parts import fill, table

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(__file__).resolve().parent / "results/memory.json"
KINDS = ("label CSV", "label JSONL", "predict_many")
LENGTH = 15  # words of a sentence
NEW = 0.3  # of the sentences have a word that no other has: 2 % of the words, as in running text of this size
CONSUME = """
import sys
sys.path.insert(0, "benchmarks")
from memory import documents
from classifier import predict_many
for _ in predict_many(documents(int(sys.argv[1]), int(sys.argv[3])), jobs=int(sys.argv[2]), evidence=False):
    pass
"""


def documents(count: int, n_sentences: int = 1) -> Iterator[str]:
    """So many texts, always the same ones."""
    from classifier.preprocessing import sentences

    texts = [json.loads(line)["text"] for line in (ROOT / "labelled_data/train.jsonl").read_text(encoding="utf-8").splitlines()]
    pool = [text[start:end].split() for text in texts for start, end in sentences(text)]
    pool = [words for words in pool if len(words) >= 8]
    draw = random.Random(1)
    made: list[str] = []
    for _ in range(count * n_sentences):
        first, second = draw.choice(pool), draw.choice(pool)
        new = draw.choice(first).strip(".,:;»«()") + draw.choice(second).lower() if draw.random() < NEW else second[-LENGTH // 2]
        made.append(" ".join([*first[: LENGTH // 2], new, *second[-LENGTH // 2 + 1 :]]))
        if len(made) == n_sentences:
            yield " ".join(made)
            made = []


def write(path: Path, count: int, n_sentences: int) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        if path.suffix == ".csv":
            writer = csv.writer(file, delimiter=";")
            writer.writerow(["id", "tekst"])
            writer.writerows((f"d{i}", text) for i, text in enumerate(documents(count, n_sentences)))
        else:
            file.writelines(
                json.dumps({"id": f"d{i}", "tekst": text}, ensure_ascii=False) + "\n"
                for i, text in enumerate(documents(count, n_sentences))
            )


def peak(command: list[str]) -> tuple[float, float]:
    """(megabytes, seconds) of a command: the highest sum over its processes, looked at five times a second."""
    began, highest = time.monotonic(), 0
    process = psutil.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    while process.poll() is None:
        total = 0
        for one in [process, *_children(process)]:
            try:
                total += one.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        highest = max(highest, total)
        time.sleep(0.2)
    if process.returncode:
        raise SystemExit(f"{command} ended with {process.returncode}")
    return highest / 1e6, time.monotonic() - began


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return list(process.children(recursive=True))
    except psutil.NoSuchProcess:
        return []


def measure(kind: str, jobs: int, count: int, n_sentences: int = 1) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as scratch:
        if kind == "predict_many":
            command = [sys.executable, "-c", CONSUME, str(count), str(jobs), str(n_sentences)]
        else:
            source = Path(scratch) / f"in.{kind.split()[1].lower()}"
            write(source, count, n_sentences)
            command = [sys.executable, "-m", "classifier", "label", str(source), "-o", f"{scratch}/out.csv", "--jobs", str(jobs)]
        megabytes, seconds = peak(command)
    return {"what": kind, "jobs": jobs, "documents": count, "peak_mb": round(megabytes, 1), "seconds": round(seconds, 1)}


def shown(measured: list[dict[str, object]]) -> str:
    """The table: each kind, few and many documents, and the ratio of their peaks."""
    lines = []
    for what, jobs in dict.fromkeys((str(m["what"]), str(m["jobs"])) for m in measured):
        few, *more = sorted((m for m in measured if (m["what"], str(m["jobs"])) == (what, jobs)), key=lambda m: int(str(m["documents"])))
        for many in more:
            ratio = float(str(many["peak_mb"])) / float(str(few["peak_mb"]))
            rate = int(str(many["documents"])) / float(str(many["seconds"]))
            cells = [f"{few['documents']:,}", f"{few['peak_mb']}", f"{many['documents']:,}", f"{many['peak_mb']}"]
            lines.append([what, jobs, *cells, f"{ratio:.3f}", f"{rate:,.0f}"])
    header = ["", "jobs", "documents", "peak MB", "documents", "peak MB", "ratio", "documents/s"]
    return (
        table(header, lines) + "\n\nDocuments of 60 words; resident memory summed over the process tree; promised: a ratio of at most 1.10."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--few", type=int, default=20_000)
    parser.add_argument("--many", type=int, default=1_000_000)
    parser.add_argument("--sentences", type=int, default=4)
    parser.add_argument("--only", choices=KINDS, nargs="+", default=KINDS)
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 2])
    args = parser.parse_args()
    for kind in args.only:
        for jobs in args.jobs:
            for count in (args.few, args.many):
                one = measure(kind, jobs, count, args.sentences)
                print(one, flush=True)
                key = ("what", "jobs", "documents")
                kept = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else []
                kept = [m for m in kept if [m[k] for k in key] != [one[k] for k in key]]
                kept = sorted([*kept, one], key=lambda m: [m[k] for k in key])
                RESULTS.parent.mkdir(exist_ok=True)
                RESULTS.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    fill("memory", shown(json.loads(RESULTS.read_text(encoding="utf-8"))))


if __name__ == "__main__":
    main()
