"""Words: tokens, and the normal form under which inflections and nb/nn variants of a word meet.

The lexicon (simplemma: bokmål and nynorsk forms with their lemmas) is looked up first; a compound that it does not know
is lemmatised by its last part. Nynorsk lemmas are then led to bokmål by `variants.tsv`, where the result is a bokmål word
by the spelling rules below, or as compounds part by part.
"""

import os
import re
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from marisa_trie import BytesTrie
from platformdirs import user_cache_path

LONGEST = 60  # letters of a word that is looked at for parts
TOKEN = re.compile(r"[^\W_]+(?:[-'’][^\W_]+)*")

# Nynorsk spelling -> bokmål spelling, tried in this order on a lemma; kept when bokmål knows the result.
SPELLING = [
    (re.compile(a), b)
    for a, b in (
        (r"ar$", "er"),
        (r"leg$", "lig"),
        (r"leik$", "het"),
        (r"heit$", "het"),
        (r"ande$", "ende"),
        (r"ad$", "et"),
        (r"are$", "ere"),
        (r"nad$", "ning"),
        (r"ing$", "else"),
        (r"else$", "ing"),
        (r"sam$", "som"),
        (r"laus$", "løs"),
        (r"tenest", "tjenest"),
        (r"kvar", "hver"),
        (r"skule", "skole"),
        (r"øy", "ø"),
        (r"ei", "e"),
        (r"au", "ø"),
        (r"gj", "g"),
        (r"kj", "k"),
        (r"([aeiouyæøå])v", r"\1g"),
        (r"^kv", "hv"),
        (r"jon", "sjon"),
        (r"y", "ø"),
        (r"o", "u"),
        (r"u", "o"),
        (r"a$", "e"),
        (r"je$", "e"),
        (r"([bdfgklmnprst])\1?je$", r"\1\1e"),
        (r"e$", ""),
        (r"heim", "hjem"),
        (r"sjuk", "syk"),
        (r"val", "valg"),
        (r"stad", "sted"),
    )
]


@cache
def lexicons() -> tuple[Callable[[str], str | None], Callable[[str], str | None]]:
    """Look-ups, form -> lemma, of bokmål and nynorsk, as simplemma ships them."""
    return _lexicon("nb"), _lexicon("nn")


def _lexicon(language: str) -> Callable[[str], str | None]:
    """A look-up in a lexicon that is unpacked once, into the user's cache folder.

    Importing simplemma and unpacking its lexicons costs half a second, more than all else up to the first label.
    """
    folder = user_cache_path("innovasjon") / f"simplemma-{version('simplemma')}"
    kept = folder / f"{language}.dic"
    try:
        if not kept.exists():
            _unpack(language, kept)
        trie = BytesTrie().load(str(kept))
    except (OSError, RuntimeError):  # no home, none that can be written to, or a damaged file
        from simplemma.strategies.dictionaries import DefaultDictionaryFactory

        return DefaultDictionaryFactory().get_dictionary(language).get

    def look_up(word: str) -> str | None:
        try:
            found = None if "\0" in word else trie.get(word)  # NUL, which the trie takes for an end, is in no lexicon
            return str(found[0].decode()) if found else None
        except UnicodeEncodeError:  # nor is half a surrogate pair
            return None

    return look_up


def _unpack(language: str, kept: Path) -> None:
    from simplemma.strategies.dictionaries import TrieDictionaryFactory

    kept.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=kept.parent) as made:  # another process may be at the same
        TrieDictionaryFactory(disk_cache_dir=made).get_dictionary(language)
        os.replace(Path(made) / kept.name, kept)


@cache
def variants() -> dict[str, str]:
    """Nynorsk or irregular form -> bokmål lemma, written for this project; with a hyphen, first parts of compounds: heime- -> hjemme-."""
    lines = (Path(__file__).parent / "variants.tsv").read_text(encoding="utf-8").splitlines()
    return dict(line.split("\t") for line in lines)


@lru_cache(maxsize=20_000)
def to_bokmaal(lemma: str) -> str:
    """The bokmål lemma of a nynorsk one: by table, else by the first spelling rule that gives a bokmål word, else part by part."""
    if lemma in variants():
        return variants()[lemma]
    nb = lexicons()[0]
    if nb(lemma) is not None:
        return lemma
    for pattern, replacement in SPELLING:
        candidate = pattern.sub(replacement, lemma, count=1)
        if candidate != lemma and nb(candidate) == candidate:
            return candidate
    return next(_by_parts(lemma, nynorsk=True), lemma)


def _by_parts(word: str, nynorsk: bool = False) -> Iterator[str]:
    """A word as compounds of something and a known word, each part led to bokmål; that with the longest known word first.

    `nynorsk`: only those with a part that bokmål does not have (the others are lemmas already).
    """
    for cut in range(2, len(word) - 3):
        found = lookup(word[cut:])
        if found is not None:
            first = f"{word[:cut]}-"
            if not nynorsk or first in variants() or lexicons()[0](word[cut:]) is None:
                yield variants().get(first, first)[:-1] + found


def lookup(word: str) -> str | None:
    """The lemma of a word that a table or the lexicon knows, led to bokmål."""
    found = variants().get(word)
    if found is not None:
        return found
    nb, nn = lexicons()
    lemma = nb(word) or nn(word)
    return None if lemma is None else to_bokmaal(lemma)


@lru_cache(maxsize=20_000)
def normal_form(word: str) -> str:
    """The form under which inflections and nb/nn variants of a word meet: `normal_form("tenestene") == "tjeneste"`."""
    word = word.lower()
    found = lookup(word)
    if found is not None:
        return found
    if len(word) > 4 and word.endswith("s"):  # genitive
        found = lookup(word[:-1])
        if found is not None:
            return found
    if len(word) > LONGEST:
        return word
    return next(_by_parts(word), word)  # the longest last part that is a word carries the inflection
