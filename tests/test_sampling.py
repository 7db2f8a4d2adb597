"""What to label next, and what more labels would give."""

import csv
import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier import taxonomy
from classifier.annotation import gain, wording
from classifier.annotation.checks import near_duplicates
from classifier.annotation.sampling import Choice, Outlook, Space, sample, warm, worth
from classifier.documents.labelled import read_labelled
from classifier.storage import Model

ROOT = Path(__file__).parent.parent
FEEDBACK = ROOT / "tests/data/feedback.jsonl"
OWN = ROOT / "tests/data/feedback.toml"
Run = Callable[..., "subprocess.CompletedProcess[str]"]

THEMES = {  # ten things that people write about; the first fills most of the pile
    "buss": "bussen holdeplassen sjåføren ruten forsinket billetten avgang trikken",
    "bok": "biblioteket boka låner utlån bibliotekaren roman lesesal hylle",
    "park": "parken benken plenen trærne hundene lekeplassen gartner blomster",
    "skole": "skolen eleven læreren klasserommet leksene rektor friminutt pult",
    "vann": "vannet kranen rørene lekkasjen kommunen trykket drikke kloakk",
    "snø": "snøen brøytebilen fortauet isen strøing vinteren måking plogen",
    "avfall": "søppelet dunken henting plasten sortering papiret stasjonen lukt",
    "eldre": "sykehjemmet pleieren rommet middagen beboerne pårørende medisin vakt",
    "bad": "svømmehallen badet garderoben bassenget inngang sklien vannflate dusjen",
    "kunst": "museet maleriet utstilling kunstneren galleri skulptur omvisning atelier",
}


def pile_of(sizes: dict[str, int], seed: int = 0) -> tuple[list[str], list[str]]:
    """(texts, their themes), shuffled: invented sentences out of the words of a theme and some common ones."""
    rng = np.random.default_rng(seed)
    common = "vi har sett at det er mye å si om dette og noen ganger lite også når man tenker seg om".split()
    made = []
    for theme, n in sizes.items():
        for _ in range(n):
            words = [*rng.choice(THEMES[theme].split(), 6), *rng.choice(common, 8)]
            rng.shuffle(words)
            made.append((" ".join(words).capitalize() + ".", theme))
    order = rng.permutation(len(made))
    return [made[i][0] for i in order], [made[i][1] for i in order]


NAMELESS = taxonomy.parse({"facet": {"tema": {"label": {f"k{i}": {} for i in range(10)}}}})
SKEWED = {theme: 400 if i == 0 else 8 for i, theme in enumerate(THEMES)}


def rows_of(texts: list[str], n: int, **more: Any) -> list[int]:
    return [c.row for c in sample(texts, n, more.pop("facets", NAMELESS), **more).choices]


def jsonl(path: Path, records: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records), encoding="utf-8")
    return path


def tasks(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


# Cold start


def test_cold_start_covers_the_groups() -> None:
    """Without labels, definitions or model, a sample of twenty finds more of ten themes than chance does when one fills the pile."""
    texts, themes = pile_of(SKEWED)
    found, by_chance = [], []
    for seed in range(3):
        found.append(len({themes[i] for i in rows_of(texts, 20, seed=seed)}))
        by_chance += [len(set(np.random.default_rng(s).choice(themes, 20, replace=False))) for s in range(seed * 50, seed * 50 + 50)]
    assert np.mean(found) >= 1.8 * np.mean(by_chance)
    assert min(found) > np.quantile(by_chance, 0.95)


def test_cold_start_reads_the_definitions() -> None:
    """A label that has a definition is searched for by it from the first batch, and the reason names the label."""
    labels = {t: {"name": f"Om {t}", "definition": f"Handler om {THEMES[t].replace(' ', ', ')}."} for t in ("vann", "kunst")}
    facets = taxonomy.parse({"facet": {"tema": {"name": "Tema", "label": labels}}})
    texts, themes = pile_of({"buss": 400, "vann": 4, "kunst": 4})
    chosen = sample(texts, 8, facets)
    by_definition = [themes[c.row] for c in chosen.choices if c.reason == "like_definition"]
    assert set(by_definition) == {"vann", "kunst"}
    assert "Tema: Om vann" in {re.sub(".*av (.*), som.*", r"\1", wording.why(c, facets, "nb")) for c in chosen.choices}


def test_cold_start_keeps_away_from_what_is_labelled() -> None:
    """What labelled texts are about already comes last."""
    texts, themes = pile_of(dict.fromkeys(THEMES, 12))
    known = [t for t in THEMES if t not in ("bad", "kunst")]
    labelled_texts, of = pile_of(dict.fromkeys(known, 4), seed=1)
    labelled = [{"id": str(i), "text": t, "tema": []} for i, t in enumerate(labelled_texts)]
    chosen = {themes[i] for i in rows_of(texts, 4, labelled=labelled)}
    assert {"bad", "kunst"} <= chosen
    assert set(of) == set(known)


# Promises of any sample


@pytest.fixture(scope="module")
def own_model() -> Model:
    """A model of a taxonomy that has nothing in common with the shipped one."""
    from classifier.model import train

    facets = taxonomy.read(OWN)
    return train(read_labelled([FEEDBACK], facets), facets, "own")[0]


@pytest.mark.parametrize("with_model", [False, True], ids=["cold", "with a model"])
def test_a_sample(with_model: bool, own_model: Model) -> None:
    """As many as asked for, each once, never an empty text, the same with the same seed."""
    texts, _ = pile_of(SKEWED)
    texts[3] = "  "
    texts[7] = ""
    more: dict[str, Any] = {"facets": own_model.taxonomy, "model": own_model if with_model else None}
    chosen = rows_of(texts, 25, **more)
    assert len(chosen) == len(set(chosen)) == 25
    assert not {3, 7} & set(chosen)
    assert chosen == rows_of(texts, 25, **more)
    if not with_model:
        assert chosen != rows_of(texts, 25, seed=1, **more)


@pytest.mark.parametrize("with_model", [False, True], ids=["cold", "with a model"])
def test_no_near_duplicates(with_model: bool, own_model: Model) -> None:
    """Texts nearly the same as a labelled one, or as another of the sample, are left out, and counted."""
    texts, _ = pile_of(dict.fromkeys(THEMES, 3))
    copies = [t.replace(t.split()[-1], "annerledes.") for t in texts]
    labelled = [{"id": str(i), "text": t, "kanal": []} for i, t in enumerate(texts[:10])]
    made = sample(texts + copies, 60, own_model.taxonomy, labelled, own_model if with_model else None)
    chosen = [(texts + copies)[c.row] for c in made.choices]
    assert len(chosen) == 20
    assert made.duplicates == 40
    assert near_duplicates([{"id": i, "text": t} for i, t in enumerate([*chosen, *texts[:10]])]) == []


@given(st.lists(st.text(max_size=40), max_size=12), st.integers(1, 15), st.integers(0, 3))
def test_any_texts(texts: list[str], n: int, seed: int) -> None:
    """Any texts at all give a sample: distinct rows of texts that are not empty, no more than asked for."""
    chosen = rows_of(texts, n, seed=seed)
    assert len(chosen) == len(set(chosen)) <= n
    assert all(texts[i].strip() for i in chosen)
    different = {t.strip().lower() for t in texts if t.strip()}
    assert len(chosen) >= min(n, len(different), 1)


# With a model


def outlook(p: list[list[float]], examples: list[float]) -> Outlook:
    return Outlook(np.array(p), np.full(len(p[0]), 0.5), np.array(examples))


def space(n: int, labels: int) -> Space:
    return Space(np.eye(n, dtype=np.float32), np.zeros((n, labels)))


def test_rare_labels_and_doubts_without_repeats() -> None:
    """What may have a label with few examples, and what the model is in doubt of, is chosen, one of those that are alike; each says why."""
    rare, doubt, clear = [0.01, 0.6], [0.5, 0.01], [0.01, 0.01]
    seen = outlook([rare, rare, doubt, doubt, *[clear] * 20], [300, 3])
    like = Space(np.eye(24, dtype=np.float32)[[0, 0, 2, 2, *range(4, 24)]], np.zeros((24, 2)))
    first, second = warm(like, seen, ["a", "a"], 2, lambda row: True, np.random.default_rng(0))
    assert (first.row in (0, 1), first.reason, first.facts["column"], first.facts["examples"]) == (True, "rare", 1, 3)
    assert (second.row in (2, 3), second.reason, second.facts["column"]) == (True, "uncertain", 0)


def test_uncertainty_is_about_the_threshold() -> None:
    """The model is most unsure where the probability is at the label's own threshold, not at one half."""
    seen = Outlook(np.array([[0.05], [0.2], [0.5], [0.9]]), np.array([0.2]), np.array([500.0]))
    assert int(worth(space(4, 1), seen)[0].argmax()) == 1


def test_all_facets_share_the_budget() -> None:
    """A facet of ten labels takes no more of the budget than one of a single label."""
    many, one = [0.5] * 10 + [0.01], [0.01] * 10 + [0.5]
    seen = outlook([many] * 20 + [one] * 20, [100] * 11)
    chosen = warm(space(40, 11), seen, ["many"] * 10 + ["one"], 8, lambda row: True, np.random.default_rng(0))
    by_facet = [c.facts["column"] == 10 for c in chosen]
    assert 2 <= sum(by_facet) <= 6
    assert all((c.row >= 20) == own for c, own in zip(chosen, by_facet, strict=True))


def test_rare_labels_are_found(model: Model) -> None:
    """In piles where one in forty texts has a barrier of a kind, a model and few examples find three times as many of them as chance."""
    records = read_labelled([ROOT / "labelled_data/test.jsonl"], model.taxonomy)
    labelled = read_labelled([ROOT / "labelled_data/train.jsonl"], model.taxonomy)[:300]
    facet = model.taxonomy.of("sentence")[0]
    kinds = facet.codes[:5]
    found = 0
    for rare in kinds:
        having, known_with = ([r for r in part if any(rare in s["labels"] for s in r[facet.code])] for part in (records, labelled))
        pile = [r for r in records if not r[facet.code]][:390] + having[:10]
        known = [r for r in labelled if r not in known_with] + known_with[:3]
        chosen = sample([r["text"] for r in pile], 40, model.taxonomy, known, model).choices
        found += sum(c.row >= len(pile) - 10 for c in chosen)
    assert found >= 3 * len(kinds)  # chance gives one of each kind


def test_all_of_a_pile_of_different_texts(model: Model) -> None:
    """Of texts that are all different, as many are chosen as asked for, down to the last; none is taken for a duplicate."""
    texts = [r["text"] for r in read_labelled([ROOT / "labelled_data/test.jsonl"], model.taxonomy)][:30]
    for known in (None, model):
        for n in (3, 30):
            found = sample(texts, n, model.taxonomy, (), known)
            assert (len(found.choices), found.duplicates) == (n, 0)


# The command


def test_sample_command(run: Run, tmp_path: Path) -> None:
    """Tasks carry id, text, other columns, batch and a reason of one line; columns named like a facet are kept under another name."""
    texts, _ = pile_of(SKEWED)
    with (tmp_path / "in.csv").open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(["nr", "tekst", "type", "reason", "kommune"])
        writer.writerows([f"a{i}", t, "x", "y", "Øyvik"] for i, t in enumerate([*texts, "", texts[0]]))
    out = tmp_path / "tasks.jsonl"
    done = run("sample", tmp_path / "in.csv", "-n", 12, "--id-column", "nr", "-o", out)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.match(r"12 of 474 texts chosen \(no model yet: [^\n]*; 1 empty[^\n]*\) → .*tasks\.jsonl\n$", done.stdout)
    made = tasks(out)
    assert len({t["id"] for t in made}) == 12
    for task in made:
        assert list(task) == ["id", "text", "input_type", "input_reason", "kommune", "batch", "reason"]
        assert task["text"] == [*texts, "", texts[0]][int(task["id"][1:])]
        assert (task["input_type"], task["kommune"], task["batch"]) == ("x", "Øyvik", 1)
        assert re.fullmatch(r"(står for|ligner)[^\n]+", task["reason"])
    again = run("sample", tmp_path / "in.csv", "-n", 12, "--id-column", "nr")
    assert again.stdout == out.read_text(encoding="utf-8")
    assert "12 of 474" in again.stderr


@pytest.mark.parametrize("suffix", [".xlsx", "folder", "-"])
def test_formats(run: Run, tmp_path: Path, suffix: str) -> None:
    """The pile comes in any form that `label` reads."""
    texts = pile_of(dict.fromkeys(THEMES, 3))[0]
    given: Any = "-" if suffix == "-" else tmp_path / f"in{suffix}"
    piped = None
    if suffix == ".xlsx":
        from openpyxl import Workbook

        book = Workbook()
        book.active.append(["id", "text"])
        for i, text in enumerate(texts):
            book.active.append([i, text])
        book.save(given)
    elif suffix == "folder":
        given.mkdir()
        for i, text in enumerate(texts):
            (given / f"{i}.txt").write_text(text, encoding="utf-8")
    else:
        piped = "".join(json.dumps({"id": i, "text": t}, ensure_ascii=False) + "\n" for i, t in enumerate(texts))
    done = run("sample", given, "-n", 5, input=piped)
    assert done.returncode == 0, done.stderr
    made = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(made) == 5
    assert all(texts[int(t["id"])] == t["text"] for t in made)


def test_loop(run: Run, tmp_path: Path) -> None:
    """With labelled data of any taxonomy a model is made of it, tasks carry what it predicts, and the advice says what was gained."""
    pile = jsonl(tmp_path / "pile.jsonl", [{"id": i, "text": t} for i, t in enumerate(pile_of(SKEWED)[0])])
    out = tmp_path / "tasks.jsonl"
    done = run("sample", pile, "--taxonomy", OWN, "--labelled", FEEDBACK, "-n", 10, "-o", out)
    assert done.returncode == 0, done.stderr
    made = tasks(out)
    assert [t["batch"] for t in made] == [2] * 10
    assert all({"tema", "kanal", "klage", "tone"} & t["predicted"].keys() for t in made)
    assert all(re.match("modellen er i tvil om|kan være|ligner på", t["reason"]) for t in made)
    said = done.stdout.splitlines()
    assert re.match(r"De siste 10 merkede tekstene ga [+−]?0,\d{3} \(95 %: [+−]?0,\d{3} til [+−]?0,\d{3}\) i makro-F1", said[1])
    assert re.match(r"De neste 10 ventes å gi [+]?0,\d{3} .*, hundre til [+]?0,\d{3}", said[2])
    assert re.match(r"Råd: (fortsett|snart på tide|på tide)", said[3])


def test_too_little_labelled(run: Run, tmp_path: Path) -> None:
    """A handful of labelled texts is no error: a cold start, and the advice says that it is too early to tell."""
    few = jsonl(tmp_path / "few.jsonl", tasks(FEEDBACK)[:5])
    pile = jsonl(tmp_path / "pile.jsonl", [{"id": i, "text": t} for i, t in enumerate(pile_of(SKEWED)[0])])
    done = run("sample", pile, "--taxonomy", OWN, "--labelled", few, "-n", 4, "-o", tmp_path / "t.jsonl", "--language", "nn")
    assert done.returncode == 0, done.stderr
    assert "no model yet" in done.stdout
    assert "For få merkte tekstar (5)" in done.stdout
    assert all("predicted" not in t and re.match("liknar|står for", t["reason"]) for t in tasks(tmp_path / "t.jsonl"))


def test_shipped_model(run: Run, tmp_path: Path) -> None:
    """`--model shipped` begins with the model that comes with the package, without labelled data."""
    done = run("sample", ROOT / "examples/projects.csv", "-n", 5, "--model", "shipped", "-o", tmp_path / "t.jsonl")
    assert done.returncode == 0, done.stderr
    made = tasks(tmp_path / "t.jsonl")
    assert len(made) == 5
    assert all(t["predicted"]["model"].startswith("default") for t in made)
    assert not any("eksempler" in t["reason"] for t in made)


WRONG: dict[str, tuple[list[Any], str]] = {
    "no such file": (["no.csv"], "no.csv: no such file"),
    "another form of output": (["in.jsonl", "-o", "t.csv"], r"t\.csv: tasks are JSON lines"),
    "output exists": (["in.jsonl", "-o", "in.jsonl"], r"in\.jsonl: exists already; --force"),
    "no such folder": (["in.jsonl", "-o", "no/t.jsonl"], "the folder no does not exist"),
    "model and taxonomy": (["in.jsonl", "--model", "shipped", "--taxonomy", OWN], "--model and --taxonomy: give one"),
    "no model": (["in.jsonl", "--model", "no"], "no: not a model folder"),
    "none asked for": (["in.jsonl", "-n", "0"], "-n"),
    "labels of another taxonomy": (["in.jsonl", "--labelled", FEEDBACK], "none of the facets"),
    "no text column": (["in.jsonl", "--text-column", "prosa"], "no column 'prosa'"),
}


@pytest.mark.parametrize(("args", "pattern"), WRONG.values(), ids=WRONG)
def test_errors(run: Run, tmp_path: Path, args: list[Any], pattern: str) -> None:
    """What a user can get wrong is told in one message without a traceback, exit code 2, and nothing is written."""
    jsonl(tmp_path / "in.jsonl", [{"id": 1, "text": "Bussen kom for sent."}])
    done = run("sample", *args, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("innovasjon: ")
    assert re.search(pattern, done.stderr), done.stderr
    assert "Traceback" not in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["in.jsonl"]


# What more labels would give


@given(st.floats(0.3, 0.95), st.floats(0.5, 3), st.sampled_from([0.3, 0.5, 1.0]), st.integers(1, 500))
def test_power_law_is_continued(a: float, b: float, c: float, more: int) -> None:
    """A curve that is an inverse power law is continued as it goes on."""
    sizes = np.array([50.0, 100, 200, 400])
    values = a - b * sizes**-c
    told = gain.continued(sizes, np.tile(values, (5, 1)), 400 + more)
    assert told == pytest.approx(b * (400**-c - (400.0 + more) ** -c), abs=0.004)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=5), st.integers(1, 1000))
def test_gain_is_within_reason(values: list[float], more: int) -> None:
    """Whatever the curve, more texts are never expected to harm, nor to lift F1 above one; a single point tells nothing."""
    sizes = np.array([20.0 * 2**i for i in range(len(values))])
    told = gain.continued(sizes, np.array([values] * 3), sizes[-1] + more)
    if len(values) == 1:
        assert np.isnan(told).all()
    else:
        assert ((told >= 0) & (told <= 1)).all()


def test_batches() -> None:
    """The batches are those of the key `batch`, in their order (10 after 2), else the last texts are the last batch."""
    named = [{"id": i, "batch": b} for i, b in enumerate([10] * 30 + [2] * 30 + [1] * 30)]
    records, sizes = gain.batches_of(named, 50)
    assert [r["batch"] for r in records] == [1] * 30 + [2] * 30 + [10] * 30
    assert sizes == [30, 60, 90]
    plain = [{"id": i} for i in range(200)]
    assert gain.batches_of(plain, 50) == (plain, [25, 50, 100, 150, 200])
    assert gain.batches_of(plain[:25], 50)[1] == [25]


CURVES = [([0.1, 0.3, 0.6], 6000, "go_on"), ([0.1, 0.3, 0.6], 300, "go_on_unsure"), ([0.7, 0.7, 0.7], 600, "stop")]


@pytest.mark.parametrize(("gains", "texts", "verdict"), CURVES)
def test_advice(gains: list[float], texts: int, verdict: str) -> None:
    """A curve that still climbs says go on, with doubt where it is judged by few texts; a flat one says stop."""
    facets = taxonomy.parse({"facet": {"a": {"label": {"x": {}}}}})
    counts = np.zeros((3, texts, 1, 3))
    for step, share in enumerate(gains):
        right = int(texts * share)
        counts[step, :right, 0, 0] = 1
        counts[step, right:, 0, 2] = 1
    told = gain.advice(gain.Curve(facets, [100, 200, 400], np.array([[100], [200], [400]]), counts), 50)
    assert told is not None
    assert told.verdict == verdict
    assert told.last == 200
    assert told.gained.low <= told.gained.value <= told.gained.high
    f1 = [2 * g / (1 + g) for g in gains]
    assert told.gained.value == pytest.approx(f1[2] - f1[1], abs=0.01)
    for language in ("nb", "nn", "en"):
        said = wording.advised(told, 400, facets, language).splitlines()
        assert len(said) == 3
        assert all(s and "{" not in s for s in said)


def test_wording_is_whole() -> None:
    """Every sentence stands in every language, with the same places to fill."""
    texts = wording._texts()
    places = {lang: {key: set(re.findall(r"{\w+}", text)) for key, text in table.items()} for lang, table in texts.items()}
    assert places["nb"] == places["nn"] == places["en"]


def test_reasons_in_every_language() -> None:
    """A reason names facet and label in the language asked for."""
    facets = taxonomy.shipped()
    choice = Choice(0, "uncertain", {"column": 0, "p": 0.25, "t": 0.3, "examples": 4})
    label = facets.facets[0].labels[0]
    for language, decimal in (("nb", "0,25"), ("nn", "0,25"), ("en", "0.25")):
        said = wording.why(choice, facets, language)
        assert label.name(language) in said
        assert decimal in said
        assert "\n" not in said


def test_train_report(run: Run, tmp_path: Path) -> None:
    """`train --report` writes the curve and, for every label, what a hundred more of it would give, with an interval; any taxonomy."""
    report, facets = tmp_path / "curve.json", taxonomy.read(OWN)
    done = run("train", FEEDBACK, "--taxonomy", OWN, "-o", tmp_path / "m", "--report", report)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "m/model.json").exists()
    told = json.loads(report.read_text(encoding="utf-8"))
    assert told["documents"] == 48
    assert [f["facet"] for f in told["facets"]] == [f.code for f in facets.facets]
    assert [(r["facet"], r["label"]) for r in told["labels"]] == [(f.code, code) for f in facets.facets for code in f.codes]
    for row in told["labels"]:
        if not row["f1"]:  # never found: nothing is told of it
            assert row["gain_with_label"] is None
            continue
        low, high = row["gain_with_label"]["interval"]
        assert -1 <= low <= row["gain_with_label"]["value"] <= high <= 1
    assert wording.report(told, facets, "nb") in done.stdout
    for language, words in (("nb", "100 tekster til som har merkelappen"), ("nn", "100 tekstar til"), ("en", "100 more texts that have")):
        text = wording.report(told, facets, language)
        assert words in text
        assert "Cortes" in text
        assert all(facet.name(language) in text for facet in facets.facets)


def test_train_report_errors(run: Run, tmp_path: Path) -> None:
    """A report of another form, or one that exists, is refused before any training."""
    for name, pattern in (("r.pdf", "written as .md or .json"), ("old.md", "exists already")):
        (tmp_path / "old.md").write_text("x", encoding="utf-8")
        done = run("train", FEEDBACK, "--taxonomy", OWN, "-o", tmp_path / "m", "--report", tmp_path / name)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert pattern in done.stderr
        assert not (tmp_path / "m").exists()


@pytest.mark.slow
def test_large_pile(run: Run, tmp_path: Path) -> None:
    """Twenty thousand texts take less than two minutes, with the shipped model too."""
    records = [json.loads(line)["text"] for line in (ROOT / "labelled_data/train.jsonl").read_text(encoding="utf-8").splitlines()]
    pile = jsonl(tmp_path / "pile.jsonl", [{"id": i, "text": f"{records[i % len(records)]} {i}"} for i in range(20_000)])
    for options in ([], ["--model", "shipped"]):
        done = run("sample", pile, "-n", 50, *options)
        assert done.returncode == 0, done.stderr
        assert len(done.stdout.splitlines()) == 50
