"""Facets and labels as data: `taxonomy.toml`, or a user's own file of the same form."""

import tomllib
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from classifier.errors import ClassifierError

SHIPPED = Path(__file__).parent / "taxonomy.toml"
LANGUAGES = ("nb", "nn", "en")
JUDGED = {"type", "fase", "verdi"}  # the facets that the verdict «innovation» follows from
RESERVED = {
    "id",
    "model",
    "text",
    "lang",
    "language",
    "evidence",
    "negatives",
    "innovasjon",
    "review",
    "warnings",
    "scores",
    "source",
    "source_url",
    "genre",
    "sector",
    "case",
    "writer",
    "batch",
    "reason",
    "predicted",
}


@dataclass(frozen=True, slots=True)
class Label:
    """A code with its names and definitions by language (`nb`, `nn`, `en`; any may be absent)."""

    code: str
    names: dict[str, str]
    definitions: dict[str, str]
    group: str | None = None

    def name(self, language: str = "nb") -> str:
        return _in(self.names, language) or self.code


@dataclass(frozen=True)
class Facet:
    """One question to a text: of the whole (`document`) or of each `sentence`; `single` or `multi` choice."""

    code: str
    unit: str
    choice: str
    labels: tuple[Label, ...]
    names: dict[str, str]
    definitions: dict[str, str]
    default: str | None = None

    @cached_property
    def codes(self) -> tuple[str, ...]:
        return tuple(label.code for label in self.labels)

    def name(self, language: str = "nb") -> str:
        return _in(self.names, language) or self.code


@dataclass(frozen=True)
class Taxonomy:
    """All facets, in the order of the file, and the tables they were read from (which a model keeps)."""

    version: str
    facets: tuple[Facet, ...]
    source: dict[str, Any]

    def __getitem__(self, code: str) -> Facet:
        return next(facet for facet in self.facets if facet.code == code)

    @cached_property
    def judges(self) -> bool:
        """Does the verdict «innovation» follow from these facets?"""
        return {facet.code for facet in self.facets} >= JUDGED and (self["fase"].unit, self["fase"].choice) == ("document", "single")

    def of(self, unit: str) -> tuple[Facet, ...]:
        """The facets of a unit, `document` or `sentence`."""
        return tuple(facet for facet in self.facets if facet.unit == unit)


def _in(words: dict[str, str], language: str) -> str | None:
    """The word in this language, else in the first that there is."""
    return next((words[lang] for lang in (language, *LANGUAGES) if lang in words), None)


def _tables(tables: Any, where: str) -> dict[str, dict[str, Any]]:
    """What `[facet.<code>]` or `[facet.<code>.label.<code>]` make together: a table of tables."""
    if not isinstance(tables, dict):
        raise ClassifierError(f"{where}: should hold a table for each code")
    for code, table in tables.items():
        if not isinstance(table, dict):
            raise ClassifierError(f"{where}.{code}: should be a table with name, definition …")
    return tables


def _words(table: dict[str, Any], key: str, where: str) -> dict[str, str]:
    value = table.get(key, {})
    if isinstance(value, str):
        return {"nb": value}
    if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
        raise ClassifierError(f"{where}: `{key}` should be a text or a table of texts by language")
    return value


def parse(source: dict[str, Any], where: str = "taxonomy") -> Taxonomy:
    """A `Taxonomy` from the tables of the TOML file; `where` names the file in errors.

    Raises `ClassifierError` for a missing or contradictory table.
    """
    facets = []
    for code, table in _tables(source.get("facet", {}), f"{where}: facet").items():
        place = f"{where}: facet.{code}"
        if not code.isidentifier() or code in RESERVED:
            raise ClassifierError(f"{place}: choose another code (letters, digits, _; not a reserved name)")
        unit, choice = table.get("unit", "document"), table.get("choice", "multi")
        if unit not in ("document", "sentence") or choice not in ("single", "multi"):
            raise ClassifierError(f'{place}: unit is "document" or "sentence", choice is "single" or "multi"')
        labels = tuple(
            Label(key, _words(row, "name", f"{place}.label.{key}"), _words(row, "definition", f"{place}.label.{key}"), row.get("group"))
            for key, row in _tables(table.get("label", {}), f"{place}.label").items()
        )
        default = table.get("default")
        if not labels:
            raise ClassifierError(f"{place}: at least one label is needed, [facet.{code}.label.<code>]")
        for label in labels:
            if not label.code.replace("-", "_").isidentifier():
                raise ClassifierError(f"{place}.label.{label.code}: a code has letters, digits, _ and - only")
        if default is not None and default not in {label.code for label in labels}:
            raise ClassifierError(f"{place}: the default {default!r} is not one of its labels")
        if choice == "single" and unit == "document" and default is None:
            default = labels[-1].code
        facets.append(Facet(code, unit, choice, labels, _words(table, "name", place), _words(table, "definition", place), default))
    if not facets:
        raise ClassifierError(f"{where}: no [facet.<code>] table")
    return Taxonomy(str(source.get("version", "1")), tuple(facets), source)


def read(path: Path) -> Taxonomy:
    """The taxonomy of a TOML file. Raises `ClassifierError` when it cannot be read."""
    try:
        return parse(tomllib.loads(path.read_text(encoding="utf-8")), str(path))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ClassifierError(f"{path}: cannot read the taxonomy: {error}") from error


@cache
def shipped() -> Taxonomy:
    """The innovation taxonomy that comes with the package."""
    return read(SHIPPED)
