"""The pages of `report` and `evaluate --report`, as files: what stands in them, what must not, and that they need nothing else."""

import base64
import csv
import hashlib
import json
import re
import tomllib
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier import batch, storage
from classifier.documents import open_sources
from classifier.documents.results import Result, open_results
from classifier.evaluation import METRICS
from classifier.mistakes import confusions, decisions, marked, worst
from classifier.preprocessing import sentences
from classifier.prevalence.tables import basis
from classifier.report import labelled as report
from classifier.report.blocks import pieces
from classifier.report.groups import MOST_GROUPS, groups
from classifier.report.rows import placing
from classifier.report.wording import asset, ordered, wording
from classifier.taxonomy import parse

ROOT = Path(__file__).parent.parent
PROJECTS = ROOT / "examples/projects.csv"
Run = Callable[..., Any]
VOID = {"meta", "input", "br", "link", "img", "hr"}


class Page(HTMLParser):
    """The page as a browser reads it: elements with their attributes and parents, text by element."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.source = path.read_text(encoding="utf-8")
        self.elements: list[tuple[str, dict[str, str], tuple[int, ...]]] = []
        self.texts: dict[int, str] = {}
        self.open: list[int] = []
        self.feed(self.source)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {k: v or "" for k, v in attributes}, tuple(self.open)))
        if tag not in VOID:
            self.open.append(len(self.elements) - 1)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {k: v or "" for k, v in attributes}, tuple(self.open)))

    def handle_endtag(self, tag: str) -> None:
        assert self.elements[self.open[-1]][0] == tag, (tag, self.getpos())
        self.open.pop()

    def handle_data(self, text: str) -> None:
        for at in self.open:
            self.texts[at] = self.texts.get(at, "") + text

    def all(self, tag: str) -> list[tuple[int, dict[str, str]]]:
        return [(i, attributes) for i, (name, attributes, _) in enumerate(self.elements) if name == tag]

    def data(self) -> dict[str, Any]:
        """What the script reads."""
        (at,) = [i for i, a in self.all("script") if a.get("type") == "application/json"]
        made: dict[str, Any] = json.loads(self.texts[at])
        return made

    def table(self, caption: str) -> list[list[str]]:
        """The cells of the first table whose caption begins so."""
        at = next(i for i, _ in self.all("caption") if self.texts[i].startswith(caption))
        (*_, table) = [p for p in self.elements[at][2] if self.elements[p][0] == "table"]
        rows = [i for i, _ in self.all("tr") if table in self.elements[i][2]]
        cells = [(i, e[2][-1]) for i, e in enumerate(self.elements) if e[0] in ("th", "td")]
        return [[" ".join(self.texts.get(i, "").split()) for i, row in cells if row == r] for r in rows]


def made(rows: Path, page: Path, by: tuple[str, ...] = ("fylke", "år"), language: str = "nb", texts: bool = True) -> Page:
    """The page of labelled rows, without a process of its own."""
    model = storage.shipped()
    results = open_results(str(rows), model.taxonomy)
    html = report.page(results.rows, rows.name, model, model.errors, basis(str(model), 3174, None, language), by, language, texts)
    page.write_text(html, encoding="utf-8")
    return Page(page)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example projects labelled in two formats, and pages made of them; tests only read it."""
    folder = tmp_path_factory.mktemp("pages")
    lines = PROJECTS.read_text(encoding="utf-8-sig").splitlines()
    rows = list(csv.reader(lines, delimiter=";"))
    with (folder / "in.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=";").writerows([[*row, "fylke" if not i else f"Fylke {i % 3}"] for i, row in enumerate(rows)])
    for name in ("made.jsonl", "made.csv"):
        batch.label(open_sources([str(folder / "in.csv")]), folder / name, storage.shipped())
    made(folder / "made.jsonl", folder / "nb.html")
    made(folder / "made.csv", folder / "csv.html", by=())
    made(folder / "made.jsonl", folder / "without.html", by=(), texts=False)
    made(folder / "made.jsonl", folder / "nn.html", by=(), language="nn")
    made(folder / "made.jsonl", folder / "en.html", by=(), language="en")
    return folder


@pytest.fixture(scope="session")
def page(folder: Path) -> Page:
    return Page(folder / "nb.html")


def labelled(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "made.jsonl").read_text(encoding="utf-8").splitlines()]


# What a page is


@pytest.mark.parametrize("name", ["nb", "csv", "without"])
def test_needs_nothing_else(folder: Path, name: str) -> None:
    """The page loads nothing: no address of any kind in it, a policy that forbids all but its own script, which is the one hashed."""
    page = Page(folder / f"{name}.html")
    links = [a[key] for _, a, _ in page.elements for key in ("href", "src", "action", "xlink:href") if key in a]
    assert all(link.startswith("#") for link in links)
    ids = {a["id"] for _, a, _ in page.elements if "id" in a}
    assert {link[1:] for link in links} <= ids
    assert not re.search(r"url\((?!#)|@import|\bfetch\(|XMLHttpRequest|\bimport\(", page.source)
    (policy,) = [a["content"] for _, a in page.all("meta") if a.get("http-equiv") == "Content-Security-Policy"]
    script = page.texts[next(i for i, a in page.all("script") if "type" not in a)]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy.startswith("default-src 'none'; ")
    assert f"script-src 'sha256-{digest}';" in policy


def test_ids_are_unique(page: Page) -> None:
    """No id stands twice, those inside pictures neither, and what is referred to is there."""
    ids = Counter(a["id"] for _, a, _ in page.elements if "id" in a)
    assert max(ids.values()) == 1
    assert {r for _, a, _ in page.elements for k in ("aria-labelledby", "for") for r in a.get(k, "").split()} <= ids.keys()


@pytest.mark.parametrize("name", ["nb", "csv", "without"])
def test_every_picture_has_its_table(folder: Path, name: str) -> None:
    """Every picture is told by a title and a description, and stands in a figure with a table of what it shows."""
    page = Page(folder / f"{name}.html")
    pictures = [(i, a) for i, a in page.all("svg") if a.get("role") == "img"]
    assert len(pictures) >= 8
    assert len(pictures) == len(page.all("svg"))
    for at, attributes in pictures:
        title, description = attributes["aria-labelledby"].split()
        inside = {a.get("id"): page.texts.get(i, "") for i, (_, a, parents) in enumerate(page.elements) if at in parents}
        assert len(inside[title]) > 3
        assert len(inside[description]) > 40
        (figure,) = [p for p in page.elements[at][2] if page.elements[p][0] == "figure"]
        assert [i for i, _ in page.all("table") if figure in page.elements[i][2]]


@pytest.mark.parametrize("language", ["nb", "nn", "en"])
def test_languages(folder: Path, language: str) -> None:
    """`--language` decides the page's words, its names of labels and how its numbers are written."""
    page = Page(folder / f"{language}.html")
    assert page.all("html")[0][1]["lang"] == language
    name = {"nb": "Tjenesteinnovasjon", "nn": "Tenesteinnovasjon", "en": "Service innovation"}[language]
    caption = wording(language).say("raw_caption", facet={"en": "Type of innovation"}.get(language, "Innovasjonstype"))
    rows = page.table(caption)
    assert rows[1][0] == name
    assert rows[1][2].endswith("%")
    assert ("\u00a0%" in rows[1][2] or " %" in rows[1][2]) == (language != "en")


def test_wordings_agree() -> None:
    """The three languages have the same keys with the same numbers to put in, and every key is used."""
    texts = {language: tomllib.loads(asset(f"{language}.toml")) for language in ("nb", "nn", "en")}
    for told in texts.values():
        assert told.keys() == texts["nb"].keys()
        for key, text in told.items():
            assert sorted(re.findall(r"\{(\w+)\}", text)) == sorted(re.findall(r"\{(\w+)\}", texts["nb"][key])), key
    code = "".join(p.read_text(encoding="utf-8") for p in (ROOT / "classifier/report").glob("*.py")) + asset("page.html.jinja")
    composed = {"facet_multi", "facet_single", "facet_sentence", "part_lang", "part_genre", "part_source", *METRICS}
    assert [key for key in texts["nb"] if key not in composed and not re.search(rf"\b{key}\b", code)] == []


# What stands in a report


def test_counts_are_those_of_the_rows(folder: Path, page: Page) -> None:
    """The counts of the page are those of the file it was made of, overall and by year."""
    rows = [r for r in labelled(folder) if r["beskrivelse"].strip()]
    told = {row[0]: row for row in page.table("Innovasjonstype: andel")}
    by_year = page.table("Innovasjonstype etter år")
    for code, name in (("tjeneste", "Tjenesteinnovasjon"), ("prosess", "Prosessinnovasjon")):
        having = [r for r in rows if code in [x["label"] for x in r["type"]]]
        assert told[name][1] == str(len(having))
        years = Counter(r["år"] for r in having)
        column = by_year[0].index(name)
        assert [row[0] for row in by_year[2:]] == sorted({r["år"] for r in rows})
        for row in by_year[2:]:
            assert row[column].split()[0] == str(years[row[0]])
    sentences_told = sum(int(row[5]) for row in page.table("Barriere: andel")[1:])
    assert sentences_told == sum(len(span["labels"]) for r in rows for span in r["barriere"])


def test_shares_are_those_of_summarise(folder: Path, tmp_path: Path, run: Run, page: Page) -> None:
    """Corrected shares and their intervals, overall and by year, are the figures that `summarise` gives."""
    done = run("summarise", folder / "made.jsonl", "--by", "år", "-o", tmp_path / "s.json")
    assert done.returncode == 0, done.stderr
    shares = json.loads((tmp_path / "s.json").read_text(encoding="utf-8"))["shares"]

    def same(told: str, *values: float) -> bool:
        """The file has four decimals and the page whole per cents, so a half may go either way."""
        numbers = [int(n) for n in re.findall(r"\d+", told)]
        return len(numbers) == len(values) and all(abs(n - 100 * v) < 0.51 for n, v in zip(numbers, values, strict=True))

    overall = {row[0]: row for row in page.table("Innovasjonstype: andel")}
    by_year = page.table("Innovasjonstype etter år")
    compared = 0
    for share in (s for s in shares if s["facet"] == "type"):
        values = share["corrected"], share["lower"], share["upper"]
        if share["group"]:
            row = next(row for row in by_year if row[0] == share["group"]["år"])
            counted, told = row[by_year[0].index(share["name"])].split(" ", 1)
            assert (int(counted), same(told, *values)) == (share["counted"], True)
        else:
            assert same(" ".join(overall[share["name"]][3:5]), *values)
        compared += 1
    assert compared == 30


def test_errors_are_those_the_model_knows(page: Page) -> None:
    """What the page says of the errors of every label adds up to the texts that they were counted on, single choices too."""
    errors = storage.shipped().errors
    told = {row[0]: row for row in page.table("Terskler og feil")[1:]}
    facet = storage.shipped().taxonomy["fase"]
    counts = errors["fase"].decisions().counts
    assert counts.shape == (len(facet.codes), len(facet.codes))
    for k, label in enumerate(facet.labels):
        assert told[f"Fase: {label.name()}"][3] == f"{100 * counts[k, k] / counts[k].sum():.0f} %"
        assert "".join(told[f"Fase: {label.name()}"][5].split()) == str(counts[k].sum())
    hit = errors["type.prosess"].decisions().counts
    assert told["Innovasjonstype: Prosessinnovasjon"][3] == f"{100 * hit[1, 1] / hit[1].sum():.0f} %"


def test_words_and_sentences_behind_the_figures(folder: Path, page: Page) -> None:
    """Each row's text, labels, words and sentences are in the page, at the right places as a browser counts them."""
    data, rows = page.data(), labelled(folder)
    assert data["id"] == [r["id"] for r in rows]
    assert data["text"] == [r["beskrivelse"] for r in rows]
    units = [text.encode("utf-16-le") for text in data["text"]]
    cut = lambda i, a, b: units[i][2 * a : 2 * b].decode("utf-16-le")  # noqa: E731
    names = {x["label"] for r in rows for x in r["type"]}
    assert names
    for i, row in enumerate(rows):
        words = [row["beskrivelse"][e["start"] : e["end"]] for x in row["type"] for e in x["evidence"]]
        shown = [cut(i, *pair) for _, _, *flat in data["given"][i] for pair in zip(flat[::2], flat[1::2], strict=True)]
        assert set(words) <= set(shown)
        assert [cut(i, a, b) for a, b, _ in data["spans"][i]] == [span["text"] for span in row["barriere"]]
        cuts = [cut(i, *pair) for pair in zip(data["cuts"][i][::2], data["cuts"][i][1::2], strict=True)]
        assert set(cuts) <= {row["beskrivelse"][a:b] for a, b in sentences(row["beskrivelse"])}
        assert all(any(word in c for c in cuts) for word in words)


def test_tables_give_the_same_report(folder: Path, page: Page) -> None:
    """A CSV gives the same counts, and the sentences; it has no words to mark, which the page says."""
    other = Page(folder / "csv.html")
    for caption in ("Innovasjonstype: andel", "Barriere: andel", "Fase: andel"):
        assert [row[:3] for row in page.table(caption)] == [row[:3] for row in other.table(caption)]
    data = other.data()
    quoted = [span[0] for spans in data["spans"] for span in spans]
    assert quoted == [" ".join(span["text"].split()) for r in labelled(folder) for span in r["barriere"]]
    assert all(len(given) == 2 for row in data["given"] for given in row)
    assert wording("nb")["texts_plain"] in unescape(other.source)


def test_without_texts(folder: Path, page: Page) -> None:
    """`--without-texts`: no text, no sentence and no marked word of the input is anywhere in the page, and its figures are the same."""
    bare = Page(folder / "without.html")
    data = bare.data()
    strings = [unescape(bare.source), json.dumps(data, ensure_ascii=False)]
    for row in labelled(folder):
        for start, end in sentences(row["beskrivelse"]):
            sentence = row["beskrivelse"][start:end]
            assert not any(sentence in s for s in strings), sentence
    assert not {"text", "cuts", "spoken"} & data.keys()
    assert all(len(given) == 2 for row in data["given"] for given in row)
    assert not any(data["spans"])
    assert bare.table("Barriere: andel") == page.table("Barriere: andel")


@pytest.mark.filterwarnings("error")
def test_nothing_of_the_input_is_markup(tmp_path: Path) -> None:
    """Texts, ids and groups may hold anything: markup stays text, and the page stays whole."""
    evil = '</script><script>alert("1")</script><!-- <b>&amp; \u2028 😀 {{ 7 * 7 }}'
    text = f"Kommunen har tatt i bruk en app {evil}. Lovverket gjør det vanskelig {evil}."
    rows = [{"id": f"{evil}{i}", "tekst": text, "<i>etat</i>": f"{evil}\x01\ud800 日本 $x^2${i % 2}"} for i in range(12)]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    batch.label(open_sources([str(tmp_path / "in.jsonl")]), tmp_path / "out.jsonl", storage.shipped())
    page = made(tmp_path / "out.jsonl", tmp_path / "r.html", ("<i>etat</i>",))
    assert [a.get("type") for _, a in page.all("script")] == ["application/json", None]
    assert not page.all("b")
    assert page.data()["text"] == [r["tekst"] for r in rows]
    assert page.data()["id"] == [r["id"] for r in rows]
    told = [row[0] for row in page.table("Innovasjonstype etter <i>etat</i>")[2:]]
    assert told == [" ".join(f"{evil}\ufffd\ufffd 日本 $x^2${i}".split()) for i in range(2)]


def test_own_taxonomy(run: Run, trained: Callable[[str], Path], tmp_path: Path) -> None:
    """A model with facets of its own gives a report and an evaluation page with these, and no verdict."""
    data = ROOT / "tests/data/feedback.jsonl"
    model = trained("feedback")
    batch.label(open_sources([str(data)]), tmp_path / "l.jsonl", storage.load(model))
    done = run("report", tmp_path / "l.jsonl", "--model", model, "--language", "en")
    assert done.returncode == 0, done.stderr
    page = Page(tmp_path / "report.html")
    facets = tomllib.loads((ROOT / "tests/data/feedback.toml").read_text(encoding="utf-8"))["facet"]
    assert {a["id"] for _, a in page.all("section")} >= {f"facet-{code}" for code in facets} | {"texts", "review", "how"}
    assert "innovasjon" not in {a["id"] for _, a in page.all("section")}
    assert not [1 for _, a in page.all("select") if a["id"] == "verdict"]
    done = run("evaluate", data, "--model", model, "--report", tmp_path / "e.html")
    assert done.returncode == 0, done.stderr
    assert Page(tmp_path / "e.html").all("svg")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["made.jsonl", "--by", "etat"], r"--by etat: .* no such column; its columns are: .*virksomhet"),
        (["made.jsonl", "--by", "beskrivelse"], "is the column of texts"),
        (["made.jsonl", "-o", "nb.html"], "exists already; --force replaces it"),
        (["made.jsonl", "-o", "no/such.html"], "the folder no does not exist"),
        (["none.jsonl", "-o", "x.html"], "no such file"),
        ([str(PROJECTS), "-o", "x.html"], "not made by `label`"),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, list) else "",
)
def test_faults_are_told(folder: Path, run: Run, args: list[str], said: str) -> None:
    """What a user can get wrong is one line that says so, exit code 2, and nothing is written."""
    before = sorted(folder.iterdir())
    done = run("report", *args, cwd=folder)
    assert done.returncode == 2
    assert re.fullmatch(r"innovasjon: [^\n]+\n", done.stderr)
    assert re.search(said, done.stderr), done.stderr
    assert sorted(folder.iterdir()) == before


# Columns to count by


def rows_of(values: list[Any]) -> list[Result]:
    return [Result(str(i), "", {"c": v}, {}, {}, {}, {}, None, (), (), "nb", "m") for i, v in enumerate(values)]


@pytest.mark.parametrize(
    ("values", "order", "timed"),
    [
        (["2021", 2019, 2020.0, ""], ["2019", "2020", "2021", "ikke oppgitt"], True),
        ([date(2020, 5, 17), datetime(2019, 1, 1, 12)], ["2019", "2020"], True),
        (["17.5.2021", "1.12.2020"], ["2020", "2021"], True),
        (["2021-02", "2020-11"], ["2020-11", "2021-02"], True),
        (["2021-02-03T10:00", "2020-11-30"], ["2020", "2021"], True),
        (["2021", "før 2000"], ["2021", "før 2000"], False),
        (["Ås", "Øygarden", "Ærøy", "Bø", None], ["Bø", "Ærøy", "Øygarden", "Ås", "ikke oppgitt"], False),
        (["Bydel 10", "Bydel 9"], ["Bydel 9", "Bydel 10"], False),
    ],
)
def test_groups(values: list[Any], order: list[str], timed: bool) -> None:
    """Years, months and dates, however the file writes them, make an ordered time; words are sorted as Norwegians sort."""
    made = groups(rows_of(values), "c", wording("nb"))
    assert made.order == made.choices == order
    assert bool(made.times) == timed
    assert sorted(made.times.values()) == [made.times[name] for name in order if name in made.times]


def test_small_groups_stand_together() -> None:
    """Of very many groups the largest stand by themselves, and every row is counted in one."""
    values = [f"g{i}" for i in range(60) for _ in range(60 - i)]
    made = groups(rows_of(values), "c", wording("nb"))
    assert len(made.order) == MOST_GROUPS + 1
    assert Counter(made.counted)["Andre (20)"] == sum(range(1, 21))
    assert len(made.choices) == 60
    assert made.values == values


@given(st.lists(st.text()))
def test_sorting_is_total(values: list[str]) -> None:
    """Any names can be sorted, and none is lost."""
    assert Counter(ordered(values)) == Counter(values)


@given(st.text(st.characters(exclude_categories=["Cs"])), st.data())
def test_offsets_are_utf_16(text: str, data: Any) -> None:
    """Offsets in a page count as browsers do."""
    at = data.draw(st.integers(0, len(text)))
    assert placing(text)(at) == len(text[:at].encode("utf-16-le")) // 2


@given(st.text(), st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20))))
def test_pieces_are_the_text(text: str, spans: list[tuple[int, int]]) -> None:
    """A text cut for marking is the text."""
    kept = sorted((min(a, b, len(text)), min(max(a, b), len(text))) for a, b in spans)
    assert "".join(piece for piece, _ in pieces(text, kept)) == text


# Evaluation

TAXONOMY = parse({"facet": {
    "t": {"label": {"a": {}, "b": {}}},
    "f": {"choice": "single", "default": "y", "label": {"x": {}, "y": {}}},
    "s": {"unit": "sentence", "label": {"k": {}}},
}})  # fmt: skip
GOLD = [
    {"t": ["a"], "f": "x", "s": [{"start": 0, "end": 4, "labels": ["k"]}]},
    {"t": ["a"], "f": "y", "s": []},
    {"t": ["b"], "s": [{"start": 2, "end": 3, "labels": ["k"]}]},
]


def predicted(t: list[str], f: str, s: int, a: float, b: float) -> dict[str, Any]:
    marks = [{"start": 1, "end": 2, "weight": 1.0}]
    return {
        "t": [{"label": x, "probability": 0.5, "evidence": marks} for x in t],
        "f": {"label": f, "probability": 0.6},
        "s": [{"start": 0, "end": 4, "labels": [{"label": "k", "probability": 0.5, "evidence": marks}]}] * s,
        "scores": {"t": {"a": a, "b": b}, "f": {"x": 0.4, "y": 0.6}, "s": {"k": 0.5 * s}},
    }


PREDICTED = [predicted(["b"], "y", 1, 0.2, 0.9), predicted(["a", "b"], "y", 0, 0.8, 0.7), predicted(["b"], "x", 0, 0.1, 0.6)]


def test_mistakes_by_hand() -> None:
    """What is missed while another is given, what stands alone, which errors are worst, and what is marked in them."""
    found = list(decisions(GOLD, PREDICTED, TAXONOMY))
    assert len(found) == 3 * 2 + 2 * 2 + 3  # the third document is not annotated for f
    tables = confusions(found, TAXONOMY)
    assert tables["t"].tolist() == [[0, 1, 0], [0, 0, 0], [0, 1, 0]]  # once b for a, once b beside a
    assert tables["f"].tolist() == [[0, 1, 0], [0, 0, 0], [0, 0, 0]]
    assert tables["s"].tolist() == [[0, 1], [0, 0]]
    errors = worst(found, 1)
    assert [(d.at, d.given) for d in errors["t", "b"]] == [(0, True)]
    assert [(d.at, d.given) for d in errors["t", "a"]] == [(0, False)]
    (missed,) = errors["s", "k"]
    assert marked(missed, GOLD[2], PREDICTED[2], TAXONOMY["s"]) == [(2, 3)]
    assert marked(errors["t", "b"][0], GOLD[0], PREDICTED[0], TAXONOMY["t"]) == [(1, 2)]


@pytest.fixture(scope="session")
def evaluation(tmp_path_factory: pytest.TempPathFactory, run: Run) -> Path:
    """An evaluation page of 70 test texts with a learning curve, and the figures it was made of."""
    folder = tmp_path_factory.mktemp("evaluation")
    lines = (ROOT / "labelled_data/test.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    (folder / "gold.jsonl").write_text("".join(lines[::12]), encoding="utf-8")
    done = run(
        "evaluate", folder / "gold.jsonl", "--report", folder / "e.html", "--json", folder / "e.json",
        "--curve", ROOT / "labelled_data/learning_curve.json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


def test_evaluation_page(evaluation: Path) -> None:
    """Every label has its figures as `--json` tells them, and every section of the page is there."""
    page, figures = Page(evaluation / "e.html"), json.loads((evaluation / "e.json").read_text(encoding="utf-8"))
    sections = [a["id"] for _, a in page.all("section")]
    assert sections == ["figures", "labels", "confusion", "calibration", "coverage", "learning", "parts", "worst"]
    told = {row[0]: row for row in page.table("Innovasjonstype: presisjon")}
    row = next(r for r in figures["labels"] if r["label"] == "prosess")
    low, high = row["intervals"]["f1"]
    assert low <= row["f1"] <= high
    assert told["Prosessinnovasjon"][1] == str(row["n"])
    assert told["Prosessinnovasjon"][4] == f"{row['f1']:.2f} ({low:.2f}–{high:.2f})".replace(".", ",")


def test_evaluation_is_not_replaced(evaluation: Path, run: Run) -> None:
    """A page that exists is kept without `--force`, and a file that is no learning curve is told of before the work."""
    for args, said in (
        (["--report", evaluation / "e.html"], "exists already; --force"),
        (["--report", evaluation / "x.html", "--curve", evaluation / "e.json"], "not a learning curve"),
        (["--report", evaluation / "x.html", "--curve", evaluation / "none.json"], "cannot read"),
    ):
        done = run("evaluate", evaluation / "gold.jsonl", *args)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert said in done.stderr
        assert not done.stdout
