#!/usr/bin/env python3
"""Second annotation: blind sheets out, answers in.

    annotate.py sheet DATA.jsonl [--skip DONE.jsonl] [--share K/N] > SHEET.txt    the texts alone, sentences numbered
    annotate.py read DATA.jsonl ANSWERS.txt [...] -o SECOND.jsonl                 answers -> records in the shape of labelled data
    annotate.py suspects DATA.jsonl [--second SECOND.jsonl] [--most N] > SHEET    what to read again, with both readings
    annotate.py correct DATA.jsonl ANSWERS.txt [...] -o DATA.jsonl                answers of a third reading -> new labels

An answer is a line: id | types | fase | values | barriers, e.g. `d00101 | tjeneste prosess | pilot | - | 3:budsjett 5:annen,regulering`
(sentence number, colon, labels). A third reading may name the evidence of labels that are new in a sixth cell: `2:tjeneste 4:pilot`.
Suspects are the documents whose two annotators differ and, without --second, those that a model trained without them contradicts most.
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
    if len(cells) not in (5, 6) or cells[0] not in texts:
        raise ValueError("five cells are wanted, the first a known id")
    row = texts[cells[0]]
    spans = sentences(row["text"])
    barriers = []
    for item in cells[4].replace("-", " ").split():
        number, _, labels = item.partition(":")
        if int(number) < 1:
            raise ValueError(f"sentence {number}: sentences are numbered from 1")
        start, end = spans[int(number) - 1]
        barriers.append({"start": start, "end": end, "labels": labels.split(",")})
    record = {"id": row["id"], "text": row["text"], "type": cells[1].replace("-", "").split(), "fase": cells[2]}
    record |= {"verdi": cells[3].replace("-", "").split(), "barriere": sorted(barriers, key=lambda b: b["start"])}
    faults = faults_of(record, taxonomy.shipped())
    if faults:
        raise ValueError("; ".join(faults))
    return record


def shown(row: dict) -> str:
    """A record's labels as an answer line."""
    spans = sentences(row["text"])

    def number(b: dict) -> int:
        return max(range(len(spans)), key=lambda n: min(b["end"], spans[n][1]) - max(b["start"], spans[n][0])) + 1

    barriers = " ".join(f"{number(b)}:{','.join(sorted(b['labels']))}" for b in row["barriere"])
    cells = [row["id"], " ".join(sorted(row["type"])) or "-", row["fase"], " ".join(sorted(row["verdi"])) or "-", barriers or "-"]
    return " | ".join(cells)


def corrected(row: dict, new: dict, evidence: str) -> dict:
    """A record with the labels of a third reading; evidence and hard negatives that no longer fit go out."""
    spans = sentences(row["text"])
    kept = {(b["start"], b["end"]): b for b in row["barriere"]}
    barriers = []
    for b in new["barriere"]:  # an old span keeps its own offsets
        old = next((o for o in kept.values() if min(o["end"], b["end"]) - max(o["start"], b["start"]) > 0), b)
        barriers.append({"start": old["start"], "end": old["end"], "labels": b["labels"]})
    out = row | {k: new[k] for k in ("type", "fase", "verdi")} | {"barriere": barriers}
    names = {f"type.{x}" for x in new["type"]} | {f"verdi.{x}" for x in new["verdi"]} | {f"fase.{new['fase']}"}
    marks = [m | {"labels": [x for x in m["labels"] if x in names]} for m in row["evidence"]]
    codes = {name.split(".")[1]: name for name in names}
    for item in evidence.split():
        n, _, code = item.partition(":")
        start, end = spans[int(n) - 1]
        if code not in codes:
            raise ValueError(f"{row['id']}: evidence for {code}, which is not among the labels")
        marks.append({"start": start, "end": end, "labels": [codes[code]]})
    missing = names - {x for m in marks for x in m["labels"]} - {"fase.ukjent"}
    if missing:
        raise ValueError(f"{row['id']}: no evidence for {', '.join(sorted(missing))}: name it in a sixth cell")
    out["evidence"] = sorted((m for m in marks if m["labels"]), key=lambda m: m["start"])
    taken = [(b["start"], b["end"]) for b in barriers]
    out["negatives"] = [n for n in row["negatives"] if not any(min(n["end"], e) > max(n["start"], s) for s, e in taken)]
    return out


def suspects(rows: list[dict], most: int) -> list[tuple[dict, str]]:
    """Documents that a model trained without them contradicts most, with what it says."""
    from classifier.annotation import suspects as finding

    said: dict[str, list[str]] = {}
    for s in finding.suspects(rows, taxonomy.shipped(), most=4 * most, jobs=2):
        where = f" «{s['setning']}»" if s["setning"] else ""
        said.setdefault(s["id"], []).append(f"{s['fasett']}: {s['annotert']} → {s['modellen']} ({s['sannsynlighet']:.2f}){where}")
    by_id = {row["id"]: row for row in rows}
    return [(by_id[own], ", ".join(words)) for own, words in list(said.items())[:most]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("do", choices=("sheet", "read", "suspects", "correct"))
    parser.add_argument("data", type=Path)
    parser.add_argument("answers", nargs="*", type=Path)
    parser.add_argument("--skip", type=Path)
    parser.add_argument("--share", default="1/1")
    parser.add_argument("--second", type=Path)
    parser.add_argument("--most", type=int, default=100)
    parser.add_argument("-o", "--output", type=Path)
    args = parser.parse_args()
    rows = rows_of(args.data)
    if args.do == "sheet":
        done = {row["id"] for row in rows_of(args.skip)} if args.skip else set()
        k, n = map(int, args.share.split("/"))
        print(sheet([row for row in rows if row["id"] not in done][k - 1 :: n]))
        return
    if args.do == "suspects":
        if args.second:
            first = {row["id"]: row for row in rows}
            pairs = [(first[r["id"]], shown(r)) for r in rows_of(args.second) if shown(r) != shown(first[r["id"]])]
        else:
            pairs = suspects(rows, args.most)
        for row, other in pairs:
            print(f"{sheet([row])}\nfirst:  {shown(row)}\nother:  {other}\n")
        return
    texts, records, faults = {row["id"]: row for row in rows}, {}, []
    for file in args.answers:
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            if line.strip():
                try:
                    record = answer(line, texts)
                    if args.do == "correct":
                        record = corrected(texts[record["id"]], record, line.split("|")[5] if line.count("|") == 5 else "")
                    records[record["id"]] = record
                except (ValueError, IndexError) as error:
                    faults.append(f"{file}:{number}: {error}: {line}")
    print("\n".join(faults) or f"{len(records)} answers", file=sys.stderr)
    if args.output:
        ordered = [records.get(i, row if args.do == "correct" else None) for i, row in texts.items()]
        ordered = [record for record in ordered if record is not None]
        args.output.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in ordered), encoding="utf-8")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
