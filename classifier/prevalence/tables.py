"""Shares for people and programs: on the terminal, CSV, TSV, XLSX, JSON; heads and notes in bokmål, nynorsk or English."""

import csv
import io
import json
from collections.abc import Sequence
from textwrap import wrap
from typing import Any

from classifier.confusion import VERDICT
from classifier.documents.binary import save_workbook
from classifier.documents.rows import unique
from classifier.documents.writers import safe
from classifier.errors import ClassifierError
from classifier.prevalence.shares import FEWEST, FEWEST_KNOWN, Share, Tally
from classifier.taxonomy import Taxonomy

FORMATS = (".csv", ".tsv", ".xlsx", ".json")
WIDTH = 32  # of a name on the terminal

HEADS = {
    "nb": ("fasett", "kode", "navn", "dokumenter", "talt", "andel_talt", "andel_korrigert", "nedre", "øvre", "merknad", "feiltall"),
    "nn": ("fasett", "kode", "namn", "dokument", "talde", "del_talde", "del_korrigert", "nedre", "øvre", "merknad", "feiltal"),
    "en": ("facet", "code", "name", "documents", "counted", "raw_share", "corrected_share", "lower", "upper", "note", "error_figures"),
}

NOTES = {
    "few": {
        "nb": f"færre enn {FEWEST} dokumenter: se på intervallet, ikke på andelen",
        "nn": f"færre enn {FEWEST} dokument: sjå på intervallet, ikkje på delen",
        "en": f"fewer than {FEWEST} documents: look at the interval, not at the share",
    },
    "moved": {
        "nb": "talt med andre terskler enn modellens, eller rettet for hånd; den korrigerte andelen følger sannsynlighetene",
        "nn": "talt med andre tersklar enn modellen sine, eller retta for hand; den korrigerte delen følgjer sannsyna",
        "en": "counted at other thresholds than the model's, or mended by hand; the corrected share goes by the probabilities",
    },
    "unknown": {
        "nb": "ikke korrigert: modellen har ingen feiltall her (tren den på nytt, eller bruk --calibrate)",
        "nn": "ikkje korrigert: modellen har ingen feiltal her (tren han på nytt, eller bruk --calibrate)",
        "en": "not corrected: the model has no error figures here (train it again, or use --calibrate)",
    },
    "few_known": {
        "nb": f"ikke korrigert: feiltallene har færre enn {FEWEST_KNOWN} dokumenter med, eller uten, merkelappen",
        "nn": f"ikkje korrigert: feiltala har færre enn {FEWEST_KNOWN} dokument med, eller utan, merkelappen",
        "en": f"not corrected: the error figures have fewer than {FEWEST_KNOWN} documents with, or without, the label",
    },
    "thresholds": {
        "nb": "ikke korrigert: talt med andre terskler enn modellens (sett merkelappene uten --threshold)",
        "nn": "ikkje korrigert: talt med andre tersklar enn modellen sine (set merkelappane utan --threshold)",
        "en": "not corrected: counted at other thresholds than the model's (label without --threshold)",
    },
    "weak": {
        "nb": "ikke korrigert: etter feiltallene skiller ikke modellen denne merkelappen sikkert fra resten",
        "nn": "ikkje korrigert: etter feiltala skil ikkje modellen denne merkelappen sikkert frå resten",
        "en": "not corrected: by the error figures the model does not surely tell this label from the rest",
    },
}

WORDS = {
    "nb": {
        "verdict": "Innovasjon (ny, i bruk, har gitt verdi)", "overall": "alle", "none": "(ikke oppgitt)",
        "own": "modellens egne, fra {n} treningstekster den ikke hadde lært av", "sample": "målt på {name}, {n} tekster",
        "no_errors": "ingen: modellen {model} har ikke feiltall",
        "documents": "{n} dokumenter i {name}, merket av {model}", "used": "Feiltall: {basis}",
        "share": "Andeler i prosent: talt, korrigert for modellens feil, og 95 % intervall",
        "columns": ("dok.", "talt", "talt %", "korr. %", "95 %"),
        "shift": "Feiltallene gjelder tekster lik dem de er målt på. Er dine av et annet slag, gi egne merkede tekster med --calibrate.",
        "empty": "Rader uten tekst, ikke regnet med: {n}", "unread": "Rader som ikke kunne leses, ikke regnet med: {n}",
    },
    "nn": {
        "verdict": "Innovasjon (ny, i bruk, har gitt verdi)", "overall": "alle", "none": "(ikkje oppgitt)",
        "own": "modellen sine eigne, frå {n} treningstekstar han ikkje hadde lært av", "sample": "målt på {name}, {n} tekstar",
        "no_errors": "ingen: modellen {model} har ikkje feiltal",
        "documents": "{n} dokument i {name}, merkte av {model}", "used": "Feiltal: {basis}",
        "share": "Delar i prosent: talt, korrigert for feila til modellen, og 95 % intervall",
        "columns": ("dok.", "talde", "talde %", "korr. %", "95 %"),
        "shift": "Feiltala gjeld tekstar lik dei dei er målte på. Er dine av eit anna slag, gi eigne merkte tekstar med --calibrate.",
        "empty": "Rader utan tekst, ikkje rekna med: {n}", "unread": "Rader som ikkje kunne lesast, ikkje rekna med: {n}",
    },
    "en": {
        "verdict": "Innovation (new, in use, has given value)", "overall": "all", "none": "(not given)",
        "own": "the model's own, from {n} training texts that it had not learnt from", "sample": "measured on {name}, {n} texts",
        "no_errors": "none: the model {model} carries no error figures",
        "documents": "{n} documents in {name}, labelled by {model}", "used": "Error figures: {basis}",
        "share": "Shares in per cent: counted, corrected for the model's error, and 95 % interval",
        "columns": ("docs", "counted", "raw %", "corr. %", "95 %"),
        "shift": "Error figures hold for texts like those they were measured on. For others, give labelled texts of your own: --calibrate.",
        "empty": "Rows without text, not counted: {n}", "unread": "Rows that could not be read, not counted: {n}",
    },
}  # fmt: skip


def basis(model: str, known: int, sample: str | None, language: str = "nb") -> str:
    """Which error figures were used: the model's own or those of a labelled sample; `known` documents (0: there are none)."""
    words = WORDS[language]
    kind = "no_errors" if not known else "own" if sample is None else "sample"
    return str(words[kind]).format(model=model, n=known, name=sample)


def name_of(share: Share, taxonomy: Taxonomy, language: str = "nb") -> str:
    """The name of a share's label."""
    if share.facet == VERDICT:
        return str(WORDS[language]["verdict"])
    return next(label.name(language) for label in taxonomy[share.facet].labels if label.code == share.label)


def note_of(share: Share, language: str = "nb") -> str:
    """A share's note in words."""
    return NOTES[share.note][language] if share.note else ""


def table(shares: Sequence[Share], by: Sequence[str], taxonomy: Taxonomy, used: str, language: str = "nb") -> list[list[str | int | float]]:
    """Head and rows. Shares are rounded to four decimals; where there is no correction, these cells are empty."""
    head = HEADS[language]
    rows: list[list[str | int | float]] = [[*unique([*head[:3], *by, *head[3:]])]]
    for s in shares:
        group = s.group or [WORDS[language]["overall"]] * len(by)
        corrected = ["" if v is None else round(v, 4) for v in (s.corrected, s.lower, s.upper)]
        first = [s.facet, s.label, name_of(s, taxonomy, language), *(g or WORDS[language]["none"] for g in group)]
        rows.append([*map(str, first), s.documents, s.counted, round(s.raw, 4), *corrected, note_of(s, language), used])
    return rows


def encode(
    shares: Sequence[Share], tally: Tally, taxonomy: Taxonomy, suffix: str, used: str, language: str = "nb", delimiter: str = ";"
) -> bytes:
    """The shares as a file of this suffix. CSV as Norwegian spreadsheets read it: decimal comma where `;` divides the cells."""
    if suffix == ".json":
        about = {"error_figures": used, "documents": sum(tally.documents.values()), "by": list(tally.by)}
        about |= {"without_text": tally.without_text, "unreadable": sum(tally.problems.values())}
        made = {**about, "shares": [as_dict(s, tally.by, taxonomy, language) for s in shares]}
        return (json.dumps(made, ensure_ascii=False, indent=1) + "\n").encode()
    rows = table(shares, tally.by, taxonomy, used, language)
    if suffix == ".xlsx":
        book = io.BytesIO()
        save_workbook(book, {"andeler": rows})
        return book.getvalue()
    delimiter = "\t" if suffix == ".tsv" else delimiter
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\r\n")
    for row in rows:
        writer.writerow(str(v).replace(".", ",") if isinstance(v, float) and delimiter == ";" else safe(v) for v in row)
    return out.getvalue().encode("utf-8-sig")


def as_dict(share: Share, by: Sequence[str], taxonomy: Taxonomy, language: str = "nb") -> dict[str, Any]:
    """A share for programs; `group` is empty for the share of all documents."""
    numbers = {"raw": share.raw, "corrected": share.corrected, "lower": share.lower, "upper": share.upper}
    return {
        "facet": share.facet, "label": share.label, "name": name_of(share, taxonomy, language),
        "group": dict(zip(by, share.group, strict=False)), "documents": share.documents, "counted": share.counted,
        **{k: None if v is None else round(v, 4) for k, v in numbers.items()}, "note": share.note, "note_text": note_of(share, language),
    }  # fmt: skip


def about(tally: Tally, name: str, model: str, used: str, own: bool, language: str = "nb") -> str:
    """What the shares rest on: rows counted and not, and which error figures; `own`: they are the model's own."""
    words = WORDS[language]
    unread = sum(tally.problems.values())
    lines = [str(words["documents"]).format(n=sum(tally.documents.values()), name=name, model=model)]
    if tally.without_text:
        lines.append(str(words["empty"]).format(n=tally.without_text))
    if unread:
        lines += [str(words["unread"]).format(n=unread), *(f"  {problem}" for problem in tally.first_problems)]
    lines.append(str(words["used"]).format(basis=used))
    if own:
        lines.append(str(words["shift"]))
    return "\n".join(part for line in [*lines, str(words["share"])] for part in wrap(line, 80, subsequent_indent="  "))


def format_of(suffix: str, path: str) -> str:
    """The suffix if shares can be written so, else `ClassifierError`."""
    if suffix not in FORMATS:
        raise ClassifierError(f"{path}: unknown output format {suffix or '(no suffix)'}; known are {', '.join(FORMATS)}")
    return suffix


def as_text(shares: Sequence[Share], tally: Tally, taxonomy: Taxonomy, language: str = "nb") -> str:
    """The shares for the terminal, 80 columns: all documents first, then label by label the groups."""
    words = WORDS[language]
    marks = dict(zip(dict.fromkeys(s.note for s in shares if s.note), "abcdef", strict=False))
    overall = [s for s in shares if not s.group]
    lines = []
    for facet in dict.fromkeys(s.facet for s in overall):
        title = taxonomy[facet].name(language) if facet != VERDICT else ""
        lines += ["", _head(title, words["columns"])]
        lines += [_line(name_of(s, taxonomy, language), s, marks, language) for s in overall if s.facet == facet]
    for s in overall if tally.by else ():
        lines += ["", _head(name_of(s, taxonomy, language), words["columns"])]
        groups = [g for g in shares if g.group and (g.facet, g.label) == (s.facet, s.label)]
        lines += [_line(_group([value or str(words["none"]) for value in g.group]), g, marks, language) for g in groups]
    notes = [wrap(f"{mark}  {NOTES[note][language]}", 80, subsequent_indent="   ") for note, mark in marks.items()]
    return "\n".join([*lines, *(["", *(line for note in notes for line in note)] if notes else [])])


def _group(values: list[str]) -> str:
    """The values of a group in the width of a name, the longest shortened first."""
    while len(", ".join(values)) >= WIDTH and max(map(len, values)) > 4:
        i = max(range(len(values)), key=lambda k: len(values[k]))
        values = [*values[:i], values[i].rstrip("…")[:-1] + "…", *values[i + 1 :]]
    return ", ".join(values)


def _head(title: str, columns: Sequence[str]) -> str:
    documents, counted, raw, corrected, interval = columns
    return f"{_cut(title, WIDTH + 2)}{documents:>7}{counted:>8}{raw:>8}{corrected:>8}  {interval:>11}"


def _line(name: str, s: Share, marks: dict[str, str], language: str) -> str:
    def percent(share: float | None) -> str:
        text = "–" if share is None else f"{100 * share:.1f}"
        return text if language == "en" else text.replace(".", ",")

    interval = "" if s.corrected is None else f"{percent(s.lower)}–{percent(s.upper)}"
    shares = f"{percent(s.raw):>8}{percent(s.corrected):>8}  {interval:>11}"
    return f"  {_cut(name, WIDTH)}{s.documents:7}{s.counted:8}{shares} {marks.get(s.note, '')}".rstrip()


def _cut(text: str, width: int) -> str:
    return f"{text:{width}}" if len(text) < width else f"{text[: width - 2]}… "
