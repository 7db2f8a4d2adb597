"""Generated parts of Markdown files: a part stands between `<!-- NAME -->` and `<!-- /NAME -->`."""

import re
from pathlib import Path

BENCHES = Path(__file__).resolve().parent / "README.md"


def table(header: list[str], rows: list[list[str]]) -> str:
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [header, ["---"] * len(header), *rows])


def filled(text: str, name: str, part: str) -> str:
    """The text with one part replaced; the part must have its place there."""
    new, n = re.subn(f"(<!-- {name} -->\n).*?(<!-- /{name} -->)", lambda m: f"{m[1]}{part.strip()}\n{m[2]}", text, flags=re.S)
    if n != 1:
        raise SystemExit(f"<!-- {name} --> should stand once, stands {n} times")
    return new


def fill(name: str, part: str, path: Path = BENCHES) -> None:
    """Replace one part of a file, by default of benchmarks/README.md."""
    path.write_text(filled(path.read_text(encoding="utf-8"), name, part), encoding="utf-8")
