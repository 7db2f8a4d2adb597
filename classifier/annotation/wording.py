"""What `sample` and `train --report` say to people, from `wording.toml`."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from classifier.annotation.gain import ROUNDS, WORTH_IT, Advice, Estimate
from classifier.annotation.sampling import Choice, columns_of
from classifier.taxonomy import Taxonomy


@cache
def _texts() -> dict[str, dict[str, str]]:
    return tomllib.loads((Path(__file__).parent / "wording.toml").read_text(encoding="utf-8"))


def say(language: str, key: str, **values: Any) -> str:
    return _texts()[language][key].format(**values)


def number(language: str, value: float, form: str = ".2f") -> str:
    """A number with the language's decimal mark; a minus that is one."""
    shown = format(value, form)
    shown = shown.lstrip("+-") if not float(shown) else shown
    return shown.replace(".", say(language, "decimal")).replace("-", "−")


def gain(language: str, told: Estimate) -> str:
    """«+0,012 (95 %: +0,001 til +0,030)»"""
    value, low, high = (number(language, x, "+.3f") for x in (told.value, told.low, told.high))
    return say(language, "interval", value=value, low=low, high=high)


def why(choice: Choice, taxonomy: Taxonomy, language: str) -> str:
    """In one line, why a text was chosen."""
    facts, reason = dict(choice.facts), choice.reason
    if "column" in facts:
        facet_code, code = columns_of(taxonomy)[facts["column"]]
        facet = taxonomy[facet_code]
        name = next(label for label in facet.labels if label.code == code).name(language)
        facts["label"] = f"{facet.name(language)}: {name}"
    facts |= {key: number(language, facts[key]) for key in ("p", "t") if key in facts}
    if facts.get("texts") == 1:
        reason = "stands_alone"
    return " ".join(say(language, reason, **facts).split())


def advised(told: Advice | None, documents: int, taxonomy: Taxonomy, language: str) -> str:
    """What the last batch gave, what the next is likely to, and whether to stop: three lines, or one where too little is known."""
    if told is None:
        return say(language, "too_few", n=documents)
    facets = ", ".join(facet.name(language) for facet in taxonomy.facets)
    return "\n".join([
        say(language, "gained", last=told.last, gained=gain(language, told.gained), facets=facets),
        say(language, "likely", next=told.next, likely=gain(language, told.likely), hundred=gain(language, told.hundred)),
        say(language, told.verdict, limit=number(language, WORTH_IT)),
    ])  # fmt: skip


def report(told: dict[str, Any], taxonomy: Taxonomy, language: str) -> str:
    """The forecast of `gain.forecast` as Markdown."""

    def cell(value: dict[str, Any] | None, form: str) -> str:
        if value is None:
            return "–"
        low, high = (number(language, x, form) for x in value["interval"])
        return f"{number(language, value['value'], form)} [{low} – {high}]"

    def row(*cells: Any) -> str:
        return f"| {' | '.join(map(str, cells))} |"

    names = {(f.code, x.code): x.name(language) for f in taxonomy.facets for x in f.labels}
    sizes = [point["documents"] for point in told["facets"][0]["curve"]]
    more = say(language, "gain", more=told["more"])
    lines = [f"# {say(language, 'title')}", "", say(language, "about", n=told["documents"], rounds=ROUNDS), ""]
    lines += [f"## {say(language, 'curve')}", ""]
    lines += [row(say(language, "facet"), *(f"{say(language, 'texts')}: {n}" for n in sizes), more), row(*["---"] * (len(sizes) + 2))]
    for facet in told["facets"]:
        lines.append(row(taxonomy[facet["facet"]].name(language), *(cell(p, ".3f") for p in facet["curve"]), cell(facet["gain"], "+.3f")))
    ranked = sorted(told["labels"], key=lambda r: -(r["gain_with_label"] or {"value": 1})["value"])  # never found: first of all
    told_of = [r for r in ranked if r["gain_with_label"] and r["gain_with_label"]["value"] > 0]
    best = ", ".join(names[r["facet"], r["label"]] for r in told_of[:3])
    lines += ["", f"## {say(language, 'kinds')}", ""] + ([say(language, "best", labels=best), ""] if best else [])
    if unknown := ", ".join(names[r["facet"], r["label"]] for r in ranked if not r["gain_with_label"]):
        lines += [say(language, "unknown", labels=unknown), ""]
    head = [*(say(language, key) for key in ("facet", "label", "examples", "f1"))]
    head += [say(language, "gain_with_label", more=told["more"]), more]
    lines += [row(*head), row(*["---"] * len(head))]
    for r in ranked:
        f1 = "–" if r["f1"] is None else number(language, r["f1"])
        shown = (taxonomy[r["facet"]].name(language), names[r["facet"], r["label"]], r["examples"], f1)
        lines.append(row(*shown, cell(r["gain_with_label"], "+.3f"), cell(r["gain"], "+.3f")))
    return "\n".join(lines) + "\n"
