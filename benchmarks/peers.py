"""The classifiers that a user might pick instead of ours, trained on the same texts. Used by accuracy.py.

A peer is a function `fit(texts, wanted, **settings) -> decide`: `wanted` is a 0/1 matrix, shape (texts, labels), and
`decide(texts)` gives scores of that shape, a label being given from 0.5 on. Each is fitted twice: on whole texts for the
facets of documents, on sentences (cut as ours are) for those of sentences. To add one: a function and a row in `PEERS`.
"""

import csv
import re
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import ComplementNB
from sklearn.svm import LinearSVC

from classifier.evaluation import match
from classifier.preprocessing import sentences
from classifier.taxonomy import Taxonomy

Record = dict[str, Any]
Decide = Callable[[Sequence[str]], np.ndarray]
TOKEN = re.compile(r"\w+")


def majority(texts: Sequence[str], wanted: np.ndarray) -> Decide:
    """The same for every text: the labels that most texts have; of a single-choice facet the most frequent one."""
    shares = wanted.mean(axis=0)
    return lambda texts: np.tile(shares, (len(texts), 1))


def keywords(texts: Sequence[str], wanted: np.ndarray, columns: Sequence[tuple[str, str]]) -> Decide:
    """Cue words per label (keywords.tsv), as an analyst searches in a spreadsheet; nothing is learnt.

    Later rows of the table win among the labels of a single-choice facet.
    """
    with (Path(__file__).parent / "keywords.tsv").open(encoding="utf-8", newline="") as file:
        cues = {(facet, label): words.split("|") for facet, label, words in csv.reader(file, delimiter="\t")}
    order = list(cues)
    found = [re.compile("|".join(rf"\b{cue}" for cue in cues[c]), re.I) if c in cues else None for c in columns]

    def decide(texts: Sequence[str]) -> np.ndarray:
        scores = np.zeros((len(texts), len(columns)))
        for k, pattern in enumerate(found):
            if pattern:
                scores[:, k] = [bool(pattern.search(t)) * (0.5 + 0.4 * order.index(columns[k]) / len(order)) for t in texts]
            elif columns[k][0] in {facet for facet, _ in cues}:  # the label without cues: what nothing else speaks for
                scores[:, k] = 0.49
        return scores

    return decide


def _scikit(vectorizer: TfidfVectorizer, learner: Any, score: Callable[[Any, Any], np.ndarray]) -> Callable[..., Decide]:
    def fit(texts: Sequence[str], wanted: np.ndarray) -> Decide:
        kept = np.flatnonzero((wanted.sum(axis=0) > 0) & (wanted.sum(axis=0) < len(wanted)))
        fitted = OneVsRestClassifier(learner).fit(vectorizer.fit_transform(texts), wanted[:, kept])

        def decide(texts: Sequence[str]) -> np.ndarray:
            scores = np.tile(wanted.mean(axis=0), (len(texts), 1))
            scores[:, kept] = score(fitted, vectorizer.transform(texts))
            return scores

        return decide

    return fit


def _sigmoid(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-values))


def plain(texts: Sequence[str], wanted: np.ndarray) -> Decide:
    """What a tutorial teaches: words, TF-IDF, logistic regression, 0.5."""
    return _scikit(TfidfVectorizer(), LogisticRegression(solver="liblinear"), lambda m, x: m.predict_proba(x))(texts, wanted)


def linear_svm(texts: Sequence[str], wanted: np.ndarray, c: float = 0.3, chars: bool = False) -> Decide:
    """Linear support vectors, balanced classes."""
    learner = LinearSVC(C=c, class_weight="balanced")
    return _scikit(_vectorizer(chars), learner, lambda m, x: _sigmoid(m.decision_function(x)))(texts, wanted)


def naive_bayes(texts: Sequence[str], wanted: np.ndarray, alpha: float = 0.3, chars: bool = False) -> Decide:
    """Complement naive Bayes (Rennie et al. 2003)."""
    return _scikit(_vectorizer(chars), ComplementNB(alpha=alpha), lambda m, x: m.predict_proba(x))(texts, wanted)


def _vectorizer(chars: bool) -> TfidfVectorizer:
    if chars:
        return TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), min_df=3, sublinear_tf=True)
    return TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)


def fasttext(texts: Sequence[str], wanted: np.ndarray, epoch: int = 50, chars: bool = True, threshold: float = 0.5) -> Decide:
    """fastText supervised, one against all (Joulin et al. 2017)."""
    import fasttext as library

    def line(text: str) -> str:
        return " ".join(TOKEN.findall(text.lower()))

    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        for text, row in zip(texts, wanted, strict=True):
            file.write(" ".join([*(f"__label__{k}" for k in np.flatnonzero(row)), "__label__always", line(text)]) + "\n")
        file.flush()
        model = library.train_supervised(
            file.name, loss="ova", epoch=epoch, lr=0.5, wordNgrams=2, dim=50, bucket=200_000,
            minn=3 if chars else 0, maxn=5 if chars else 0, thread=1, verbose=0,
        )  # fmt: skip

    def decide(texts: Sequence[str]) -> np.ndarray:
        scores = np.zeros((len(texts), wanted.shape[1]))
        for i, text in enumerate(texts):
            for name, p in zip(*model.predict(line(text), k=-1), strict=True):
                if not name.endswith("always"):
                    scores[i, int(name.removeprefix("__label__"))] = p
        return scores + 0.5 - threshold

    return decide


def spacy(texts: Sequence[str], wanted: np.ndarray, epochs: int = 10, ngrams: int = 1) -> Decide:
    """spaCy's `textcat_multilabel` (bag of words) on a blank Norwegian pipeline."""
    import random

    import spacy as library
    from spacy.training import Example
    from spacy.util import fix_random_seed, minibatch

    fix_random_seed(0)
    shuffled = random.Random(0)
    pipeline = library.blank("nb")
    architecture = {"@architectures": "spacy.TextCatBOW.v3", "exclusive_classes": False, "ngram_size": ngrams}
    architecture |= {"length": 262_144, "no_output_layer": False}
    part = pipeline.add_pipe("textcat_multilabel", config={"model": architecture, "threshold": 0.5})
    for k in range(wanted.shape[1]):
        part.add_label(str(k))
    examples = [
        Example.from_dict(pipeline.make_doc(text), {"cats": {str(k): float(v) for k, v in enumerate(row)}})
        for text, row in zip(texts, wanted, strict=True)
    ]
    optimizer = pipeline.initialize(lambda: examples[:200])
    for _ in range(epochs):
        shuffled.shuffle(examples)
        for batch in minibatch(examples, 64):
            pipeline.update(batch, sgd=optimizer)

    def decide(texts: Sequence[str]) -> np.ndarray:
        cats = (doc.cats for doc in pipeline.pipe(texts, batch_size=256))
        return np.array([[c[str(k)] for k in range(wanted.shape[1])] for c in cats])

    return decide


# name -> (fit, the settings that are searched on the folds; the first is the library's or the usual one)
PEERS: dict[str, tuple[Callable[..., Decide], list[dict[str, Any]]]] = {
    "majority": (majority, [{}]),
    "keywords": (keywords, [{}]),
    "plain TF-IDF + LR": (plain, [{}]),
    "linear SVM": (linear_svm, [{"c": c, "chars": chars} for c in (0.1, 0.3, 1.0) for chars in (False, True)]),
    "complement naive Bayes": (naive_bayes, [{"alpha": a, "chars": chars} for a in (0.1, 0.3, 1.0) for chars in (False, True)]),
    "fastText": (
        fasttext,
        [{"epoch": e, "chars": c, "threshold": t} for e, c in ((25, False), (25, True), (75, True)) for t in (0.5, 0.3)],
    ),
    "spaCy textcat_multilabel": (spacy, [{"epochs": 10, "ngrams": 1}, {"epochs": 10, "ngrams": 2}]),
}


def peer(name: str, records: Sequence[Record], taxonomy: Taxonomy, settings: dict[str, Any]) -> Callable[[Sequence[str]], list[Record]]:
    """Train a peer on labelled records; the function that it gives turns texts into records of labels."""
    fit = PEERS[name][0]
    columns = {unit: [(f.code, code) for f in taxonomy.of(unit) for code in f.codes] for unit in ("document", "sentence")}
    texts, wanted = [r["text"] for r in records], [[_has(r[f], code) for f, code in columns["document"]] for r in records]
    pieces, marked = [], []
    for record in records:
        for start, end in sentences(record["text"]):
            pieces.append(record["text"][start:end])
            marked.append([_marked(record.get(f) or (), start, end, code) for f, code in columns["sentence"]])
    decide = {}
    for unit, given, y in (("document", texts, wanted), ("sentence", pieces, marked)):
        more = {"columns": columns[unit]} if fit is keywords else {}
        decide[unit] = fit(given, np.array(y, dtype=int), **settings, **more)

    def label(texts: Sequence[str]) -> list[Record]:
        cut = [sentences(text) for text in texts]
        of_document = decide["document"](texts)
        flat = [text[s:e] for text, spans in zip(texts, cut, strict=True) for s, e in spans]
        of_sentence = iter(decide["sentence"](flat))
        return [
            _record(row, [(span, next(of_sentence)) for span in spans], taxonomy, columns)
            for row, spans in zip(of_document, cut, strict=True)
        ]

    return label


def _has(value: Any, code: str) -> bool:
    return value == code if isinstance(value, str) else code in value


def _marked(spans: Sequence[Record], start: int, end: int, code: str) -> bool:
    return any(code in s["labels"] and match((s["start"], s["end"], set()), (start, end, set())) for s in spans)


def _record(row: np.ndarray, rows: list[tuple[tuple[int, int], np.ndarray]], taxonomy: Taxonomy, columns: dict[str, list]) -> Record:
    record: Record = {}
    for facet in taxonomy.of("document"):
        scores = {code: s for (f, code), s in zip(columns["document"], row, strict=True) if f == facet.code}
        best = max(scores, key=lambda code: scores[code])
        record[facet.code] = best if facet.choice == "single" else [code for code, s in scores.items() if s >= 0.5]
    for facet in taxonomy.of("sentence"):
        record[facet.code] = []
        for (start, end), scores in rows:
            labels = [code for (f, code), s in zip(columns["sentence"], scores, strict=True) if f == facet.code and s >= 0.5]
            if labels:
                record[facet.code].append({"start": start, "end": end, "labels": labels})
    return record
