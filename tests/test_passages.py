"""Long documents: what becomes a passage, what does not, and that nothing is lost; by real files and real runs of `label`."""

import csv
import io
import json
import re
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docx
import pytest
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import nsdecls
from hypothesis import given, settings
from hypothesis import strategies as st
from reportlab.lib.pagesizes import A4
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

from classifier import Prediction, taxonomy
from classifier.documents import Row, open_sources
from classifier.documents.passages import cutting, layout
from classifier.documents.passages.blocks import Block
from classifier.documents.passages.files import describes_project, named
from classifier.errors import ClassifierError

Run = Callable[..., "subprocess.CompletedProcess[str]"]

TILSYN = (
    "Hjemmetjenesten i Fjellvik har tatt i bruk digitalt tilsyn i samtlige omsorgsboliger, og natterundene er færre enn før. "
    "Medarbeiderne følger med på en skjerm på vaktrommet. Opplæringen tok lengre tid enn beregnet, og lovverket gjorde det vanskelig "
    "å dele helseopplysninger mellom tjenestene, slik at innføringen stoppet opp i to måneder."
)
BYGGESAK = (
    "Fire kommunar prøver ut ein felles portal der innbyggjarane sender byggjesøknader. Sakshandsaminga går raskare, men "
    "prosjektpengane tok slutt i juni, og kommunane har ikkje råd til å drive portalen vidare utan tilskot. Erfaringane skal "
    "oppsummerast i ein rapport som vert lagd fram for kommunestyret til hausten."
)
ORDINAER = (
    "Sykehjemmene fortsatte den ordinære driften gjennom året. Det ble avholdt seks møter i samarbeidsutvalget, og "
    "medarbeiderundersøkelsen ble gjennomført i oktober som vanlig. Sykefraværet var på samme nivå som året før, og regnskapet "
    "ble gjort opp i balanse. Revisjonen hadde ingen merknader til årsregnskapet."
)


def rows_of(*paths: Path, cut: bool = True) -> list[Row]:
    return list(open_sources([str(p) for p in paths], passages=cut).rows)


def column(rows: list[Row], name: str) -> list[Any]:
    return [row.fields[name] for row in rows]


def everything(rows: list[Row]) -> str:
    return "\n".join(f"{row.fields['overskrift']}\n{row.text}" for row in rows)


# PDF


class Pages:
    """A report as word processors print it: running head, page number, headings in larger letters, words broken at line ends."""

    def __init__(self, path: Path, head: str = "", columns: int = 1, across: bool = False) -> None:
        self.canvas, self.head, self.columns, self.across = Canvas(str(path), pagesize=A4), head, columns, across
        self.number, self.column = 0, 0
        self.width = (A4[0] - 120 - 20 * (columns - 1)) / columns
        self.turn()

    def turn(self) -> None:
        if self.number:
            self.canvas.showPage()
        self.number += 1
        self.column, self.y = 0, 760.0
        self.canvas.setFont("Helvetica", 8)
        self.canvas.drawString(60, 810, self.head)
        self.canvas.drawRightString(535, 30, f"Side {self.number}")

    def line(self, text: str, font: str = "Helvetica", size: float = 10, space: float = 1.3, indent: float = 0) -> None:
        if self.y < 70:
            self.column += 1
            self.y = 760.0
            if self.column == self.columns:
                self.turn()
        self.y -= size * space
        self.canvas.setFont(font, size)
        self.canvas.drawString(60 + indent + self.column * (self.width + 20), self.y, text)

    def heading(self, text: str, size: float = 14, font: str = "Helvetica-Bold") -> None:
        self.line(text, font, size, 2)
        self.y -= 4

    def paragraph(self, text: str, hyphen: int = 0, indent: float = 0) -> None:
        """Lines as wide as the column; the last word of every `hyphen`-th line is broken when it is long."""
        line, n, first = "", 0, True
        for word in text.split():
            if stringWidth(f"{line} {word}", "Helvetica", 10) > self.width - indent:
                n += 1
                if hyphen and n % hyphen == 0 and len(word) > 9 and word.isalpha():
                    self.line(f"{line} {word[:4]}-".strip(), space=1.8 if first else 1.2, indent=indent)
                    line = word[4:]
                else:
                    self.line(line, space=1.8 if first else 1.2, indent=indent)
                    line = word
                first = False
            else:
                line = f"{line} {word}".strip()
        self.line(line, space=1.8 if first else 1.2, indent=indent)

    def save(self) -> None:
        self.canvas.save()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An annual report of six pages with a cover, a table of contents, numbered headings, lists and two kinds of text."""
    path = tmp_path_factory.mktemp("pdf") / "årsrapport.pdf"
    pages = Pages(path, "Fjellvik kommune | Årsrapport 2024")
    pages.heading("Årsrapport 2024", 28)
    pages.turn()
    pages.heading("Innhold")
    for title, n in (("1 Innledning", 3), ("2 Digitale tenester", 4), ("2.1 Digitalt tilsyn", 4), ("2.2 Byggesak på nett", 5)):
        pages.line(title + " " + "." * (80 - len(title)) + f" {n}")
    pages.turn()
    pages.heading("1 Innledning", 18)
    pages.paragraph(ORDINAER, hyphen=2)
    pages.turn()
    pages.heading("2 Digitale tenester", 18)
    pages.heading("2.1 Digitalt tilsyn")
    pages.paragraph(TILSYN, hyphen=1)
    pages.paragraph("Tiltakene i året var:")
    for item in ("kurs for alle på vaktrommet", "nye sensorer i boligene", "en veileder til pårørende"):
        pages.paragraph(f"• {item}", indent=12)
    pages.turn()
    pages.heading("2.2 Byggesak på nett")
    pages.paragraph(BYGGESAK, hyphen=1)
    pages.turn()
    pages.heading("2.2.1 Veien videre", 11)
    pages.paragraph(ORDINAER)
    pages.save()
    return path


def test_pdf_passages(report: Path) -> None:
    """A report's passages are its paragraphs, whole, under their headings and with their pages."""
    rows = rows_of(report)
    assert column(rows, "overskrift") == [
        "Årsrapport 2024 › 1 Innledning",
        "Årsrapport 2024 › 2 Digitale tenester › 2.1 Digitalt tilsyn",
        "Årsrapport 2024 › 2 Digitale tenester › 2.2 Byggesak på nett",
        "Årsrapport 2024 › 2 Digitale tenester › 2.2 Byggesak på nett › 2.2.1 Veien videre",
    ]
    assert column(rows, "side") == [3, 4, 5, 6]
    items = "\n\nTiltakene i året var:\n• kurs for alle på vaktrommet\n• nye sensorer i boligene\n• en veileder til pårørende"
    assert column(rows, "tekst") == [ORDINAER, TILSYN + items, BYGGESAK, ORDINAER]
    assert column(rows, "avsnitt") == ["1", "2–6", "7", "8"]
    assert column(rows, "id") == [f"årsrapport-{n}" for n in (1, 2, 3, 4)]
    assert set(column(rows, "dokument")) == {"årsrapport.pdf"}


def test_pdf_without_noise(report: Path) -> None:
    """Running heads, page numbers and the table of contents are in no passage and in no heading."""
    text = everything(rows_of(report))
    assert "Fjellvik kommune |" not in text
    assert not re.search(r"Side \d|\.{3}|Innhold\b", text)


def test_pdf_paragraph_over_a_page(tmp_path: Path) -> None:
    """A sentence that a page break (with a foot and a head in between) cuts in two is one sentence again, in the middle of a word too."""
    path = tmp_path / "a.pdf"
    pages = Pages(path, "Et hode")
    for part in ("Kommunen har innført en ny ordning for til-", "syn med vann og avløp, og"):
        pages.line(part)
        pages.turn()
    pages.line("kostnadene er lavere.")
    pages.save()
    (row,) = rows_of(path)
    assert row.text == "Kommunen har innført en ny ordning for tilsyn med vann og avløp, og kostnadene er lavere."
    assert row.fields["side"] == 1


@pytest.mark.parametrize("across", [False, True], ids=["by column", "line by line"])
def test_pdf_two_columns(tmp_path: Path, across: bool) -> None:
    """Two columns are read one after the other, also where the file writes the lines across both."""
    path = tmp_path / "a.pdf"
    pages = Pages(path, columns=2)
    lines: list[list[str]] = []
    for text in (TILSYN, BYGGESAK):
        made, line = [], ""
        for word in text.split():
            if stringWidth(f"{line} {word}", "Helvetica", 10) > pages.width - 15:
                made.append(line)
                line = word
            else:
                line = f"{line} {word}".strip()
        lines.append([*made, line])
    heights = {(c, n): 700 - 13 * n for c, column in enumerate(lines) for n in range(len(column))}
    for c, n in sorted(heights, key=(lambda k: (k[1], k[0])) if across else None):
        pages.canvas.setFont("Helvetica", 10)
        pages.canvas.drawString(60 + c * (pages.width + 20), heights[c, n], lines[c][n])
    pages.save()
    text = "\n\n".join(column(rows_of(path), "tekst"))
    assert text.replace("\n\n", " ") == f"{TILSYN} {BYGGESAK}"


def test_pdf_contents_without_leaders(tmp_path: Path) -> None:
    """A table of contents with bare page numbers, with titles of two lines, is no passage; its titles make headings of body-size lines."""
    path = tmp_path / "a.pdf"
    pages = Pages(path)
    pages.line("Innhald", "Helvetica-Bold", 14)
    for title, n in (("Innleiing", 2), ("Ei lang overskrift om tenester som går", 0), ("over to linjer", 2), ("Vegen vidare", 3)):
        pages.line(title)
        if n:
            pages.canvas.drawRightString(500, pages.y, str(n))
    pages.turn()
    pages.line("Innleiing", space=2)
    pages.paragraph(BYGGESAK)
    pages.line("Vegen vidare", space=2)
    pages.paragraph(ORDINAER)
    pages.save()
    rows = rows_of(path)
    assert column(rows, "tekst") == [BYGGESAK, ORDINAER]
    assert column(rows, "overskrift") == ["Innleiing", "Vegen vidare"]


def test_text_contents_without_a_word(tmp_path: Path) -> None:
    """Three lines with leaders and rising numbers are a table of contents; an account with leaders, and dots at an end, are text."""
    contents = "Innledning ........ 2\nTilsyn .......... 3\nByggesak ......... 3\n\n"
    account = "Lønn ........ 900\nReiser ........ 85\nKurs ........ 700\n\n"
    (tmp_path / "a.txt").write_text(f"{contents}Tilsyn\n\n{TILSYN}\n\n{account}Vi gjør alt vi kan ....\n", encoding="utf-8")
    (row,) = rows_of(tmp_path / "a.txt")
    assert row.fields["overskrift"] == "Tilsyn"
    assert row.text == f"{TILSYN}\n\n{' '.join(account.split())}\n\nVi gjør alt vi kan ...."


def test_pdf_text_that_looks_like_contents(tmp_path: Path) -> None:
    """Sentences that end with a number are text, and a figure alone on a line inside a page is no page number."""
    path = tmp_path / "a.pdf"
    pages = Pages(path)
    pages.paragraph("Antallet søknader var i fjor 85. I år var det 90, og neste år venter vi 100")
    pages.line("120", space=3)
    pages.paragraph("søknader i en måned er mer enn vi kan behandle.")
    pages.save()
    assert "85. I år var det 90, og neste år venter vi 100" in everything(rows_of(path))
    assert "120" in everything(rows_of(path))


def test_pdf_damaged_page(tmp_path: Path) -> None:
    """A page that cannot be read is named in a last row; the others are read."""
    path = tmp_path / "a.pdf"
    pages = Pages(path)
    for text in (TILSYN, BYGGESAK, ORDINAER):
        pages.paragraph(text)
        pages.turn()
    pages.save()
    raw = path.read_bytes()
    second = raw.index(b"/Kids [") + raw[raw.index(b"/Kids [") :].index(b" R") + 3
    number = raw[second : raw.index(b" ", second)]
    path.write_bytes(raw.replace(b"\n" + number + b" 0 obj\n<<", b"\n" + number + b" 0 obj\n[[", 1))
    rows = rows_of(path)
    assert [r.text for r in rows] == [TILSYN, ORDINAER, ""]
    assert rows[-1].problem == "sider kan ikke leses: side 2"


def test_pdf_bold_headings_in_body_size(tmp_path: Path) -> None:
    """A bold line on its own is a heading; bold words inside a paragraph are not."""
    path = tmp_path / "a.pdf"
    pages = Pages(path)
    pages.line("Velferdsteknologi", "Helvetica-Bold", 10, 3)
    pages.paragraph(TILSYN)
    pages.y -= 12
    pages.canvas.setFont("Helvetica-Bold", 10)
    pages.y -= 12
    pages.canvas.drawString(60, pages.y, "Merk")
    pages.canvas.setFont("Helvetica", 10)
    pages.canvas.drawString(
        60 + stringWidth("Merk ", "Helvetica-Bold", 10), pages.y, "at fristen for å søke om støtte er første mars hvert år."
    )
    pages.save()
    (row,) = rows_of(path)
    assert row.fields["overskrift"] == "Velferdsteknologi"
    assert row.text == f"{TILSYN}\n\nMerk at fristen for å søke om støtte er første mars hvert år."


# DOCX


@pytest.fixture
def word(tmp_path: Path) -> Path:
    """A DOCX with a table of contents, numbered headings, lists, a table, head and foot, page breaks, insertions and form fields."""
    d = docx.Document()
    d.sections[0].header.paragraphs[0].text = "Fjellvik kommune"
    d.sections[0].footer.paragraphs[0].text = "Side 1"
    d.add_heading("Årsmelding", 0)
    for level in (1, 2):
        d.styles.add_style(f"toc {level}", 1)
    d.add_paragraph("1 Innleiing\t1", style="toc 1")
    d.add_paragraph("1.1 Byggesak\t2", style="toc 2")
    d.add_heading("1 Innleiing", 1)
    d.add_paragraph(ORDINAER)
    d.add_heading("1.1 Byggesak", 2)
    p = d.add_paragraph()
    p.add_run()._r.append(OxmlElement("w:lastRenderedPageBreak"))
    p.add_run(BYGGESAK)
    d.add_paragraph("Tiltaka var:")
    for item in ("opplæring i alle einingane", "ny portal"):
        d.add_paragraph(item, style="List Bullet")
    table = d.add_table(2, 2)
    for cell, text in zip((c for r in table.rows for c in r.cells), ("Tiltak", "Kostnad", "Portal", "200 000"), strict=True):
        cell.text = text
    d.add_heading("Andre forhold", 1)
    xml = (
        "<w:p {ns}><w:r><w:t xml:space='preserve'>Eit utfylt felt: </w:t></w:r>"
        "<w:sdt><w:sdtContent><w:r><w:t>svaret</w:t></w:r></w:sdtContent></w:sdt>"
        "<w:ins w:id='1'><w:r><w:t xml:space='preserve'> er sett inn</w:t></w:r></w:ins>"
        "<w:del w:id='2'><w:r><w:delText>slettet</w:delText></w:r></w:del></w:p>"
    )
    d.element.body.insert(-1, parse_xml(xml.replace("{ns}", nsdecls("w"))))
    bold = d.add_paragraph()
    bold.add_run("Digitalt tilsyn").bold = True
    d.add_paragraph(TILSYN)
    path = tmp_path / "årsmelding.docx"
    d.save(str(path))
    return path


def test_docx_passages(word: Path) -> None:
    """Headings by style (or bold lines), lists, tables and form fields are read; contents, head, foot and deleted text are not."""
    rows = rows_of(word)
    top = "Årsmelding"
    assert column(rows, "overskrift") == [
        f"{top} › 1 Innleiing",
        f"{top} › 1 Innleiing › 1.1 Byggesak",
        f"{top} › Andre forhold",
        f"{top} › Andre forhold › Digitalt tilsyn",
    ]
    items = "Tiltaka var:\n• opplæring i alle einingane\n• ny portal\nTiltak | Kostnad\nPortal | 200 000"
    assert column(rows, "tekst") == [ORDINAER, f"{BYGGESAK}\n\n{items}", "Eit utfylt felt: svaret er sett inn", TILSYN]
    assert column(rows, "side") == [1, 2, 2, 2]


def test_docx_contents_field(tmp_path: Path) -> None:
    """Word's own table of contents, a content control, is left out whatever the styles in it are; other content controls are text."""
    d = docx.Document()

    def control(gallery: str, text: str) -> Any:
        part = f"<w:docPartObj><w:docPartGallery w:val='{gallery}'/></w:docPartObj>" if gallery else ""
        return parse_xml(
            f"<w:sdt {nsdecls('w')}><w:sdtPr>{part}</w:sdtPr><w:sdtContent><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:sdtContent></w:sdt>"
        )

    d.element.body.insert(0, control("", "Kommunen har fått en ny app."))
    d.element.body.insert(0, control("Table of Contents", "Innledning 1"))
    d.add_paragraph(TILSYN)
    d.save(str(tmp_path / "a.docx"))
    assert column(rows_of(tmp_path / "a.docx"), "tekst") == [f"Kommunen har fått en ny app.\n\n{TILSYN}"]


def test_docx_text_box_once(tmp_path: Path) -> None:
    """The text of a text box, which Word writes twice, is read once."""
    d = docx.Document()
    mc, box = (
        "http://schemas.openxmlformats.org/markup-compatibility/2006",
        "<w:txbxContent><w:p><w:r><w:t>I boksen</w:t></w:r></w:p></w:txbxContent>",
    )
    p = d.add_paragraph("Rundt boksen")
    p.runs[0]._r.append(
        parse_xml(
            f"<mc:AlternateContent xmlns:mc='{mc}' {nsdecls('w')}><mc:Choice Requires='wps'>{box}</mc:Choice>"
            f"<mc:Fallback><w:pict>{box}</w:pict></mc:Fallback></mc:AlternateContent>"
        )
    )
    d.save(str(tmp_path / "a.docx"))
    assert Counter(everything(rows_of(tmp_path / "a.docx")).split()) == Counter("I boksen Rundt boksen".split())


def test_docx_style_of_its_own(tmp_path: Path) -> None:
    """A heading style of a template counts by what it builds on."""
    d = docx.Document()
    d.styles.add_style("Kapittel", 1).base_style = d.styles["Heading 1"]
    d.add_paragraph("Om tilsynet", style="Kapittel")
    d.add_paragraph(TILSYN)
    d.save(str(tmp_path / "a.docx"))
    (row,) = rows_of(tmp_path / "a.docx")
    assert (row.fields["overskrift"], row.fields["side"], row.text) == ("Om tilsynet", None, TILSYN)


# HTML, Markdown, text

HTML = f"""<!doctype html><html lang=nn><head><title>T</title><style>p {{ color: red }}</style></head><body>
<nav><a href=/>Heim</a></nav><h1>Årsmelding</h1><ul><li><a href="#a">Innleiing</a><li><a href="#b">Byggesak</a></ul>
<h2 id=a>Innleiing</h2><p>{ORDINAER}<p>Til&shy;taka var:<ul><li>opplæring<li>ny <b>portal</b></ul><script>var a = "<p>nei</p>"</script>
<h2>Byggesak</h2><div>{BYGGESAK}</div><table><tr><td>Portal<td>200 000</table><footer>Kontakt oss</footer></body></html>"""
MARKDOWN = f"""---
title: x
---
# Årsmelding

- [Innleiing](#innleiing)
- [Byggesak](#byggesak)

## Innleiing

{ORDINAER}

Tiltaka var:

- opplæring
- ny **portal**

## Byggesak

{BYGGESAK}

| Portal | 200 000 |
|---|---|
"""


@pytest.mark.parametrize(("name", "content"), [("a.html", HTML), ("a.htm", HTML), ("a.md", MARKDOWN)])
def test_markup_passages(tmp_path: Path, name: str, content: str) -> None:
    """HTML and Markdown give passages under their headings, without navigation, contents, scripts and foot."""
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    rows = rows_of(path)
    assert column(rows, "overskrift") == ["Årsmelding › Innleiing", "Årsmelding › Byggesak"]
    items = "Tiltaka var:\n• opplæring\n• ny portal"
    assert column(rows, "tekst") == [f"{ORDINAER}\n\n{items}", f"{BYGGESAK}\n• Portal | 200 000"]
    assert column(rows, "side") == [None, None]


@pytest.mark.parametrize(
    ("encoding", "said"), [("utf-8", "utf-8"), ("cp1252", ""), ("latin-1", "iso-8859-1"), ("utf-16", ""), ("utf-8-sig", "latin-1")]
)
def test_html_encodings(tmp_path: Path, encoding: str, said: str) -> None:
    """HTML is read in its encoding, said or not."""
    path = tmp_path / "a.html"
    path.write_bytes(f"<meta charset='{said}'><p>Kommunen fører tilsyn på Ås.</p>".encode(encoding))
    assert column(rows_of(path), "tekst") == ["Kommunen fører tilsyn på Ås."]


def test_html_in_a_form(tmp_path: Path) -> None:
    """A page that stands whole in a form, as some servers make them, is read; its buttons are not."""
    (tmp_path / "a.html").write_text(f"<form><h1>Tilsyn</h1><p>{TILSYN}</p><button>Søk</button></form>", encoding="utf-8")
    assert [(r.fields["overskrift"], r.text) for r in rows_of(tmp_path / "a.html")] == [("Tilsyn", TILSYN)]


def test_text_passages(tmp_path: Path) -> None:
    """Plain text is cut by its blank lines, numbered or lone short lines are headings, form feeds are pages, leaders are contents."""
    head, foot = "Fjellvik kommune\n", "\n{n}\n\f"
    path = tmp_path / "a.txt"
    path.write_text(
        head + "\nInnhold\n1 Innledning ........ 2\n1.1 Digitalt tilsyn ..... 3\n" + foot.format(n=1)
        + head + "\n1 Innledning\n\n" + re.sub(r"(.{60}\S*) ", r"\1\n", ORDINAER) + "\n" + foot.format(n=2)
        + head + "\n1.1 Digitalt tilsyn\n\n" + TILSYN.replace("vaktrommet", "vakt-\nrommet")
        + "\n\n- ett punkt\n- to punkter\n" + foot.format(n=3),
        encoding="utf-8",
    )  # fmt: skip
    rows = rows_of(path)
    assert column(rows, "overskrift") == ["1 Innledning", "1 Innledning › 1.1 Digitalt tilsyn"]
    assert column(rows, "tekst") == [ORDINAER, f"{TILSYN}\n- ett punkt\n- to punkter"]
    assert column(rows, "side") == [2, 3]


def test_text_files_stay_whole(tmp_path: Path) -> None:
    """A folder of .txt is a row a file as before, the files by name too; --passages cuts them, and so does a document beside them."""
    for name in ("a", "b"):
        (tmp_path / f"{name}.txt").write_text(f"Tittel\n\n{TILSYN}\n\n{BYGGESAK}\n", encoding="utf-8")
    for paths in ([tmp_path], sorted(tmp_path.glob("*.txt"))):
        rows = rows_of(*paths, cut=False)
        assert [(r.id, list(r.fields)) for r in rows] == [("a", ["id", "text"]), ("b", ["id", "text"])]
        assert [r.id for r in rows_of(*paths)] == ["a-1", "a-2", "b-1", "b-2"]
    (tmp_path / "c.md").write_text("En ny app er tatt i bruk.", encoding="utf-8")
    assert [r.id for r in rows_of(tmp_path, cut=False)] == ["a", "b"]  # a note on the folder
    assert [r.id for r in rows_of(tmp_path)] == ["a-1", "a-2", "b-1", "b-2", "c-1"]
    assert [r.id for r in rows_of(tmp_path / "a.txt", tmp_path / "c.md", cut=False)] == ["a-1", "a-2", "c-1"]
    (tmp_path / "d.html").write_text("<p>En ny app er tatt i bruk.", encoding="utf-8")
    assert [r.id for r in rows_of(tmp_path, cut=False)] == ["a-1", "a-2", "b-1", "b-2", "c-1", "d-1"]


@pytest.fixture(scope="module")
def sound(report: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A file of each format that has nothing wrong with it."""
    d = docx.Document()
    d.add_heading("Tilsyn", 1)
    d.add_paragraph(TILSYN)
    path = tmp_path_factory.mktemp("sound") / "a.docx"
    d.save(str(path))
    text = {".html": HTML, ".md": MARKDOWN, ".txt": f"1 Tilsyn\n\n{TILSYN}\n"}
    return {".pdf": report.read_bytes(), ".docx": path.read_bytes(), **{k: v.encode() for k, v in text.items()}}


# Cutting

KINDS = st.sampled_from(["paragraph", "item"])
SAID = "Kommunen prøver nye løsninger for innbyggerne i hele fylket.".split()
BLOCKS = st.lists(
    st.one_of(
        st.builds(lambda n, rank: Block("heading", f"§ {n}", 1, (rank,)), st.integers(), st.integers(1, 4)),
        st.builds(lambda kind, n: Block(kind, " ".join(SAID[i % 9] for i in range(n))), KINDS, st.integers(1, 700)),
    ), max_size=12,
)  # fmt: skip


@given(BLOCKS)
def test_no_word_is_lost(blocks: list[Block]) -> None:
    """All text of a document is in exactly one passage, in order, a heading in the passages below it; none is longer than the bound."""
    made = list(cutting.passages(blocks))
    body = [w for b in blocks if b.kind != "heading" for w in b.text.split()]
    headings = {b.text for b in blocks if b.kind == "heading"}
    assert [w for p in made if p.text not in headings for w in p.text.split()] == body
    assert all(len(p.text.split()) <= cutting.LONG for p in made)
    shown = {h for p in made for h in (*p.heading.split(cutting.ABOVE), p.text)}
    assert headings <= shown
    numbers = [p.first for p in made]
    assert numbers == sorted(numbers)
    assert all(p.first <= p.last for p in made)


def test_long_paragraphs_end_with_a_sentence() -> None:
    """A paragraph beyond the bound is cut into parts of about one length that end where a sentence ends."""
    text = " ".join([TILSYN, BYGGESAK, ORDINAER] * 5)
    made = list(cutting.passages([Block("paragraph", text)]))
    assert " ".join(p.text for p in made) == text
    assert all(p.text.endswith(".") for p in made)
    lengths = [len(p.text.split()) for p in made]
    assert max(lengths) <= cutting.LONG
    assert min(lengths) >= cutting.LONG / 2
    endless = list(cutting.passages([Block("paragraph", "ord " * 1000)]))
    assert [len(p.text.split()) for p in endless] == [300, 300, 300, 100]


def test_short_paragraphs_stay_with_their_neighbours() -> None:
    """Short paragraphs are put together under one heading and never across one; a list stays with the sentence before it."""
    short = [Block("paragraph", f"Avsnitt nummer {n} er kort og sier lite.") for n in range(12)]
    made = list(cutting.passages([*short[:8], Block("heading", "Nytt", rank=(1,)), *short[8:]]))
    assert [(p.heading, p.first, p.last) for p in made] == [("", 1, 8), ("Nytt", 9, 12)]
    listed = [Block("paragraph", TILSYN), Block("paragraph", "Tiltakene er:"), *(Block("item", f"• {n}") for n in range(9))]
    assert [p.text.count("•") for p in cutting.passages(listed)] == [9]


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=300) | st.text(alphabet="Aa1. \n\f-•", max_size=300))
def test_any_text_is_read(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """Any text file, HTML and Markdown file gives rows, and whatever letters it has come out once."""
    folder = tmp_path_factory.mktemp("any")
    (folder / "a.txt").write_text(text, encoding="utf-8", newline="")
    (folder / "a.md").write_text(text, encoding="utf-8", newline="")
    (folder / "a.html").write_text(text, encoding="utf-8", newline="")
    rows = rows_of(folder / "a.txt", folder / "a.md", folder / "a.html")
    assert {r.fields["dokument"] for r in rows} == {"a.txt", "a.md", "a.html"}
    assert len({r.id for r in rows}) == len(rows)


@pytest.mark.parametrize("suffix", [".pdf", ".docx", ".html", ".md", ".txt"])
@given(data=st.data())
@settings(max_examples=30)
def test_damaged_files_are_rows(
    sound: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory, suffix: str, data: st.DataObject
) -> None:
    """A file with bytes changed, lost or cut off gives rows or a row with a note, never an error."""
    folder = tmp_path_factory.mktemp("damaged")
    raw = bytearray(sound[suffix])
    for at, byte in data.draw(st.lists(st.tuples(st.integers(0, len(raw) - 1), st.integers(0, 255)), max_size=20)):
        raw[at] = byte
    lost = data.draw(st.integers(0, len(raw) - 1))
    del raw[lost : lost + data.draw(st.sampled_from([0, 0, 1, 300, len(raw)]))]
    (folder / f"a{suffix}").write_bytes(raw)
    rows = rows_of(folder / f"a{suffix}")
    assert rows
    assert all(r.text or r.problem for r in rows)


def test_running_heads_are_those_that_repeat() -> None:
    """What stands on three pages, or counts them on two, is a running head; a heading that stands on two is not."""

    def page(n: int, *texts: str) -> list[layout.Line]:
        return [layout.Line(t, n, drop=3, margin=i < 2) for i, t in enumerate(texts)]

    body = "Kommunen har tatt i bruk en ny løsning."
    pages = [page(n, "Årsrapport 2024", f"Rapport | {n + 3}", f"{n} {body}") for n in (1, 2, 3)] + [
        page(n, "Bakgrunn", body) for n in (4, 5)
    ]
    text = " ".join(b.text for b in layout.blocks_of(lambda: pages))
    assert "Årsrapport" not in text
    assert "Rapport |" not in text
    assert text.count("Bakgrunn") == 2
    assert text.count(body) == 5


# Files and folders


def test_names_are_unique(tmp_path: Path) -> None:
    """Ids and document names tell files of the same stem, and of the same name in two folders, apart."""
    files = [Path(p) for p in ("x/a.pdf", "y/a.pdf", "y/a.docx", "y/b.md", "y/b.md", "a.pdf.docx")]
    made = named(files)
    assert [d for d, _ in made] == ["x/a.pdf", "y/a.pdf", "a.docx", "y/b.md", "y/b.md (2)", "a.pdf.docx"]
    assert len({s for _, s in made}) == len(files)
    assert made[2][1] == "a.docx"


@pytest.fixture
def folder(tmp_path: Path, report: Path, word: Path) -> Path:
    """A folder as an analyst has it: all formats, what cannot be read, and what is none of ours."""
    place = tmp_path / "rapporter"
    place.mkdir()
    (place / "rapport.pdf").write_bytes(report.read_bytes())
    (place / "melding.DOCX").write_bytes(word.read_bytes())
    (place / "side.html").write_text(HTML, encoding="utf-8")
    (place / "notat.md").write_text(MARKDOWN, encoding="utf-8")
    (place / "tekst.txt").write_text(f"{TILSYN}\n", encoding="utf-8")
    (place / "~$lding.DOCX").write_bytes(b"lock")
    (place / "gammel.doc").write_bytes(b"\xd0\xcf\x11\xe0")
    (place / "kryptert.docx").write_bytes(b"\xd0\xcf\x11\xe0" + b"\0" * 500)
    (place / "skadet.pdf").write_bytes(report.read_bytes()[:700])
    (place / "skadet.docx").write_bytes(word.read_bytes()[:3000])
    (place / "feil.docx").write_bytes(b"PK\x05\x06" + b"\0" * 18)
    for name in ("tom.pdf", "tom.docx", "tom.html", "tom.md", "tom.txt"):
        (place / name).write_bytes(b"")
    locked = Canvas(str(place / "låst.pdf"), encrypt="hemmelig")
    locked.drawString(60, 700, TILSYN[:60])
    locked.save()
    scanned = Canvas(str(place / "skannet.pdf"))
    for text in ("En side med tekst.", ""):
        scanned.drawString(60, 700, text)
        scanned.drawInlineImage(str(Path(__file__).parent / "data/scan.png"), 60, 300, 100, 100)
        scanned.showPage()
    scanned.save()
    (place / "bilde.jpg").write_bytes(b"jpg")
    return place


NOTES = {
    "gammel.doc": "formatet leses ikke, lagre filen som PDF eller DOCX: .doc",
    "kryptert.docx": "filen er kryptert eller i det gamle Word-formatet",
    "skadet.pdf": "filen kan ikke leses",
    "skadet.docx": "filen er skadet eller ingen DOCX",
    "feil.docx": "filen er skadet eller ingen DOCX",
    "tom.pdf": "filen har ingen tekst",
    "tom.docx": "filen har ingen tekst",
    "tom.html": "filen har ingen tekst",
    "tom.md": "filen har ingen tekst",
    "tom.txt": "filen har ingen tekst",
    "låst.pdf": "filen er kryptert med passord",
    "skannet.pdf": "bilder uten tekst, kjør tekstgjenkjenning (OCR) først: side 2",
}


def test_label_a_folder(run: Run, folder: Path, tmp_path: Path) -> None:
    """`label FOLDER` labels all documents; what cannot be read is a row with a note; the same rows come in every format."""
    done = run("label", folder, "-o", tmp_path / "ut.csv")
    assert (done.returncode, done.stderr) == (0, "")
    text = (tmp_path / "ut.csv").read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline=""), delimiter=";"))
    assert list(rows[0])[:8] == ["id", "dokument", "side", "overskrift", "avsnitt", "tekst", "beskriver_prosjekt", "type"]
    assert {r["dokument"] for r in rows} == {*NOTES, "rapport.pdf", "melding.DOCX", "side.html", "notat.md", "tekst.txt"}
    noted = {r["dokument"]: r["merknad"] for r in rows if r["merknad"]}
    assert {d: n.split(";")[0][: len(NOTES[d])] for d, n in noted.items()} == NOTES
    assert [r["tekst"] for r in rows if r["dokument"] == "skannet.pdf"] == ["En side med tekst.", ""]
    for r in rows:
        says = bool(r["type"] or r["barriere"] or r["verdi"] or r["fase"] != "ukjent")
        assert r["beskriver_prosjekt"] == ("" if not r["tekst"] else "ja" if says else "nei"), r
    assert {r["beskriver_prosjekt"] for r in rows} == {"ja", "nei", ""}
    assert len({r["id"] for r in rows}) == len(rows)
    assert run("label", folder, "-o", tmp_path / "ut.jsonl").returncode == 0
    lines = [json.loads(line) for line in (tmp_path / "ut.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(x["id"], x["tekst"], x["overskrift"], x["beskriver_prosjekt"]) for x in lines] == [
        (r["id"], r["tekst"], r["overskrift"], r["beskriver_prosjekt"]) for r in rows
    ]
    for x in lines:
        for span in x["barriere"]:
            assert x["tekst"][span["start"] : span["end"]] == span["text"]


def test_describes_project_in_any_taxonomy() -> None:
    """A text describes a project when any facet says something: a label, a marked sentence, an answer other than the default."""
    label = {"label": {"a": {}, "b": {}}}
    kinds = {"mange": label, "en": label | {"choice": "single", "default": "b"}, "steder": label | {"unit": "sentence"}}
    own = taxonomy.parse({"facet": kinds})

    def says(**facets: Any) -> bool:
        nothing = {"mange": [], "en": {"label": "b", "probability": 0.9}, "steder": []}
        return describes_project(Prediction("m", "nb", nothing | facets, None, (), (), {}), own)

    assert not says()
    assert says(mange=[{"label": "a"}])
    assert says(en={"label": "a", "probability": 0.6})
    assert says(steder=[{"start": 0, "end": 1, "labels": [{"label": "a"}]}])


def test_label_several_files(run: Run, report: Path, word: Path, tmp_path: Path) -> None:
    """Files of several formats are labelled into one workbook; tables and documents together are refused in a line."""
    from openpyxl import load_workbook

    done = run("label", report, word, "-o", tmp_path / "ut.xlsx")
    assert done.returncode == 0, done.stderr
    values = list(load_workbook(tmp_path / "ut.xlsx").active.iter_rows(values_only=True))
    assert [row[:3] for row in values[1:]] == [(f"årsrapport-{n}", "årsrapport.pdf", p) for n, p in enumerate((3, 4, 5, 6), 1)] + [
        (f"årsmelding-{n}", "årsmelding.docx", p) for n, p in enumerate((1, 2, 2, 2), 1)
    ]
    table = tmp_path / "t.csv"
    table.write_text("id;text\n1;a\n", encoding="utf-8")
    done = run("label", report, table)
    assert (done.returncode, done.stderr.count("\n"), done.stdout) == (2, 1, "")
    assert "t.csv: is no document; only .pdf" in done.stderr
    done = run("label", report, tmp_path / "borte.pdf")
    assert "borte.pdf: no such file" in done.stderr
    done = run("label", table, "--passages")
    assert (done.returncode, "is no document" in done.stderr) == (2, True)


def test_resume_of_documents(run: Run, folder: Path, tmp_path: Path) -> None:
    """A run on documents that was cut off goes on and gives the same file."""
    assert run("label", folder, "-o", tmp_path / "hel.csv").returncode == 0
    whole = (tmp_path / "hel.csv").read_bytes()
    code = (
        "import sys, classifier.batch as b\nfrom classifier.cli import main\nadd = b.Summary.add\n"
        "b.BATCH = 1\n"
        "def stop(self, row, p):\n    add(self, row, p)\n    if self.rows == 9: import os; os._exit(9)\n"
        "b.Summary.add = stop\nmain(sys.argv[1:])"
    )
    cut = subprocess.run([sys.executable, "-c", code, "label", str(folder), "-o", str(tmp_path / "ut.csv")], check=False)
    assert cut.returncode == 9
    done = run("label", folder, "-o", tmp_path / "ut.csv", "--resume")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "ut.csv").read_bytes() == whole


@pytest.mark.parametrize(("suffix", "package"), [(".pdf", "pypdfium2"), (".docx", "lxml"), (".html", "lxml"), (".md", "markdown_it")])
def test_missing_extra(report: Path, tmp_path: Path, suffix: str, package: str) -> None:
    """Where the extra is not installed, one line says how to get it; .txt needs nothing."""
    (tmp_path / f"a{suffix}").write_bytes(b"x")
    (tmp_path / "a.txt").write_text(TILSYN, encoding="utf-8")
    code = f"import sys\nsys.modules[{package!r}] = None\nfrom classifier.cli import main\nmain(sys.argv[1:])"
    start = [sys.executable, "-c", code, "label", "--passages"]
    done = subprocess.run([*start, str(tmp_path / f"a{suffix}")], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert re.fullmatch(r'innovasjon: [^\n]+ needs an extra: pip install -e "\.\[documents\]" \(in its folder\)\n', done.stderr)
    if suffix == ".pdf":
        assert subprocess.run([*start, str(tmp_path / "a.txt")], capture_output=True, check=False).returncode == 0


def test_zip_bombs_are_bounded(tmp_path: Path) -> None:
    """A DOCX that claims to be huge is not unpacked; one that lies about its size is damaged; entities are not expanded."""
    big, lies, laughs = (tmp_path / f"{n}.docx" for n in ("stor", "lyver", "ler"))
    with zipfile.ZipFile(big, "w", zipfile.ZIP_DEFLATED) as z, z.open("word/document.xml", "w") as part:
        for _ in range(220):
            part.write(b" " * 1_000_000)
    with zipfile.ZipFile(lies, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("word/document.xml", b"<w:document>" + b" " * 20_000_000)
    raw = lies.read_bytes()
    lies.write_bytes(raw.replace((20_000_012).to_bytes(4, "little"), (20).to_bytes(4, "little")))
    entities = "<!DOCTYPE x [<!ENTITY a 'ha'>" + "".join(f"<!ENTITY {chr(98 + i)} '{f'&{chr(97 + i)};' * 10}'>" for i in range(9)) + "]>"
    ns = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    with zipfile.ZipFile(laughs, "w") as z:
        z.writestr("word/document.xml", f"{entities}<w:document xmlns:w='{ns}'><w:p><w:r><w:t>&j;</w:t></w:r></w:p></w:document>")
    code = (
        "import sys, resource\nfrom classifier.documents import open_sources\nresource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))\n"
        "for row in open_sources(sys.argv[1:]).rows: print(row.problem, len(row.text))"
    )
    files = [str(big), str(lies), str(laughs)]
    done = subprocess.run([sys.executable, "-c", code, *files], capture_output=True, text=True, check=True, timeout=60)
    notes = done.stdout.splitlines()
    assert notes[0].startswith("filen er for stor utpakket (220 MB)")
    assert notes[1].startswith("filen kan ikke leses")
    assert notes[2].startswith(("filen kan ikke leses", "filen har ingen tekst"))


def test_documents_are_read_as_streams(tmp_path: Path) -> None:
    """Reading a document of 20 times the pages needs no more memory, in any format."""
    code = (
        "import sys, resource\nfrom classifier.documents import open_sources\n"
        "n = sum(1 for _ in open_sources([sys.argv[1]], passages=True).rows)\n"
        "print(n, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)"
    )

    def write(path: Path, n: int) -> None:
        if path.suffix == ".docx":
            body = f"<w:p><w:r><w:t>{TILSYN}</w:t></w:r></w:p>" * n
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
                z.writestr("word/document.xml", f"<w:document {nsdecls('w')}><w:body>{body}</w:body></w:document>")
        elif path.suffix == ".pdf":
            pages = Pages(path)
            for _ in range(n // 5):
                pages.turn()
                for i in range(20):
                    pages.line(f"{TILSYN[:80]}{'.' if i % 4 == 3 else ''}", space=1.2 if i % 4 else 2)
            pages.save()
        elif path.suffix == ".html":
            path.write_text(f"<p>{TILSYN}</p>\n" * n, encoding="utf-8")
        else:
            path.write_text(f"{TILSYN}\n\n" * n, encoding="utf-8")

    for suffix in (".pdf", ".docx", ".html", ".txt"):
        used = []
        for n in (100, 1500) if suffix == ".pdf" else (200, 4000):
            path = tmp_path / f"a{n}{suffix}"
            write(path, n)
            done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
            rows, mb = map(int, done.stdout.split())
            assert rows > n / 2
            used.append(mb)
        assert used[1] - used[0] < 15, (suffix, used)


def test_no_columns_but_ours(report: Path) -> None:
    """A text column that documents do not have is refused as with tables."""
    with pytest.raises(ClassifierError, match="no column 'text' for --text-column; the columns are: id, dokument"):
        open_sources([str(report)], "text")
