"""From measured rates to machines and hours for a million documents and more, and where it would break first.

    python benchmarks/scale.py [--cores 16] [--documents 4000]

Two rates are measured here, in processor time, so that other work on the machine does not count: what a worker does (label, and put rows
into the form of the output), and what only the process that was started can do (read, note repeated ids, hand chunks over, take them back
and write). So many workers as the first is slower than the second keep that process busy; more are of no use. Kept in
`results/scale.json`.
"""

import argparse
import json
import pickle
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from memory import documents
from parts import fill, table

from classifier import batch, storage
from classifier.documents import Settings, open_source
from classifier.prediction import BATCH, batched, predict_batch

RESULTS = Path(__file__).resolve().parent / "results/scale.json"
COUNTS = (10**6, 10**8, 10**9)
MACHINES = (1, 10, 100)
LENGTHS = {15: 1, 120: 8}  # words of a document: texts of the memory bench in it


def measure(count: int, words: int) -> dict[str, Any]:
    model = storage.shipped()
    texts = [" ".join(few) for few in batched(documents(count * LENGTHS[words]), LENGTHS[words])]
    predict_batch(texts[:BATCH], model, False)
    with TemporaryDirectory() as scratch:
        path = Path(scratch) / "in.csv"
        path.write_text("id;tekst\n" + "".join(f'd{i};"{text.replace(chr(34), "")}"\n' for i, text in enumerate(texts)), encoding="utf-8")
        settings, summary = Settings(open_source(str(path)), model.taxonomy, ".csv"), batch.Summary()
        chunks = batch._chunks(batch._noted(settings.source, False), batch.CHUNK)
        of_first = of_workers = 0.0  # seconds
        with (Path(scratch) / "out.csv").open("wb") as out:
            while True:
                began = time.process_time()
                rows = next(chunks, None)
                if rows is None:
                    break
                sent = pickle.dumps(rows)
                handed_over = time.process_time()
                made = pickle.dumps(batch._lines(pickle.loads(sent), settings, model))
                given_back = time.process_time()
                lines, part = pickle.loads(made)
                out.write(lines)
                summary.merge(part)
                of_workers += given_back - handed_over
                of_first += time.process_time() - given_back + handed_over - began
            size = out.tell()
    return {"words": words, "labelled": count / of_workers, "written": count / of_first, "bytes": size / count}


def spell(seconds: float) -> str:
    return f"{seconds:,.0f} s" if seconds < 120 else f"{seconds / 60:,.0f} min" if seconds < 7200 else f"{seconds / 3600:,.0f} h"


def shown(measured: list[dict[str, Any]], cores: int) -> str:
    lines = []
    for m in measured:
        for count in COUNTS:
            times = [spell(count / machines / min(m["labelled"] * cores, m["written"])) for machines in MACHINES]
            lines.append([f"{m['words']}", f"{count:,}", spell(count / m["labelled"]), *times, f"{count * m['bytes'] / 1e9:,.1f} GB"])
    rates = "; ".join(f"{m['labelled']:,.0f} labelled and {m['written']:,.0f} read and written ({m['words']} words)" for m in measured)
    enough = " or ".join(f"{m['written'] / m['labelled']:.1f} workers ({m['words']} words)" for m in measured)
    splits = " or ".join(f"{spell(10**9 / m['written'])} ({m['words']} words)" for m in measured)
    header = ["words", "documents", "one worker", *(f"{m} × {cores} cores" for m in MACHINES), "CSV out"]
    return f"""Documents a second of processor time, measured by this command: {rates}.

{table(header, lines)}

These are bounds: starting workers, and joblib's own part in handing chunks over, are not in them (two jobs: see Speed). Several
machines: the input split, and a run on each. Where it breaks first:

1. **One writer.** The process that was started reads all rows and writes all results of a run, in order; it is busy with
   {enough}. However many machines a cluster has (`--backend dask`), one run
   of 10⁹ documents takes {splits}. For more, split the input: runs know nothing of each other.
2. **Ids.** Repeated ids are looked for in a nameless file in the temporary folder, which grows with the ids; once it no longer fits in what
   the system keeps of it in memory, ids in no order slow the reading down. Rows without ids are numbered, and cost nothing.
3. **XLSX and Parquet** are made at the end from a part file as large as JSON lines, in one process; a sheet of XLSX holds 1,048,576 rows.
   For more than that many write `.csv.zst` or `.jsonl.zst`, and have room for the part file, which is not packed.
4. **`--resume`** reads again, but does not label again, the rows that are done."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cores", type=int, default=16)
    parser.add_argument("--documents", type=int, default=4000)
    args = parser.parse_args()
    measured = [measure(args.documents, words) for words in LENGTHS]
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    fill("scale", shown(measured, args.cores))


if __name__ == "__main__":
    main()
