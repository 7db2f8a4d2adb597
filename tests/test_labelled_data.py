"""The labelled data that is shipped: what the datasheet promises of it."""

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from classifier import taxonomy
from classifier.annotation.checks import data_faults, near_duplicates, openings, repeated_runs, words, wrong_language
from classifier.documents.labelled import NEGATIVE_KINDS, SOURCES, counts, read_labelled
from classifier.model import case

ROOT = Path(__file__).parent.parent
DATA = ROOT / "labelled_data"
REAL = ROOT.parent / "shared" / "real_dev"
NAMED = re.compile(
    r"(?:sier|seier|ifølge|fortel|forteller|leder|leiar|direktør|rådgiver|ordfører|minister|statsråd|professor)\w*,? "
    r"((?:[A-ZÆØÅ][a-zæøå]+ )(?:[A-ZÆØÅ]\. ?)?[A-ZÆØÅ][a-zæøå]+)"
)
BODIES = {"Nav", "Stavanger", "Kompetanse", "Kriminalomsorgens"}  # «leder Nav Troms» names an office, «Stavanger Aftenblad» a paper


@pytest.fixture(scope="module")
def parts() -> dict[str, list[dict]]:
    return {part: read_labelled([DATA / f"{part}.jsonl"], taxonomy.shipped()) for part in ("train", "test")}


@pytest.fixture(scope="module")
def records(parts: dict[str, list[dict]]) -> list[dict]:
    return parts["train"] + parts["test"]


def test_schema(records: list[dict]) -> None:
    """Every record has all facets, a known source, language, genre and sector, evidence for its labels, and ids are unique."""
    assert len({r["id"] for r in records}) == len(records)
    for r in records:
        assert {f.code for f in taxonomy.shipped().facets} <= r.keys(), r["id"]
        assert r["lang"] in ("nb", "nn"), r["id"]
        assert r["source"] in SOURCES, r["id"]
        assert r["genre"], r["id"]
        assert r["sector"], r["id"]
        assert (r["source_url"] is not None) == (r["source"] == "rewritten"), r["id"]
        assert {m["kind"] for m in r["negatives"]} <= NEGATIVE_KINDS
        marked = {name for e in r["evidence"] for name in e["labels"]}
        wanted = {f"type.{x}" for x in r["type"]} | {f"verdi.{x}" for x in r["verdi"]}
        assert wanted <= marked, r["id"]
        assert 10 <= len(words(r["text"])) <= 430, r["id"]


def test_counts(records: list[dict]) -> None:
    """The set is as large, as balanced and as varied as its datasheet says."""
    facets = taxonomy.shipped()
    c = counts(records, facets)
    assert c["documents"] >= 4000
    assert {code: c[f"type.{code}"] for code in facets["type"].codes if c[f"type.{code}"] < 700} == {}
    assert c["type none"] >= 700
    for code in facets["type"].codes:
        assert sum(code in r["type"] and len(r["type"]) > 1 for r in records) >= c[f"type.{code}"] / 2, code
    assert {code: c[f"barriere.{code}"] for code in facets["barriere"].codes if c[f"barriere.{code}"] < 250} == {}
    for code in facets["barriere"].codes:
        assert sum(any(code in b["labels"] for b in r["barriere"]) for r in records) >= 200, code
    assert sum(len(r["negatives"]) for r in records) >= 1500
    assert {code: c[f"fase.{code}"] for code in facets["fase"].codes if c[f"fase.{code}"] < 500} == {}
    assert {code: c[f"verdi.{code}"] for code in facets["verdi"].codes if c[f"verdi.{code}"] < 500} == {}
    assert c["lang.nn"] >= 0.25 * len(records)
    assert c["source.rewritten"] >= 0.5 * len(records)
    assert sum(len(words(r["text"])) < 40 for r in records) >= 0.2 * len(records)
    assert len({r["genre"] for r in records}) >= 12
    assert len({r["sector"] for r in records}) >= 20


def test_nynorsk_in_every_label(records: list[dict]) -> None:
    """At least a quarter of the documents of every label are nynorsk, but for the sampling of a small set."""
    total: Counter[str] = Counter()
    nn: Counter[str] = Counter()
    for r in records:
        labels = {*r["type"], *r["verdi"], r["fase"], *(x for b in r["barriere"] for x in b["labels"])}
        total.update(labels)
        nn.update(labels if r["lang"] == "nn" else ())
    assert {label: round(nn[label] / n, 2) for label, n in total.items() if nn[label] < 0.25 * n} == {}


def test_no_near_duplicates(records: list[dict]) -> None:
    """No two texts, in one part or across, share half of their word 5-grams."""
    assert near_duplicates(records) == []


def test_phrases_are_not_repeated(records: list[dict]) -> None:
    """Six-word runs, openings and label names do not recur as they would in templates."""
    share, runs = repeated_runs(records)
    assert share < 0.003, runs
    assert openings(records)[0][1] < 0.01 * len(records) + 3


def test_labels_are_seldom_named(records: list[dict]) -> None:
    """The full name of a label, as the codebook has it, stands in under 5 % of the texts that have the label."""
    facets = taxonomy.shipped()
    for facet in (facets["type"], facets["barriere"]):
        for label in facet.labels:
            own = [r["text"].lower() for r in records if label.code in r["type"] or any(label.code in b["labels"] for b in r["barriere"])]
            assert sum(any(name.lower() in text for name in label.names.values()) for text in own) < 0.05 * len(own), label.code


def test_nobody_is_named(records: list[dict]) -> None:
    """Quotes and deeds belong to roles: no first name and surname follows a verb of saying or a title."""
    named = [(r["id"], m[1]) for r in records for m in NAMED.finditer(r["text"]) if m[1].split()[0] not in BODIES]
    assert named == []


def test_language_is_as_stated(records: list[dict]) -> None:
    """Texts of 30 words and more are in the language they say, in 98 % of the cases."""
    share, wrong = wrong_language(records)
    assert share < 0.02, wrong


def test_split_is_by_case(parts: dict[str, list[dict]]) -> None:
    """No case stands in both train and test, and a fifth of the texts is test."""
    assert not {case(r) for r in parts["train"]} & {case(r) for r in parts["test"]}
    assert 0.15 < len(parts["test"]) / (len(parts["train"]) + len(parts["test"])) < 0.25


def test_check_finds_nothing(records: list[dict]) -> None:
    """`innovasjon check` passes on what is shipped."""
    assert data_faults(records) == []


@pytest.mark.skipif(not REAL.exists(), reason="the real texts are not shipped")
def test_no_source_page_of_the_real_texts(records: list[dict]) -> None:
    """No description stands on a page that a real text for scoring stands on, and no real text is in the set."""
    real = [json.loads(line) for file in REAL.glob("*.jsonl") for line in file.open(encoding="utf-8")]
    assert not {r.get("source_url") for r in real if r.get("source_url")} & {r["source_url"] for r in records}
    mixed = near_duplicates(records + [{"id": f"real-{r['id']}", "text": r["text"]} for r in real])
    assert mixed == []


def test_datasheet_is_current() -> None:
    """The generated parts of the datasheet are those that the data gives."""
    script = ROOT / "benchmarks" / "datasheet.py"
    assert subprocess.run([sys.executable, script, "--check"], check=False).returncode == 0, "run `make datasheet`"
