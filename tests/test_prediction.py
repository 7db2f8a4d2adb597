"""What a text becomes: the contract's JSON, its offsets, thresholds, evidence and verdict."""

import json
import multiprocessing
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier import load, predict, predict_many, taxonomy
from classifier.preprocessing import TOKEN, repair, sentences
from classifier.storage import Model, shipped

ROOT = Path(__file__).parent.parent
TEXTS = [json.loads(line)["text"] for line in (ROOT / "labelled_data/test.jsonl").read_text(encoding="utf-8").splitlines()]
RICH = (
    "Kommunen har tatt i bruk en ny app der pasientene melder målinger hjemmefra, og hjemmetjenesten jobber på en helt ny måte. "
    "Det stoppet lenge fordi budsjettet var for lite og ingen hadde tid. Løsningen sparer to årsverk og gir bedre kvalitet for brukerne."
)
FACETS = {facet.code: facet for facet in taxonomy.shipped().facets}

# Words of the domain, with what gets in the way of offsets between and inside them.
PIECES = [
    *("😀", "👩‍🔬", "\r\n", "\n", "\t", "\0", "\xad", "\u200b", "e\u0301", "\ufeff", " ", " ", ". ", "\r\n\r\n- "),
    *(".", "!", "?", ":", "–", "«", "»", "Ã¸", "ﬁ", "İ", "ß", "Ａ"),
    *("budsjettet", "bud\xadsjettet", "mang\xadlet", "ny app", "Tjenesten", "stoppet", "på grunn av", "ba\u030ade"),
    *("tatt i bruk", "kommunen", "pasientane", "innkjøps-\nreglementet", "motstand", "Det var ikke tid"),
]
awkward_text = st.lists(st.sampled_from(PIECES), max_size=50).map("".join) | st.text(st.characters(), max_size=200)


@pytest.fixture(scope="module")
def keen(model: Model) -> Model:
    """The shipped model giving every label: what is said of labels is then said of all of them."""
    return replace(model, thresholds=dict.fromkeys(model.thresholds, 0.0))


def is_evidence(found: Any, text: str) -> None:
    """At most five different words of the text, each with a positive weight, the strongest first."""
    assert isinstance(found, list)
    assert len(found) <= 5
    for word in found:
        assert list(word) == ["start", "end", "weight"]
        assert type(word["start"]) is type(word["end"]) is int
        assert type(word["weight"]) is float
        assert word["weight"] > 0
        assert 0 <= word["start"] < word["end"] <= len(text)
        assert TOKEN.fullmatch(repair(text[word["start"] : word["end"]]).text.strip("\u0300\u0301\u030a") or "?"), text[
            word["start"] : word["end"]
        ]
    assert [w["weight"] for w in found] == sorted((w["weight"] for w in found), reverse=True)
    assert len({(w["start"], w["end"]) for w in found}) == len(found)


def is_probability(value: Any) -> None:
    assert type(value) is float
    assert 0 <= value <= 1
    assert value == round(value, 4)


def is_contract(out: dict[str, Any], text: str, model: Model) -> None:
    """The JSON of shared/design.md, key by key."""
    assert list(out) == ["model", "language", *FACETS, "innovasjon", "review", "warnings"]
    assert out["model"] == f"{model.name} {model.version}"
    assert out["language"] in ("nb", "nn", "other")
    for facet in FACETS.values():
        found = out[facet.code]
        if facet.unit == "sentence":
            at = 0
            for span in found:
                assert list(span) == ["start", "end", "text", "labels"]
                assert type(span["start"]) is type(span["end"]) is int
                assert at <= span["start"] < span["end"] <= len(text)
                assert text[span["start"] : span["end"]] == span["text"]
                assert span["labels"]
                for item in span["labels"]:
                    assert list(item) == ["label", "probability", "evidence"]
                    is_probability(item["probability"])
                    is_evidence(item["evidence"], text)
                    assert all(span["start"] <= e["start"] and e["end"] <= span["end"] for e in item["evidence"])
                assert [x["label"] for x in span["labels"]] == [c for c in facet.codes if c in {x["label"] for x in span["labels"]}]
                at = span["end"]
        elif facet.choice == "single":
            assert list(found) == ["label", "probability"]
            assert found["label"] in facet.codes
            is_probability(found["probability"])
        else:
            assert [x["label"] for x in found] == [c for c in facet.codes if c in {x["label"] for x in found}]
            for item in found:
                assert list(item) == ["label", "probability", "evidence"]
                is_probability(item["probability"])
                is_evidence(item["evidence"], text)
    verdict = out["innovasjon"]
    assert list(verdict) == ["verdict", "missing"]
    assert type(verdict["verdict"]) is bool
    assert set(verdict["missing"]) <= {"type", "fase", "verdi"}
    assert verdict["verdict"] == (not verdict["missing"])
    assert isinstance(out["review"], list)
    assert set(out["review"]) <= {f"{f.code}.{code}" for f in FACETS.values() for code in f.codes}
    assert isinstance(out["warnings"], list)
    assert all(isinstance(w, str) for w in out["warnings"])
    assert json.loads(json.dumps(out)) == out


@pytest.mark.parametrize("text", [RICH, *TEXTS[:40], "", "   ", "ja", "👍"])
def test_contract(text: str, model: Model) -> None:
    """A prediction is the contract's JSON, key by key and type by type."""
    is_contract(predict(text).to_dict(), text, model)


@pytest.mark.parametrize("text", [RICH, *TEXTS[:40]])
def test_contract_of_all_labels(text: str, keen: Model) -> None:
    """It is so for every label and every sentence, not only for those that are likely."""
    out = predict(text, keen).to_dict()
    is_contract(out, text, keen)
    assert [x["label"] for x in out["type"]] == list(FACETS["type"].codes)
    assert [(s["start"], s["end"]) for s in out["barriere"]] == sentences(text)
    assert any(item["evidence"] for item in out["type"])
    assert any(item["evidence"] for span in out["barriere"] for item in span["labels"])


def test_all_scores(model: Model) -> None:
    """`scores` has the probability of every label; what is given carries the same number, for a sentence facet the highest."""
    out = predict(RICH).to_dict(all_scores=True)
    assert {facet: list(scores) for facet, scores in out["scores"].items()} == {f.code: list(f.codes) for f in FACETS.values()}
    for scores in out["scores"].values():
        for value in scores.values():
            is_probability(value)
    assert {x["label"]: x["probability"] for x in out["type"]}.items() <= out["scores"]["type"].items()
    assert out["scores"]["fase"][out["fase"]["label"]] == out["fase"]["probability"] == max(out["scores"]["fase"].values())
    assert sum(out["scores"]["fase"].values()) == pytest.approx(1, abs=1e-3)
    for span in out["barriere"]:
        assert all(x["probability"] <= out["scores"]["barriere"][x["label"]] for x in span["labels"])
    assert "scores" not in predict(RICH).to_dict()


KEEN = replace(shipped(), thresholds=dict.fromkeys(shipped().thresholds, 0.0))


@given(awkward_text)
def test_any_text_has_a_prediction(text: str) -> None:
    """Any text, however broken, gives a prediction whose every offset points at what it says, in code points of the text as given."""
    is_contract(predict(text).to_dict(), text, shipped())
    is_contract(predict(text, KEEN).to_dict(), text, KEEN)


@settings(max_examples=60)
@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join), st.sampled_from(["\r\n", " 😀 ", "\xad", "\n\n", " "]))
def test_offsets_survive_what_stands_before(before: str, gap: str) -> None:
    """Whatever stands before: with every sentence given, the spans are trimmed, in order, and cover all words of the text."""
    text = before + gap + RICH
    spans = predict(text, KEEN).facets["barriere"]
    covered = {i for s in spans for i in range(s["start"], s["end"])}
    for match in TOKEN.finditer(text):
        assert set(range(*match.span())) <= covered
    for s in spans:
        assert s["text"] == s["text"].strip() == text[s["start"] : s["end"]]
    assert spans[-1]["text"] == RICH[slice(*sentences(RICH)[-1])]


def test_evidence_words_are_the_words(keen: Model) -> None:
    """Emoji, CRLF, soft hyphens and letters in two parts before and within a word do not move its offsets."""
    text = "😀👩‍🔬\r\nBa\u030ade skolen og NAV.\r\n\r\nDet stoppet fordi bud\xadsjettet var for lite. Ingen hadde tid eller pen\xadger 🙃."
    words = {m[0] for m in TOKEN.finditer(repair(text).text)}
    spans = predict(text, keen).facets["barriere"]
    given_words = [text[e["start"] : e["end"]] for s in spans for x in s["labels"] for e in x["evidence"]]
    assert "bud\xadsjettet" in given_words
    assert {repair(w).text for w in given_words} <= words


def test_alone_and_in_a_batch_are_the_same() -> None:
    """One text alone, and the same text among others in any order, give the same numbers."""
    batch = list(predict_many(TEXTS))
    for text, prediction in zip(TEXTS[:60], batch, strict=False):
        assert predict(text) == prediction
    assert list(predict_many(TEXTS[::-1])) == batch[::-1]


def test_jobs_change_nothing(small_model: Path) -> None:
    """Two processes give what one gives, in the same order, over more than one chunk; also for thresholds that were never saved."""
    model = load(small_model)
    model = replace(model, thresholds={name: t / 2 for name, t in model.thresholds.items()})
    texts = [f"{text[:200]} {i}" for i in range(11) for text in TEXTS[:100]]
    assert list(predict_many(texts, model, jobs=2)) == list(predict_many(texts, model))


def _nested(path: str, done: "multiprocessing.Queue[int]") -> None:
    done.put(len(list(predict_many(["Kommunen har tatt i bruk en app."] * 3000, load(path), jobs=2))))
    time.sleep(2)  # something that ends this process later would strike now


def test_jobs_inside_a_worker(small_model: Path) -> None:
    """In a process that may have no children (a web server's, a pool's), `jobs` do their work there, and it lives on."""
    done: multiprocessing.Queue[int] = multiprocessing.get_context("spawn").Queue()
    process = multiprocessing.get_context("spawn").Process(target=_nested, args=(str(small_model), done), daemon=True)
    process.start()
    assert done.get(timeout=120) == 3000
    process.join(60)
    assert process.exitcode == 0


def test_memory_is_flat(model: Model) -> None:
    """Predictions come while the input is still being read: no more than a window of texts is taken ahead."""
    taken = 0

    def endless() -> Any:
        nonlocal taken
        while True:
            taken += 1
            yield "Kommunen har tatt i bruk en app."

    predictions = predict_many(endless(), model)
    for _ in range(1000):
        next(predictions)
    assert taken <= 1000 + 256


@pytest.mark.parametrize("text", ["", " \n\t ", "\0", "🎉", "… – !", "\xad"])
def test_empty_text(text: str) -> None:
    """A text without words has empty facets, the default of each single choice, a warning, and nothing to review."""
    out = predict(text).to_dict()
    for facet in FACETS.values():
        assert out[facet.code] == ({"label": facet.default, "probability": 0.0} if facet.default else [])
    assert out["warnings"] == ["teksten er tom"]
    assert out["innovasjon"] == {"verdict": False, "missing": ["type", "fase", "verdi"]}
    assert out["review"] == []


def test_not_norwegian_is_labelled_with_a_warning() -> None:
    """English, Danish and Swedish are labelled all the same, with a warning; Norwegian has none."""
    for text in (
        "The municipality has introduced a new app that lets its citizens report from home, and it has been in use for two years.",
        "Kommunen har indført en ny løsning til borgerne, og det er blevet meget bedre for medarbejderne.",
        "Kommunen har infört en ny tjänst för medborgarna och det är mycket bättre för dem som bor här.",
    ):
        out = predict(text).to_dict(all_scores=True)
        assert out["language"] == "other"
        assert out["warnings"] == ["teksten ser ikke ut til å være norsk"]
        assert any(out["scores"]["type"].values())
    for text in TEXTS[:100]:
        assert predict(text).warnings == ()


def test_only_labels_above_their_threshold(model: Model) -> None:
    """Of a multi-choice facet of documents exactly the labels at or above their threshold are given; of sentences none below."""

    def told(facet: str, code: str, p: float) -> bool | None:
        threshold = model.thresholds[f"{facet}.{code}"]
        return None if abs(p - threshold) < 1e-4 else p > threshold  # too near to tell from rounded numbers

    for prediction in predict_many(TEXTS):
        for facet in FACETS.values():
            if facet.unit == "document" and facet.choice == "multi":
                given_codes = prediction.labels(facet.code)
                for code, p in prediction.scores[facet.code].items():
                    assert told(facet.code, code, p) in (None, code in given_codes)
            elif facet.unit == "sentence":
                for item in (x for span in prediction.facets[facet.code] for x in span["labels"]):
                    assert told(facet.code, item["label"], item["probability"]) in (None, True)


def test_thresholds_decide(model: Model, keen: Model) -> None:
    """Another threshold for a label changes whether it is given, and neither its probability nor any other label."""
    before = predict(RICH, keen)
    for label in FACETS["type"].codes:
        stricter = predict(RICH, replace(keen, thresholds=keen.thresholds | {f"type.{label}": 1.0}))
        assert stricter.labels("type") == [x for x in before.labels("type") if x != label]
        assert stricter.scores == before.scores
        assert stricter.facets["barriere"] == before.facets["barriere"]


def test_verdict_rule(model: Model) -> None:
    """An innovation is something new (`type`), in use or spread (`fase`), that has given value (`verdi`); what is missing is named."""
    predictions = list(predict_many(TEXTS))
    for prediction in predictions:
        missing = []
        if not prediction.facets["type"]:
            missing.append("type")
        if prediction.facets["fase"]["label"] not in ("i_bruk", "spredt"):
            missing.append("fase")
        if not prediction.facets["verdi"]:
            missing.append("verdi")
        assert prediction.innovasjon == {"verdict": not missing, "missing": missing}
    assert {p.innovasjon["verdict"] for p in predictions if p.innovasjon} == {True, False}


def test_labels_of_a_prediction() -> None:
    """`labels` gives the codes of a facet in the taxonomy's order, each once."""
    prediction = predict(RICH)
    for facet in FACETS.values():
        codes = prediction.labels(facet.code)
        assert codes == [c for c in facet.codes if c in codes]
    assert prediction.labels("fase") == [prediction.facets["fase"]["label"]]


def test_prediction_is_frozen() -> None:
    """A prediction cannot be changed by accident."""
    with pytest.raises(AttributeError):
        predict(RICH).language = "en"  # type: ignore[misc]


def test_review_names_what_is_close(model: Model) -> None:
    """`review` has exactly the labels whose probability lies in their band, and single choices that are nearly a tie."""
    for prediction in predict_many(TEXTS[:100]):
        for facet, scores in prediction.scores.items():
            for code, p in scores.items():
                low, high = model.review.get(f"{facet}.{code}", (2, 2))
                if min(abs(p - low), abs(p - high)) > 1e-4 and FACETS[facet].choice == "multi":
                    assert (f"{facet}.{code}" in prediction.review) is (low <= p < high)
        first, second = sorted(prediction.scores["fase"].values(), reverse=True)[:2]
        if abs(first - second - 0.15) > 1e-3:
            assert any(name.startswith("fase.") for name in prediction.review) is (first - second < 0.15)


def test_odd_inputs_of_the_library() -> None:
    """`predict_many` takes any iterable and gives an iterator; nothing in, nothing out."""
    assert list(predict_many([])) == []
    assert [p.language for p in predict_many(t for t in ("Eg veit ikkje", "Jeg vet ikke"))] == ["nn", "nb"]
    assert next(predict_many(["Prosjektet", "Piloten"])).warnings == ()


DAMAGE = {
    "CRLF": lambda t: t.replace("\n", "\r\n"),
    "soft hyphens": lambda t: t.replace("sj", "s\xadj").replace("tt", "t\xadt"),
    "mojibake": lambda t: t.replace("ø", "Ã¸"),
    "letters in two parts": lambda t: t.replace("å", "a\u030a"),
    "NUL": lambda t: t.replace("e", "e\0"),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_damage_changes_no_number(damage: Callable[[str], str]) -> None:
    """A text with Windows line ends, soft hyphens, misread UTF-8 or NULs has the very scores of the same text whole."""
    whole = [t.replace(". ", ".\n") for t in TEXTS[:30]]
    broken = [damage(t) for t in whole]
    assert sum(a != b for a, b in zip(whole, broken, strict=True)) >= 10
    assert [p.scores for p in predict_many(broken)] == [p.scores for p in predict_many(whole)]
