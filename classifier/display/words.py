"""The words that stand on the screen around names and figures, in bokmål, nynorsk and English."""

from classifier.taxonomy import LANGUAGES

WORDS: dict[str, tuple[str, str, str]] = {
    "innovation": ("Innovasjon", "Innovasjon", "Innovation"),
    "innovations": ("Innovasjon (type, i bruk, verdi)", "Innovasjon (type, i bruk, verdi)", "Innovation (type, in use, value)"),
    "yes": ("ja", "ja", "yes"),
    "no": ("nei", "nei", "no"),
    "lacks": ("mangler", "manglar", "lacks"),
    "review": ("Til kontroll", "Til kontroll", "To review"),
    "note": ("Merk", "Merk", "Note"),
    "notes": ("Merknader", "Merknader", "Notes"),
    "rows": ("{} rader merket", "{} rader merkte", "{} rows labelled"),
    "row": ("1 rad merket", "1 rad merkt", "1 row labelled"),
    "without_text": (
        "{} uten tekst, som ikke er regnet med under",
        "{} utan tekst, som ikkje er rekna med under",
        "{} without text, not counted below",
    ),
    "before": ("{} fra før", "{} frå før", "{} from before"),
    "at work": ("merker", "merkjer", "labelling"),
    "finished": ("er ferdig, ingenting gjenstår", "er ferdig, ingenting står att", "is finished already; nothing to resume"),
}
# What readers and predictions note in bokmål, which is what stands in the files.
NOTES: dict[str, tuple[str, str]] = {
    "teksten er tom": ("teksten er tom", "the text is empty"),
    "teksten ser ikke ut til å være norsk": ("teksten ser ikkje ut til å vere norsk", "the text does not seem to be Norwegian"),
    "teksten har tegn som ikke kan leses": ("teksten har teikn som ikkje kan lesast", "the text has characters that cannot be read"),
    "filen har ingen tekst": ("fila har ingen tekst", "the file has no text"),
    "filen kan ikke leses": ("fila kan ikkje lesast", "the file cannot be read"),
    "filen er kryptert med passord": ("fila er kryptert med passord", "the file is encrypted with a password"),
}


def word(key: str, language: str, *values: object) -> str:
    """A word or phrase in a language, with what belongs into it."""
    return WORDS[key][LANGUAGES.index(language)].format(*values)


def note(text: str, language: str) -> str:
    """A note in a language where it is known, else as it stands; what follows a colon is kept."""
    head, colon, rest = text.partition(":")
    known = NOTES.get(head)
    return text if known is None or language == "nb" else known[LANGUAGES.index(language) - 1] + colon + rest
