"""The house itself: who imports whom, how long a room is, and what must not stand in it."""

import ast
import re
from pathlib import Path

import pytest

from classifier import taxonomy

PACKAGE = Path(__file__).parent.parent / "classifier"
ORDER = (
    "errors parallel taxonomy confusion preprocessing concepts features storage scoring evidence prediction thresholds reliability model "
    "documents evaluation calibration mistakes prevalence annotation card journal batch display report cli"
).split()  # each room imports from rooms on its left only
MODULES = sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    """`classifier/documents/rows.py` -> `documents.rows`; a room's `__init__` is the room."""
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")


def imported(path: Path) -> set[str]:
    """The modules of the package that a module imports, wherever in it the import stands, those for types included."""
    known = {name_of(p) for p in MODULES}
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names] if node.module else []
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        for name in (n.removeprefix("classifier.") for n in names if n.startswith("classifier.")):
            found.add(name if name in known else name.rpartition(".")[0])
    return found - {""}


def test_order_names_every_room() -> None:
    """A new room finds its place in the order, or this test says so."""
    rooms = {name_of(p).split(".")[0] for p in MODULES} - {"__init__", "__main__"}
    assert rooms == set(ORDER)


@pytest.mark.parametrize("path", [p for p in MODULES if p.parent != PACKAGE or not p.name.startswith("__")], ids=name_of)
def test_imports_run_downwards(path: Path) -> None:
    """A module imports from lower rooms and its own only."""
    room = name_of(path).split(".")[0]
    for other in imported(path):
        assert ORDER.index(other.split(".")[0]) <= ORDER.index(room), f"{name_of(path)} imports {other}"


def test_no_circles() -> None:
    """No module imports itself over others, inside a room neither."""
    graph = {name_of(p): imported(p) - {name_of(p)} for p in MODULES}
    while leaves := [name for name, others in graph.items() if not others & graph.keys()]:
        for name in leaves:
            del graph[name]
    assert graph == {}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_modules_are_short(path: Path) -> None:
    """No module is longer than 300 lines."""
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


def strings(path: Path) -> list[str]:
    """The string constants of a module, those inside f-strings too, docstrings left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    docs = {id(n.body[0].value) for n in ast.walk(tree) if isinstance(n, documented) and n.body and isinstance(n.body[0], ast.Expr)}
    return [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str) and id(n) not in docs]


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_labels_are_data(path: Path) -> None:
    """No code of a label stands in Python code, the verdict's rule aside: a label is added in the TOML only."""
    codes = {code for facet in taxonomy.shipped().facets for code in facet.codes}
    allowed = {"i_bruk", "spredt"} if name_of(path) == "prediction" else set()
    assert {word for s in strings(path) for word in re.findall(r"\w+", s)} & codes <= allowed


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_nothing_is_downloaded(path: Path) -> None:
    """No module can reach the network: no client is imported, and nltk's downloader is never called."""
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"nltk\.download|\bdownload\(|urlopen|urlretrieve", text)
    assert not re.search(r"^\s*(?:import|from) (?:requests|urllib|http|socket|httpx|aiohttp|ftplib)\b", text, re.M)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_one_error_of_our_own(path: Path) -> None:
    """The library raises one error class of its own, a `ValueError`; only attribute look-ups may raise another."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and isinstance(node.exc.func, ast.Name):
            assert node.exc.func.id in ("ClassifierError", "AttributeError"), f"{path}:{node.lineno}"
