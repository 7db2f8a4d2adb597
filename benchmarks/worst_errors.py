"""The errors that the shipped model was surest of, with the text, for reading (docs/errors.md).

    python benchmarks/worst_errors.py [--n 60] [FILE …]        (FILE: labelled JSON lines; the test split unless told)

Half of them are labels given wrongly (highest probability first), half labels missed (lowest first); of each document and facet one at
most. Of a single choice (fase) only the label given wrongly is listed. A barrier is judged by document, by its best sentence. Marked
with [[ ]]: the words that spoke for a label given wrongly, the spans that carry a missed one. At last the figures by source of the text.
"""

import argparse
from pathlib import Path

from classifier import predict_many, taxonomy
from classifier.documents.labelled import read_labelled
from classifier.evaluation import codes_of, evaluate
from classifier.mistakes import Decision, decisions, marked

TEST = Path(__file__).resolve().parent.parent / "labelled_data" / "test.jsonl"


def surest(found: list[Decision], most: int) -> list[Decision]:
    """The errors of highest (given) or lowest (missed) probability, one a document and facet."""
    best: dict[tuple[int, str], Decision] = {}
    for d in sorted(found, key=lambda d: -d.probability if d.given else d.probability):
        best.setdefault((d.at, d.facet), d)
    return list(best.values())[:most]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, default=[TEST], metavar="FILE")
    parser.add_argument("--n", type=int, default=60)
    given = parser.parse_args()
    kinds = taxonomy.shipped()
    facets = {facet.code: facet for facet in kinds.facets}
    gold = read_labelled(given.files, kinds)
    predicted = [p.to_dict(all_scores=True) for p in predict_many(record["text"] for record in gold)]
    wrong = [d for d in decisions(gold, predicted, kinds) if d.wanted != d.given]
    single = {code for code, facet in facets.items() if facet.choice == "single"}
    half = [surest([d for d in wrong if d.given], given.n - given.n // 2)]
    half.append(surest([d for d in wrong if d.wanted and d.facet not in single], given.n // 2))
    for k, d in enumerate((d for errors in half for d in errors), 1):
        record, facet = gold[d.at], facets[d.facet]
        text = record["text"]
        for start, end in reversed(marked(d, record, predicted[d.at], facet)):
            text = f"{text[:start]}[[{text[start:end]}]]{text[end:]}"
        codes = [";".join(sorted(codes_of(x, facet))) or "–" for x in (record, predicted[d.at])]
        how = f"{d.facet}.{d.label} {'given' if d.given else 'missed'} at {d.probability:.2f}"
        print(f"{k}  {record['id']}  {record.get('source', '')}  {how}")
        print(f"    gold: {codes[0]}   model: {codes[1]}\n    {text}\n")
    result = evaluate(gold, predicted, kinds, rounds=0)
    print(f"{len(wrong)} wrong decisions in {len(gold)} documents; macro- / micro-F1 by source:")
    for source, part in result["parts"].get("source", {}).items():
        figures = "   ".join(f"{f} {v['macro']:.3f} / {v['micro']:.3f}" for f, v in part.items() if f != "n")
        print(f"{source:12} {part['n']:5}   {figures}")


if __name__ == "__main__":
    main()
