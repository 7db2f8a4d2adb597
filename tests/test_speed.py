"""Speed: what makes it quick changes no number, and it stays quick."""

import importlib.util
import pickle
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from classifier import predict, predict_many
from classifier.features import Vocabulary, passages, token_features, vocabulary
from classifier.prediction import windows
from classifier.preprocessing import Chunks, language, sentences
from classifier.scoring import linear, linear_scores, rows
from classifier.storage import Model

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    """benchmarks/speed.py, for its texts and its contenders."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        spec = importlib.util.spec_from_file_location("speed", ROOT / "benchmarks/speed.py")
        assert spec
        assert spec.loader
        made = importlib.util.module_from_spec(spec)
        sys.modules["speed"] = made
        spec.loader.exec_module(made)
    finally:
        sys.path.remove(str(ROOT / "benchmarks"))
    return made


@pytest.fixture(scope="module")
def texts(bench: ModuleType) -> list[str]:
    return list(bench.documents(1500, new=0.02))


def test_scores_by_units_are_those_of_the_rows(model: Model, texts: list[str]) -> None:
    """Adding up what each word says gives the linear scores of the TF-IDF rows that training sees; a text without sentences too."""
    for some, relative in (([*texts[:60], "", texts[0] * 3], 0), (["app " * 3000], 1e-4)):  # whose scores are in the hundreds
        cut = passages(some, model.vocabulary.chunks)
        batch = rows(model.vocabulary, cut)
        (of_document, _), (of_sentence, _) = linear_scores(model, model.vocabulary.find(cut))
        for found, expected in (
            (of_document, linear(batch.documents, model.document_weights)),
            (of_sentence, linear(batch.sentences, model.sentence_weights)),
        ):
            np.testing.assert_allclose(found, expected, rtol=relative, atol=2e-5)


def test_passages_are_what_the_plain_functions_say(texts: list[str]) -> None:
    """Texts cut together have the sentences and the language that each has alone."""
    some = [*texts[:30], "", " \n ", "- Ja.\n\n1. Vi prøver. 2. Vi lærer: Det går", "We are the best of them."]
    for text, p in zip(some, passages(some, Chunks()), strict=True):
        assert (p.spans, p.language) == (sentences(text), language(text))


def test_a_full_cache_changes_nothing(model: Model, texts: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """When the cache of chunks is full it is thinned out, and the predictions are the same."""
    expected = list(predict_many(texts[:600], model))
    monkeypatch.setattr(vocabulary, "CACHED_CHUNKS", 500)
    assert list(predict_many(texts[:600], model)) == expected
    assert len(model.vocabulary.chunks) <= 500


def test_words_without_blanks_do_not_pile_up(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of hundreds of words with commas between them, each row another, are forgotten when they have become many."""
    monkeypatch.setattr(vocabulary, "CACHED_CHUNKS", 5000)
    rows_of_words = [",".join(f"ord{i}x{j}" for j in range(100)) for i in range(1000)]
    for _ in predict_many(rows_of_words, model, evidence=False):
        pass
    assert model.vocabulary._known.features.n <= 2 * 5000 + 256 * 100


def test_an_interrupted_batch_leaves_no_trace(model: Model, texts: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C in the middle of learning new words: the next batch has its usual labels."""
    expected = list(predict_many(texts[-20:], model))
    model.vocabulary._forget()

    def stop(*given: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(type(model.vocabulary._known.ends), "add", stop)
        with pytest.raises(KeyboardInterrupt):
            list(predict_many(texts[-20:], model))
    assert list(predict_many(texts[-20:], model)) == expected


def test_threads_share_a_model(model: Model, texts: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads that label with one model, while its cache fills and empties, give what one thread gives."""
    parts = [texts[i : i + 50] for i in range(0, 600, 50)]
    expected = [list(predict_many(part, model)) for part in parts]
    monkeypatch.setattr(vocabulary, "CACHED_CHUNKS", 2000)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda part: list(predict_many(part, model)), parts)) == expected


def test_a_vocabulary_travels_without_its_cache(model: Model) -> None:
    """Sent to another process, a vocabulary is its names and weights."""
    copy = pickle.loads(pickle.dumps(model.vocabulary))
    assert isinstance(copy, Vocabulary)
    assert copy.names == model.vocabulary.names
    assert len(copy.chunks) == 0


def test_a_window_is_bounded() -> None:
    """Texts are taken in order, at most 256 at a time, and fewer where they are long."""
    given: list[Any] = [*(["kort"] * 300), *(["x" * 600_000] * 4), None]
    made = list(windows(given))
    assert [text for batch in made for text in batch] == given
    assert [len(batch) for batch in made] == [256, 46, 2, 1]


def test_a_word_without_end() -> None:
    """A megabyte without white space (an encoded picture) is labelled in moments."""
    start = time.process_time()
    assert len(token_features("a" * 1_000_000)) < 5000
    predict("Vi prøver en app. " + "qwertyuiop" * 100_000)
    assert time.process_time() - start < 10


def test_many_times_as_quick_as_a_plain_pipeline(model: Model, bench: ModuleType, texts: list[str]) -> None:
    """With all facets and sentences we are several times as quick as scikit-learn with words and characters, which labels texts only."""
    known = list(bench.documents(150, seed=5))
    plain = sys.modules["contenders"].plain_pipeline().fit(known, [[i % 2, i % 3 == 0] for i in range(150)])
    list(predict_many(texts, model, evidence=False))  # what a long run has done after its first moments
    rates: dict[str, list[float]] = {"plain": [], "ours": []}
    for i in range(3):  # interleaved: other work runs on the machine
        start = time.process_time()
        plain.predict(texts[i * 50 : i * 50 + 50])
        middle = time.process_time()
        list(predict_many(texts[i * 500 : i * 500 + 500], model, evidence=False))
        rates["plain"].append(50 / (middle - start))
        rates["ours"].append(500 / (time.process_time() - middle))
    assert max(rates["ours"]) > 4 * max(rates["plain"]), rates
