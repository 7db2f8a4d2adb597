"""Files and folders of documents -> one stream of rows, a row for each passage.

What cannot be read (encrypted, damaged, scanned without text, empty) is a row with a `problem`; the other files go on.
"""

import os
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from classifier.documents.passages import docx, layout, markup, pdf, plain
from classifier.documents.passages.blocks import Block
from classifier.documents.passages.cutting import passages
from classifier.documents.rows import Input, Row, Source, state_of, unreadable
from classifier.errors import ClassifierError
from classifier.prediction import Prediction
from classifier.taxonomy import Taxonomy

COLUMNS = ["id", "dokument", "side", "overskrift", "avsnitt", "tekst", "beskriver_prosjekt"]
FORMAT = ".documents"
NO_TEXT = "filen har ingen tekst"
ENCRYPTED = "filen er kryptert med passord"
DAMAGED_FILE = "filen kan ikke leses"
PAGES = 20  # that a note lists
CUT_OFF = "filen kan ikke leses lenger enn hit"
UNKNOWN = "formatet leses ikke, lagre filen som PDF eller DOCX"


def _pdf(path: Path) -> Iterator[Block]:
    with pdf.opened(path) as document:
        yield from layout.blocks_of(lambda: pdf.pages_of(document))
        found: dict[str, list[int]] = {}
        for page, fault in pdf.faults(document):
            found.setdefault(fault, []).append(page)
    if found:
        raise ClassifierError("; ".join(f"{fault}: side {_listed(pages)}" for fault, pages in found.items()))


def _listed(pages: list[int]) -> str:
    return ", ".join(map(str, pages[:PAGES])) + (" …" if len(pages) > PAGES else "")


def _input(path: Path) -> Input:
    return Input(str(path), lambda: path.open("rb"))


def _unread(path: Path) -> Iterator[Block]:
    raise ClassifierError(f"{UNKNOWN}: {path.suffix}")


@dataclass(frozen=True, slots=True)
class Format:
    blocks: Callable[[Path], Iterator[Block]]
    needs: tuple[str, ...] = ()  # packages of the extra


_HTML = Format(lambda path: markup.html_blocks(_input(path)), ("lxml",))
_MARKDOWN = Format(lambda path: markup.markdown_blocks(_input(path)), ("lxml", "markdown_it"))
READERS: dict[str, Format] = {
    ".pdf": Format(_pdf, ("pypdfium2",)),
    ".docx": Format(docx.blocks_of, ("lxml",)),
    ".html": _HTML,
    ".htm": _HTML,
    ".md": _MARKDOWN,
    ".markdown": _MARKDOWN,
    ".txt": Format(lambda path: layout.blocks_of(lambda: plain.pages_of(_input(path)))),
}
TEXTS = {".txt", ".md", ".markdown"}
UNREAD = (".doc", ".docm", ".odt", ".rtf", ".ppt", ".pptx", ".epub", ".pages")  # documents that a folder may hold
DAMAGED = (OSError, EOFError, ValueError, KeyError, IndexError, SyntaxError, RuntimeError, zipfile.BadZipFile, zlib.error)


def document_files(paths: Sequence[str], cut_text: bool) -> list[Path]:
    """The files that these paths stand for, when they are documents to be cut into passages; none when they are tables or texts.

    A `.txt` is one description, and becomes a document with `cut_text` or beside a PDF, DOCX or HTML file. In a folder of `.txt` a
    Markdown file is a note on the folder. Raises `ClassifierError` for documents and tables together.
    """
    if not (cut_text or any(_is_document(Path(path)) for path in paths if path != "-")):
        return []
    files: list[Path] = []
    for path in paths:
        place = Path(path)
        if path != "-" and not place.exists():
            raise ClassifierError(f"{path}: no such file")
        if path != "-" and place.is_dir():
            files += sorted(_held(place))
        elif place.suffix.lower() in (*READERS, *UNREAD) and place.is_file():
            files.append(place)
        else:
            raise ClassifierError(f"{path}: is no document; only {', '.join(READERS)} can be cut into passages and labelled together")
    if not files:
        raise ClassifierError(f"{paths[0]}: no file in this folder that can be read; known are {', '.join(READERS)}")
    return files


def _is_document(place: Path) -> bool:
    if not place.is_dir():
        return place.suffix.lower() in READERS.keys() - {".txt"}
    kinds = {file.suffix.lower() for file in _held(place)}  # a folder of a million texts is not held in memory
    return bool(kinds & READERS.keys() - (TEXTS if ".txt" in kinds else set()))


def _held(folder: Path) -> Iterator[Path]:
    """The documents of a folder, those that cannot be read too; no hidden files and no locks of a word processor."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name[0] not in ".~" and Path(entry.name).suffix.lower() in (*READERS, *UNREAD) and entry.is_file():
                yield Path(entry.path)


def open_documents(files: Sequence[Path]) -> Source:
    """The passages of all files as one source. Raises `ClassifierError` when a format's packages are not installed."""
    for file in files:
        reader = READERS.get(file.suffix.lower())
        if reader and not all(map(find_spec, reader.needs)):
            kind = file.suffix[1:].upper()
            raise ClassifierError(f'{file}: {kind} needs an extra: pip install -e ".[documents]" (in its folder)')

    def rows() -> Iterator[Row]:
        for file, (document, stem) in zip(files, named(files), strict=True):
            yield from _rows(file, document, stem)

    places = [str(file.resolve()) for file in files]
    state = {place: state_of(place) for place in places}
    return Source(COLUMNS, "tekst", "id", rows(), format=FORMAT, name="; ".join(places), state=state, complete=judge)


def named(files: Sequence[Path]) -> list[tuple[str, str]]:
    """(name, what its ids begin with) of each file: the shortest of file name and path, of stem and name, that no other file has."""
    names = Counter(f.name for f in files)
    stems = Counter(f.stem for f in files)
    found: list[tuple[str, str]] = []
    taken: set[str] = set()
    for file in files:
        name = file.name if names[file.name] == 1 else file.as_posix()
        stem = own = file.stem if stems[file.stem] == 1 else name
        n = 1
        while own in taken or (n > 1 and own in stems):
            n += 1
            own = f"{stem} ({n})"
        taken.add(own)
        found.append((name if n == 1 else f"{name} ({n})", own))
    return found


def _rows(file: Path, document: str, stem: str) -> Iterator[Row]:
    """The passages of a file; a last row with a problem where it could not be read to its end."""
    number = 0

    def row(text: str = "", page: int | None = None, heading: str = "", place: str = "", problem: str | None = None) -> Row:
        own = f"{stem}-{number}"
        return Row(own, text, dict(zip(COLUMNS, (own, document, page, heading, place, text, ""), strict=True)), problem, size=len(text))

    errors: list[Exception] = []
    for p in passages(_until_error(file, errors)):
        number += 1
        place = str(p.first) if p.first == p.last else f"{p.first}–{p.last}"
        yield row(p.text, p.page, p.heading, place, unreadable(p.text))
    if errors or number == 0:
        number += 1
        yield row(problem=_told(errors[0], number) if errors else NO_TEXT)


def _until_error(file: Path, errors: list[Exception]) -> Iterator[Block]:
    """The blocks of a file up to where it cannot be read, and what was wrong: what was read before is not lost with it."""
    try:
        reader = READERS.get(file.suffix.lower())
        if file.stat().st_size:
            yield from reader.blocks(file) if reader else _unread(file)
    except (ClassifierError, *DAMAGED) as error:
        errors.append(error)


def _told(error: BaseException, number: int) -> str:
    """What a person should know of a file that could not be read."""
    reason = " ".join(str(getattr(error, "strerror", None) or error).split()) or type(error).__name__
    if isinstance(error, ClassifierError):
        return reason
    if "password" in reason.lower():
        return ENCRYPTED
    return f"{DAMAGED_FILE if number == 1 else CUT_OFF}: {reason}"


def describes_project(prediction: Prediction, taxonomy: Taxonomy) -> bool:
    """Does any facet say something of the text: a label, a marked sentence, a single choice other than its default?"""
    return any(
        found["label"] != facet.default if isinstance(found := prediction.facets[facet.code], dict) else bool(found)
        for facet in taxonomy.facets
    )


def judge(row: Row, prediction: Prediction, taxonomy: Taxonomy) -> None:
    """Say of a passage whether it describes a project; of one that could not be read nothing."""
    if row.text:
        row.fields[COLUMNS[-1]] = "ja" if describes_project(prediction, taxonomy) else "nei"
