"""Any bytes at all as CSV, JSONL or text: every row comes out once, in order, with what stood in it, and nothing is raised but our error.

`make fuzz SECONDS=600` lets atheris look for bytes that break this, led by which branches of the readers, writers and preprocessing they
reach; `test_fuzz.py` gives the same functions what hypothesis draws, and what was found once.
"""

import csv
import io
import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent


def opened(data: bytes, suffix: str, model: Any, out: str) -> tuple[Any, list[Any], bytes] | None:
    """(source, rows, output) of some bytes as a file of a format; None where they are refused, in one line that names the file."""
    from classifier.documents import Settings, encoder_of, head_of
    from classifier.documents.readers import READERS
    from classifier.documents.rows import Input
    from classifier.errors import ClassifierError
    from classifier.prediction import predict_batch

    try:
        source = READERS[suffix](Input("in", lambda: io.BytesIO(data)), None, None)
    except ClassifierError as error:
        assert str(error).startswith("in: ") and "\n" not in str(error)  # noqa: PT017, PT018
        return None
    rows = list(source.rows)
    settings = Settings(source, model.taxonomy, out)
    encode = encoder_of(settings)
    predictions = predict_batch([row.text for row in rows], model, out == ".jsonl") if rows else []
    return source, rows, head_of(settings) + b"".join(encode(row, p) for row, p in zip(rows, predictions, strict=True))


def check_csv(data: bytes, model: Any) -> None:
    """No letter of a row is lost or moved: only quotes, delimiters and line ends may differ; the output reads back as it was made."""
    made = opened(data, ".csv", model, ".csv")
    if made is None:
        return
    from classifier.documents.rows import Input, detect_encoding

    source, rows, out = made
    text = data.decode(detect_encoding(Input("in", lambda: io.BytesIO(data))), errors="replace")
    frame = re.compile(f'["\r\n{re.escape(source.delimiter)}]')
    cells = "".join(str(row.fields[c]) for row in rows for c in source.columns)
    assert frame.sub("", text).endswith(frame.sub("", cells)), "what the cells hold, in order, is what the file holds after its header"
    header = re.match(r"[^\"\r\n]*(?=[\r\n])", text)
    if header and header[0]:
        assert frame.sub("", text[header.end() :]) == frame.sub("", cells), "and all of it"
    read = list(csv.reader(io.StringIO(out.decode("utf-8-sig"), newline=""), delimiter=source.delimiter, strict=True))
    assert [line[: len(source.columns)] for line in read[1:]] == [[row.fields[c] for c in source.columns] for row in rows]


def check_jsonl(data: bytes, model: Any) -> None:
    """As many lines out as there are lines that are not blank, each with its id and text, each of them JSON."""
    made = opened(data, ".jsonl", model, ".jsonl")
    if made is None:
        return
    source, rows, out = made
    assert len(rows) == sum(bool(line.strip()) for line in data.split(b"\n"))

    def refused(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    read = [json.loads(line, parse_constant=refused) for line in out.decode("utf-8").removesuffix("\n").split("\n")]
    assert [line["id"] for line in read] == [row.id for row in rows]
    for line, row in zip(read, rows, strict=True):
        if isinstance(given := row.fields.get(source.text_column), str):
            assert line[source.text_column] == given
    for suffix in (".csv", ".xlsx", ".parquet"):
        assert opened(data, ".jsonl", model, suffix) is not None


def check_text(data: bytes, model: Any) -> None:
    """Any text has a prediction, and every offset points into it."""
    from classifier.prediction import predict

    text = data.decode("utf-8", errors="surrogateescape")
    prediction = predict(text, model)
    for facet in model.taxonomy.facets:
        if facet.unit == "sentence":
            for span in prediction.facets[facet.code]:
                assert text[span["start"] : span["end"]] == span["text"]
    json.dumps(prediction.to_dict(all_scores=True), allow_nan=False)


CHECKS = (check_csv, check_jsonl, check_text)


def main() -> None:
    import atheris

    with atheris.instrument_imports(include=["classifier.documents", "classifier.preprocessing", "classifier.features"]):
        from classifier import storage
        from classifier.documents import encoder_of  # noqa: F401
        from classifier.prediction import predict  # noqa: F401
    model = storage.shipped()

    def one(data: bytes) -> None:
        if data:
            CHECKS[data[0] % len(CHECKS)](data[1:], model)

    atheris.Setup(sys.argv, one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
