#!/usr/bin/env python3
"""Second annotation: blind sheets out, answers in.

    annotate.py sheet DATA.jsonl [--skip DONE.jsonl] [--share K/N] > SHEET.txt    the texts alone, sentences numbered
    annotate.py read DATA.jsonl ANSWERS.txt [...] -o SECOND.jsonl                 answers -> records in the shape of labelled data

An answer is a line: id | types | fase | values | barriers, e.g. `d00101 | tjeneste prosess | pilot | - | 3:budsjett 5:annen,regulering`
(sentence number, colon, labels).
"""

import argparse
import json
import sys
from pathlib import Path

from classifier import taxonomy
from classifier.documents.labelled import faults_of
from classifier.preprocessing import sentences


def rows_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.open(encoding="utf-8")]


def sheet(rows: list[dict]) -> str:
    parts = []
    for row in rows:
        numbered = " ".join(f"[{n}] {row['text'][a:b]}" for n, (a, b) in enumerate(sentences(row["text"]), 1))
        parts.append(f"=== {row['id']}\n{numbered}\n")
    return "\n".join(parts)


def answer(line: str, texts: dict[str, dict]) -> dict:
    """The record of one answer; a ValueError names what is wrong."""
    cells = [cell.strip() for cell in line.split("|")]
    if len(cells) != 5 or cells[0] not in texts:
        raise ValueError("five cells are wanted, the first a known id")
    row = texts[cells[0]]
    spans = sentences(row["text"])
    barriers = []
    for item in cells[4].replace("-", " ").split():
        number, _, labels = item.partition(":")
        start, end = spans[int(number) - 1]
        barriers.append({"start": start, "end": end, "labels": labels.split(",")})
    record = {"id": row["id"], "text": row["text"], "type": cells[1].replace("-", "").split(), "fase": cells[2]}
    record |= {"verdi": cells[3].replace("-", "").split(), "barriere": sorted(barriers, key=lambda b: b["start"])}
    faults = faults_of(record, taxonomy.shipped())
    if faults:
        raise ValueError("; ".join(faults))
    return record


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("do", choices=("sheet", "read"))
    parser.add_argument("data", type=Path)
    parser.add_argument("answers", nargs="*", type=Path)
    parser.add_argument("--skip", type=Path)
    parser.add_argument("--share", default="1/1")
    parser.add_argument("-o", "--output", type=Path)
    args = parser.parse_args()
    rows = rows_of(args.data)
    if args.do == "sheet":
        done = {row["id"] for row in rows_of(args.skip)} if args.skip else set()
        k, n = map(int, args.share.split("/"))
        print(sheet([row for row in rows if row["id"] not in done][k - 1 :: n]))
        return
    texts, records, faults = {row["id"]: row for row in rows}, {}, []
    for file in args.answers:
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            if line.strip():
                try:
                    record = answer(line, texts)
                    records[record["id"]] = record
                except (ValueError, IndexError) as error:
                    faults.append(f"{file}:{number}: {error}: {line}")
    print("\n".join(faults) or f"{len(records)} answers", file=sys.stderr)
    if args.output:
        ordered = [records[i] for i in texts if i in records]
        args.output.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in ordered), encoding="utf-8")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
