"""Training, features and the stored model."""

import io
import json
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from classifier import ClassifierError, load, predict_many, taxonomy
from classifier.documents.labelled import read_labelled
from classifier.evaluation import evaluate
from classifier.features import KIND_WEIGHT, learn_vocabulary, pair_features, passage, token_features
from classifier.model import apart_from, case, folds_of, train
from classifier.scoring import linear, rows
from classifier.storage import BY_FEATURE, save, shipped

ROOT = Path(__file__).parent.parent
TRAIN, TEST = ROOT / "labelled_data/train.jsonl", ROOT / "labelled_data/test.jsonl"


@pytest.fixture(scope="module")
def records() -> list[dict]:
    return read_labelled([TRAIN], taxonomy.shipped())


def test_counts_are_those_of_a_plain_loop(records: list[dict]) -> None:
    """Array operations count each token's features, and each known pair, as a Python loop would."""
    passages = [passage(r["text"]) for r in records[:40]]
    vocabulary = learn_vocabulary(passages, min_documents=1)
    sentences = [tokens for p in passages for tokens in p.tokens]
    for row, tokens in zip(vocabulary.count(vocabulary.find(passages)).toarray(), sentences, strict=True):
        expected: Counter[str] = Counter(f for t in tokens for f in token_features(t) if f in vocabulary.index)
        expected.update(f for f in pair_features([token_features(t) for t in tokens]) if f in vocabulary.index)
        assert {vocabulary.names[i]: int(row[i]) for i in np.flatnonzero(row)} == dict(expected)


def test_rows_are_tf_idf(records: list[dict]) -> None:
    """A weighed row is tf × idf² × kind weight over the root of the sum of tf × (idf² × kind weight)²: of length one where no feature
    comes twice. The idf is the smoothed one of scikit-learn."""
    from sklearn.feature_extraction.text import TfidfTransformer

    passages = [passage(r["text"]) for r in records[:40]]
    vocabulary = learn_vocabulary(passages, min_documents=1)
    counts = vocabulary.count(vocabulary.find(passages))
    idf = TfidfTransformer().fit(counts).idf_
    weights = idf**2 * np.array([KIND_WEIGHT[name[0]] for name in vocabulary.names])
    tf = counts.toarray()
    expected = tf * weights / np.maximum(np.sqrt(tf @ weights**2), 1e-12)[:, None]
    weighed = vocabulary.weigh(counts).toarray()
    np.testing.assert_allclose(weighed, expected, atol=2e-6)
    once = (tf.max(axis=1) == 1).nonzero()[0]
    assert len(once) > 10
    np.testing.assert_allclose(np.linalg.norm(weighed[once], axis=1), 1, atol=1e-5)


def test_linear_scores_are_scikit_learns_own(records: list[dict]) -> None:
    """Labelling needs no scikit-learn: arrays and a sparse product give its decision function."""
    passages = [passage(r["text"]) for r in records[:120]]
    batch = rows(learn_vocabulary(passages, min_documents=2), passages)
    y = np.array(["produkt" in r["type"] for r in records[:120]])
    learner = LogisticRegression(solver="liblinear").fit(batch.documents, y)
    weights = np.append(learner.coef_[0], learner.intercept_)[:, None]
    np.testing.assert_allclose(linear(batch.documents, weights)[:, 0], learner.decision_function(batch.documents), atol=1e-5)


def test_cases_that_all_writers_told() -> None:
    """Where keeping the cases of a fold apart would leave little to learn from, folds go by case, and nothing is kept out for it."""
    told = [{"id": f"{w}-{c}", "writer": f"w{w}", "case": f"c{c}"} for w in range(25) for c in range(30)]
    folds = folds_of(told, 0)
    for fold in set(folds):
        assert apart_from(fold, folds, np.array([r["case"] for r in told])).sum() == (folds != fold).sum() > 0


def test_training_is_deterministic(records: list[dict]) -> None:
    """The same records and seed give the same arrays and thresholds; several threads change nothing."""
    some = records[:90]
    first, _ = train(some, taxonomy.shipped(), "a")
    second, _ = train(some, taxonomy.shipped(), "a", jobs=2)
    assert first.vocabulary.names == second.vocabulary.names
    assert first.thresholds == second.thresholds
    for name in ("document_weights", "sentence_weights", "document_stack", "sentence_stack"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


def test_folds_keep_groups_together(records: list[dict]) -> None:
    """With many writers no writer stands in two folds; with few no case does; all in one case is refused."""
    for key, some in (("writer", records), ("case", [r | {"writer": "one"} for r in records[:200]])):
        folds: dict[str, set[int]] = {}
        for record, fold in zip(some, folds_of(some, 0), strict=True):
            folds.setdefault(record["writer"] if key == "writer" else case(record), set()).add(int(fold))
        assert all(len(f) == 1 for f in folds.values())
        assert len({f for fs in folds.values() for f in fs}) == 5
    with pytest.raises(ClassifierError, match="different cases"):
        folds_of([r | {"writer": None, "case": "x"} for r in records[:30]], 0)


def test_a_folder_that_is_no_model_is_not_replaced(tmp_path: Path) -> None:
    """Saving a model never takes the place of somebody's other files."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(ClassifierError, match="not replaced"):
        save(shipped(), tmp_path / "mine", "card")
    assert (tmp_path / "mine" / "thesis.txt").exists()


def test_too_few_texts_are_refused(records: list[dict]) -> None:
    """Training on a handful of texts says how many are needed."""
    with pytest.raises(ClassifierError, match="too few"):
        train(records[:5], taxonomy.shipped(), "a")


def test_model_survives_the_disk(tmp_path: Path) -> None:
    """A model saved and loaded gives the same predictions, and its files hold no pickle."""
    texts = [r["text"] for r in read_labelled([TEST], taxonomy.shipped())[:20]]
    save(shipped(), tmp_path / "m", "card")
    assert list(predict_many(texts, load(tmp_path / "m"))) == list(predict_many(texts))
    with np.load(tmp_path / "m" / "weights.npz", allow_pickle=False) as arrays:
        halves = {name for name in arrays if arrays[name].dtype == np.float16}
        assert halves == set(BY_FEATURE)
        assert all(arrays[name].dtype == np.float32 for name in set(arrays) - halves)


def _copy(tmp_path: Path) -> Path:
    folder = tmp_path / "m"
    save(shipped(), folder, "card")
    return folder


@pytest.mark.parametrize("file", ["model.json", "vocabulary.json", "weights.npz"])
def test_damaged_model_is_a_clear_error(tmp_path: Path, file: str) -> None:
    """A file cut short, or missing, is named as damage, not a traceback from within."""
    folder = _copy(tmp_path)
    content = (folder / file).read_bytes()
    (folder / file).write_bytes(content[: len(content) // 2])
    with pytest.raises(ClassifierError):
        load(folder)
    (folder / file).unlink()
    with pytest.raises(ClassifierError):
        load(folder)


def test_foreign_and_newer_models_are_refused(tmp_path: Path) -> None:
    """Another format version, another vocabulary's size and a pickled array are refused with the reason."""
    folder = _copy(tmp_path)
    about = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    (folder / "model.json").write_text(json.dumps(about | {"format": 99}), encoding="utf-8")
    with pytest.raises(ClassifierError, match="format 99"):
        load(folder)
    (folder / "model.json").write_text(json.dumps(about), encoding="utf-8")
    names = json.loads((folder / "vocabulary.json").read_text(encoding="utf-8"))
    (folder / "vocabulary.json").write_text(json.dumps(names[:-1]), encoding="utf-8")
    with pytest.raises(ClassifierError, match="shape"):
        load(folder)
    (folder / "vocabulary.json").write_text(json.dumps(names), encoding="utf-8")
    np.savez(folder / "weights.npz", feature_weights=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ClassifierError, match="damaged"):
        load(folder)


def test_loading_runs_no_code(tmp_path: Path) -> None:
    """A pickle put in the place of the arrays is not opened."""
    import pickle

    class Boom:
        def __reduce__(self) -> tuple:
            return (Path(tmp_path / "boom").touch, ())

    folder = _copy(tmp_path)
    buffer = io.BytesIO()
    pickle.dump(Boom(), buffer)
    (folder / "weights.npz").write_bytes(buffer.getvalue())
    with pytest.raises(ClassifierError):
        load(folder)
    assert not (tmp_path / "boom").exists()


def test_shipped_model_is_small() -> None:
    """The shipped model stays under 8 MB on disk."""
    assert sum(f.stat().st_size for f in shipped().folder.iterdir()) < 8_000_000


FLOORS = {  # type macro, barrier found, barrier label micro, fase macro, verdi micro
    "constructed": (0.70, 0.80, 0.74, 0.72, 0.75),
    "rewritten": (0.62, 0.55, 0.44, 0.62, 0.57),  # told of a real case, and about as hard as real text
}


@pytest.mark.parametrize("source", FLOORS)
def test_quality_floor(source: str) -> None:
    """On the test split the shipped model stays above what it once reached, less a margin: on made-up texts, and on those of real cases."""
    gold = [r for r in read_labelled([TEST], taxonomy.shipped()) if r["source"] == source]
    predicted = [p.to_dict() for p in predict_many(r["text"] for r in gold)]
    figures = evaluate(gold, predicted, taxonomy.shipped(), rounds=1)["figures"]
    asked = (("type", "macro"), ("barriere?", "micro"), ("barriere", "micro"), ("fase", "macro"), ("verdi", "micro"))
    reached = [figures[figure][kind]["value"] for figure, kind in asked]
    assert all(value > floor for value, floor in zip(reached, FLOORS[source], strict=True)), reached


@pytest.mark.slow
def test_shipped_model_is_trained_from_the_committed_data(tmp_path: Path) -> None:
    """Retrained with the pinned versions, the shipped model gives the same labels on the test split and probabilities within 1e-4."""
    records = read_labelled([TRAIN], taxonomy.shipped())
    fresh, _ = train(records, taxonomy.shipped(), "default", shipped().version, jobs=2)
    save(fresh, tmp_path / "m", "")
    texts = [r["text"] for r in read_labelled([TEST], taxonomy.shipped())]
    for ours, theirs in zip(predict_many(texts), predict_many(texts, load(tmp_path / "m")), strict=True):
        for facet in ours.facets:
            assert ours.labels(facet) == theirs.labels(facet)
            both = zip(ours.scores[facet].values(), theirs.scores[facet].values(), strict=True)
            assert all(abs(round(1e4 * a) - round(1e4 * b)) <= 1 for a, b in both)  # they have four places: 1e-4 is one step


def test_case_of_a_record() -> None:
    """A case is told by the record, else by its source page, else it is the text itself."""
    assert case({"id": 1, "case": "x", "source_url": "y"}) == "x"
    assert case({"id": 1, "source_url": "y"}) == "y"
    assert case({"id": 1, "source_url": "https://www.a.no/b/#c"}) == case({"id": 2, "source_url": "http://a.no/b"})
    assert case({"id": 1}) == "1"


def test_missing_folder_is_a_clear_error(tmp_path: Path) -> None:
    """A folder that holds no model says so."""
    shutil.rmtree(tmp_path / "nothing", ignore_errors=True)
    with pytest.raises(ClassifierError, match="not a model folder"):
        load(tmp_path / "nothing")
