#!/usr/bin/env python3
"""Marked text <-> labelled data: how the descriptions are written and labelled by hand.

    marked.py FILE.txt [...] [-o OUT.jsonl]      check, count and (with -o) convert
    marked.py --split FOLDER FILE.txt [...]      convert, and add what is new to train.jsonl and test.jsonl there

Offsets are never counted by hand: a writer wraps the sentence in braces and names its codes.

    === nn | årsmelding | bibliotek | https://example.org/side
    type: tjeneste produkt; fase: i_bruk; verdi: kvalitet
    {tjeneste produkt i_bruk: Biblioteket har fått sjølvbeteningsautomat.} {!need: Køane var lange.}
    {budsjett: Pengane var berre sette av for eitt år.}

The header holds language, genre, sector and source page (`-`: constructed). Codes of the document
facets mark evidence, codes of `barriere` mark barrier sentences, `!kind` marks a sentence that looks
like a barrier and is none.
"""

import argparse
import json
import re
import sys
from collections import Counter
from pathlib import Path
from zlib import crc32

from classifier import taxonomy
from classifier.documents import labelled
from classifier.documents.labelled import NEGATIVE_KINDS
from classifier.model import case
from classifier.preprocessing import language

FACETS = taxonomy.shipped()
TYPE, FASE, VERDI, BARRIERE = (list(FACETS[code].codes) for code in ("type", "fase", "verdi", "barriere"))
KINDS = sorted(NEGATIVE_KINDS)
MARK = re.compile(r"\{([^{}:]*):\s*([^{}]*)\}")
FULL_STOP = re.compile(r"[.!?]\s+[A-ZÆØÅ][a-zæøå]")
ABBREVIATED = re.compile(r"\b(jf|kap|nr|bl\.a|mv|st|pkt|ca|osv|f\.eks|inkl|evt|dvs|mfl|m\.m)\.\s+[A-ZÆØÅ]")


def common_name(kind: str, given: str) -> str:
    """The common name of what a writer called a genre or a sector: the first row of `names.tsv` with a word part that stands in it."""
    for line in (Path(__file__).parent / "names.tsv").read_text(encoding="utf-8").splitlines():
        row_kind, name, parts = line.split("\t")
        if row_kind == kind and any(re.search(rf"\b{part.replace('~', ' ')}", given.lower()) for part in parts.split()):
            return name
    return given.lower()


def parse(path: Path):
    """Yield (line number, header, labels, marked text) of each description in a file."""
    start, lines = 0, []
    for number, line in enumerate([*path.read_text(encoding="utf-8").splitlines(), "=== end"], 1):
        if line.startswith("==="):
            if lines:
                yield start, lines[0], lines[1] if len(lines) > 1 else "", "\n".join(lines[2:]).strip()
            start, lines = number, [line]
        elif lines:
            lines.append(line)


def strip_marks(marked: str):
    """Marked text -> (plain text, [(start, end, codes)])."""
    plain, spans, at = "", [], 0
    for m in MARK.finditer(marked):
        plain += marked[at : m.start()]
        sentence = m.group(2).strip()
        spans.append((len(plain), len(plain) + len(sentence), m.group(1).split()))
        plain += sentence
        at = m.end()
    return plain + marked[at:], spans


def convert(path: Path, prefix: str, complain):
    """Rows of one marked file; complain(line, words) is called for every fault."""
    rows = []
    for n, (line, header, labels, marked) in enumerate(parse(path), 1):

        def fault(words, line=line):
            complain(f"{path.name}:{line}: {words}")

        head = [x.strip() for x in header.strip("= ").split("|")]
        if len(head) != 4:
            fault("header needs: language | genre | sector | address or -")
            continue
        facets = {}
        for part in labels.split(";"):
            name, _, values = part.partition(":")
            facets[name.strip()] = [v for v in values.split() if v != "-"]
        if set(facets) != {"type", "fase", "verdi"}:
            fault("second line needs: type: …; fase: …; verdi: …")
            continue
        text, spans = strip_marks(marked)
        if "{" in text or "}" in text:
            fault("a brace is left in the text: marks may not nest, and need a colon")
        for name, allowed in (("type", TYPE), ("fase", FASE), ("verdi", VERDI)):
            for v in facets[name]:
                if v not in allowed:
                    fault(f"{name}: unknown code {v}")
        if len(facets["fase"]) != 1:
            fault("exactly one fase")
            continue
        documents = {f"type.{v}" for v in facets["type"]} | {f"verdi.{v}" for v in facets["verdi"]}
        if facets["fase"] != ["ukjent"]:
            documents.add(f"fase.{facets['fase'][0]}")
        evidence, barriers, negatives, seen = [], [], [], set()
        for s, e, codes in spans:
            ev = [f"{f}.{c}" for f, ls in (("type", TYPE), ("fase", FASE), ("verdi", VERDI)) for c in codes if c in ls]
            ba = [c for c in codes if c in BARRIERE]
            ne = [c[1:] for c in codes if c.startswith("!")]
            for c in codes:
                if c not in TYPE + FASE + VERDI + BARRIERE and c not in ["!" + k for k in KINDS]:
                    fault(f"unknown code {c!r} in a mark")
            if not codes:
                fault("a mark without codes")
            if ba and ne:
                fault("a sentence is both barrier and hard negative")
            for x in set(ev) - documents:
                if x != "fase.ukjent":
                    fault(f"mark {x} is not among the document's labels")
            if ba and FULL_STOP.search(text[s:e]) and not ABBREVIATED.search(text[s:e]):
                fault(f"a barrier mark covers more than one sentence: {text[s : s + 50]}…")
            if ev:
                evidence.append({"start": s, "end": e, "labels": ev})
                seen |= set(ev)
            if ba:
                barriers.append({"start": s, "end": e, "labels": ba})
            negatives += [{"start": s, "end": e, "kind": k} for k in ne]
        for x in documents - seen:
            fault(f"no evidence marked for {x}")
        words = re.findall(r"\w+", text.lower())
        if not 12 <= len(words) <= 420:
            fault(f"{len(words)} words; 12 to 400 wanted")
        if len(words) >= 30 and head[0] != language(text):
            fault(f"language {head[0]}, but it reads as {language(text)}")
        rows.append(
            {
                "id": f"{prefix}{n:02d}",
                "writer": f"w{prefix[1:]}",
                "lang": head[0],
                "genre": common_name("genre", head[1]),
                "sector": common_name("sector", head[2]),
                "source": "constructed" if head[3] == "-" else "rewritten",
                "source_url": None if head[3] == "-" else head[3],
                "text": text,
                "type": facets["type"],
                "fase": facets["fase"][0],
                "verdi": facets["verdi"],
                "barriere": barriers,
                "evidence": evidence,
                "negatives": negatives,
            }
        )
    return rows


def counts(rows):
    """The counts that a writer's quotas are stated in."""
    c = labelled.counts(rows, FACETS)
    c["under 40 words"] = sum(len(r["text"].split()) < 40 for r in rows)
    c["over 150 words"] = sum(len(r["text"].split()) > 150 for r in rows)
    return c


def add_to(folder, rows):
    """Add new rows to train.jsonl and test.jsonl: to the part that has their case, else by a hash of the case, a fifth to test."""
    files = {part: folder / f"{part}.jsonl" for part in ("train", "test")}
    there = {part: [json.loads(line) for line in file.open(encoding="utf-8")] if file.exists() else [] for part, file in files.items()}
    part_of = {case(r): part for part, old in there.items() for r in old}
    ids = {r["id"] for old in there.values() for r in old}
    for r in rows:
        if r["id"] not in ids:
            part = part_of.get(case(r), "test" if crc32(case(r).encode()) % 5 == 0 else "train")
            with files[part].open("a", encoding="utf-8") as out:
                out.write(json.dumps(r, ensure_ascii=False) + "\n")


def taken_pages():
    """Pages and repositories that the real texts stand on, where that folder is at hand: nothing of ours may use them."""
    folder = Path(__file__).resolve().parents[3] / "shared" / "real_dev"
    real = [json.loads(line) for f in folder.glob("*.jsonl") for line in f.open(encoding="utf-8")]
    return tuple({r.get("source_url") or f"https://github.com/{r['repo']}" for r in real})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--split", type=Path)
    args = parser.parse_args()
    faults, rows = [], []
    for path in args.files:
        prefix = re.sub(r"\D", "", path.stem) or path.stem
        rows += convert(path, f"d{prefix}", faults.append)
    taken, openings, pages, runs = taken_pages(), Counter(), Counter(), Counter()
    for r in rows:
        openings[" ".join(r["text"].split()[:3]).lower()] += 1
        pages[r["source_url"]] += r["source_url"] is not None
        if taken and (r["source_url"] or "").startswith(taken):
            faults.append(f"{r['id']}: the page {r['source_url']} is taken: choose another case")
        words = re.findall(r"\w+", r["text"].lower())
        runs.update({tuple(words[i : i + 6]) for i in range(len(words) - 5)})
    faults += [f"{n} texts open with «{o}»" for o, n in openings.items() if n > 1]
    faults += [f"{n} texts stand on {p}" for p, n in pages.items() if n > 1]
    faults += [f"{n} texts share «{' '.join(w)}»" for w, n in runs.most_common(10) if n > 1]
    print("\n".join(faults))
    print("  ".join(f"{k} {v}" for k, v in sorted(counts(rows).items())))
    if args.output:
        args.output.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), encoding="utf-8")
    if args.split:
        add_to(args.split, rows)
    sys.exit(bool(faults))


main()
