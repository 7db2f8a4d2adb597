"""Any bytes as CSV, JSONL and text, drawn by hypothesis, and the inputs that once broke something. What must hold is in `fuzz.py`."""

from pathlib import Path

import pytest
from fuzz import check_csv, check_jsonl, check_text
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from classifier import load
from classifier.storage import Model

relaxed = settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
PIECES = [
    b'"',
    b'""',
    b";",
    b",",
    b"\t",
    b"\n",
    b"\r",
    b"\r\n",
    b"\0",
    b"\xff",
    b"\xc3",
    b"\xc3\xb8",
    b"\xe2\x80\xa8",
    b"a",
    b"Vi har en app. ",
    b"=",
]
JSON = [b'{"id": "a", "text": "Vi har en app."}', b'"text":', b'"id":', b'"x"', b'"\\ud83d"', b"1e999", b"-1", b"null", *PIECES[5:12]]
JSON += [b"{", b"}", b"[", b"]", b":", b","]


@pytest.fixture(scope="module")
def small(small_model: Path) -> Model:
    return load(small_model)


def made_of(pieces: list[bytes]) -> st.SearchStrategy[bytes]:
    return st.lists(st.sampled_from(pieces) | st.binary(max_size=3), max_size=40).map(b"".join)


@relaxed
@given(head=st.sampled_from([b"id;tekst\n", b"tekst\r\n", b'"text","x","id"\n', b"x\ttekst\tid\n", b""]), body=made_of(PIECES))
def test_any_bytes_as_csv(small: Model, head: bytes, body: bytes) -> None:
    """Whatever bytes stand under a header: no letter is lost or moved, and the output reads back."""
    check_csv(head + body, small)


@relaxed
@given(body=made_of(JSON))
def test_any_bytes_as_jsonl(small: Model, body: bytes) -> None:
    """Whatever bytes stand on the lines: as many lines out as in, each of them JSON, and the other formats take them too."""
    check_jsonl(b'{"text": "En app."}\n' + body, small)


@relaxed
@given(data=made_of(PIECES))
def test_any_bytes_as_text(small: Model, data: bytes) -> None:
    """Any text has a prediction whose spans stand in it."""
    check_text(data, small)


@pytest.mark.parametrize("data", [b'd;;tekst\x1c\x1c\n1\xc5\xdd;x\n;b"\xc5', b'tekst\n"\n"', b'text,"a\n"x\n'])
def test_found_once(small: Model, data: bytes) -> None:
    """Bytes that broke a reader, or a check, once."""
    check_csv(data, small)
    check_jsonl(data, small)
    check_text(data, small)
