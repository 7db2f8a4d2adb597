"""The contenders of speed.py: each trained once on the same texts, and run on a stream of texts. (Those of accuracy.py are in peers.py.)"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

TRAIN = Path(__file__).resolve().parent.parent / "labelled_data/train.jsonl"


def codes(record: dict[str, Any]) -> list[str]:
    """All labels of a labelled text, whatever the facet."""
    return [*record["type"], record["fase"], *record["verdi"], *{code for span in record["barriere"] for code in span["labels"]}]


def stems(text: str) -> list[str]:
    """The tokens of the plain pipeline."""
    return [STEMMER.stem(token) for token in TOKENIZER.tokenize(text)]


def load_nltk() -> None:
    global STEMMER, TOKENIZER
    from nltk.stem.snowball import SnowballStemmer
    from nltk.tokenize import NLTKWordTokenizer

    STEMMER, TOKENIZER = SnowballStemmer("norwegian"), NLTKWordTokenizer()


def plain_pipeline() -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.pipeline import FeatureUnion, Pipeline

    load_nltk()
    words = TfidfVectorizer(tokenizer=stems, token_pattern=None, ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    chars = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), min_df=2, sublinear_tf=True)
    learner = OneVsRestClassifier(LogisticRegression(solver="liblinear"))
    return Pipeline([("features", FeatureUnion([("words", words), ("chars", chars)])), ("model", learner)])


def our_features(text: str) -> list[str]:
    """The features of our model that stand in a text, as `learn_vocabulary` counts them."""
    from classifier.features import pair_features, passage, token_features

    found = []
    for tokens in passage(text).tokens:
        features = [token_features(token) for token in tokens]
        found += [name for names in features for name in names] + pair_features(features)
    return found


def features_pipeline() -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.pipeline import make_pipeline

    vectorizer = TfidfVectorizer(analyzer=our_features, min_df=3, max_features=70_000)
    return make_pipeline(vectorizer, OneVsRestClassifier(LogisticRegression(solver="liblinear")))


def train_peers(folder: Path) -> None:
    """Every peer, trained on the same texts."""
    import fasttext
    import joblib
    import spacy
    from sklearn.preprocessing import MultiLabelBinarizer
    from spacy.training import Example

    records = [json.loads(line) for line in TRAIN.read_text(encoding="utf-8").splitlines()]
    binarizer = MultiLabelBinarizer()
    wanted = binarizer.fit_transform([codes(r) for r in records])
    for name, pipeline in (("plain", plain_pipeline()), ("plain-features", features_pipeline())):
        joblib.dump((pipeline.fit([r["text"] for r in records], wanted), list(binarizer.classes_)), folder / f"{name}.joblib")
    lines = [" ".join(f"__label__{code}" for code in codes(r)) + " " + " ".join(r["text"].split()) for r in records]
    (folder / "fasttext.txt").write_text("\n".join(lines), encoding="utf-8")
    for name, more in (("fasttext", {}), ("fasttext-chars", {"minn": 3, "maxn": 5})):
        model = fasttext.train_supervised(
            str(folder / "fasttext.txt"), loss="ova", wordNgrams=2, bucket=200_000, epoch=5, verbose=0, **more
        )
        model.save_model(str(folder / f"{name}.bin"))
    nlp = spacy.blank("nb")
    bow = {"@architectures": "spacy.TextCatBOW.v3", "exclusive_classes": False, "ngram_size": 2, "no_output_layer": False}
    nlp.add_pipe("textcat_multilabel", config={"model": bow})
    cats = [{code: float(code in codes(r)) for code in binarizer.classes_} for r in records]
    examples = [Example.from_dict(nlp.make_doc(r["text"]), {"cats": c}) for r, c in zip(records, cats, strict=True)]
    optimizer = nlp.initialize(lambda: examples)
    for at in range(0, len(examples), 64):
        nlp.update(examples[at : at + 64], sgd=optimizer)
    nlp.to_disk(folder / "spacy")


def texts_of(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)["text"]


def batches(texts: Iterator[str], size: int = 1000) -> Iterator[list[str]]:
    from itertools import islice

    while batch := list(islice(texts, size)):
        yield batch


def run_plain(folder: Path, texts: Iterator[str], name: str = "plain") -> Iterator[list[str]]:
    import joblib

    load_nltk()
    model, names = joblib.load(folder / f"{name}.joblib")
    for batch in batches(texts):
        yield from ([names[k] for k in row.nonzero()[0]] for row in model.predict(batch))


def run_plain_features(folder: Path, texts: Iterator[str]) -> Iterator[list[str]]:
    return run_plain(folder, texts, "plain-features")


def run_plain_sentences(folder: Path, texts: Iterator[str]) -> Iterator[list[str]]:
    """The plain pipeline asked what we are asked: the labels of a text and those of each of its sentences."""
    import joblib
    from nltk.tokenize.punkt import PunktSentenceTokenizer

    load_nltk()
    model, names = joblib.load(folder / "plain.joblib")
    cut = PunktSentenceTokenizer()
    for batch in batches(texts):
        sentences = [[text[a:b] for a, b in cut.span_tokenize(text)] for text in batch]
        of_sentences = iter(model.predict([sentence for own in sentences for sentence in own]))
        for row, own in zip(model.predict(batch), sentences, strict=True):
            found = sum(next(of_sentences) for _ in own)
            yield [names[k] for k in row.nonzero()[0]] + [f"sentence {names[k]}" for k in found.nonzero()[0]]


def run_fasttext(folder: Path, texts: Iterator[str], name: str = "fasttext") -> Iterator[list[str]]:
    import fasttext

    model = fasttext.load_model(str(folder / f"{name}.bin"))
    for batch in batches(texts):
        yield from model.predict(batch, k=-1, threshold=0.5)[0]


def run_fasttext_chars(folder: Path, texts: Iterator[str]) -> Iterator[list[str]]:
    return run_fasttext(folder, texts, "fasttext-chars")


def run_spacy(folder: Path, texts: Iterator[str]) -> Iterator[list[str]]:
    import spacy

    for doc in spacy.load(folder / "spacy").pipe(texts, batch_size=256):
        yield [code for code, p in doc.cats.items() if p >= 0.5]


def run_floor(folder: Path, texts: Iterator[str]) -> Iterator[list[str]]:
    import numpy as np
    import regex
    from scipy import sparse

    token, index = regex.compile(r"\w+"), dict[str, int]()
    for batch in batches(texts):
        found = [token.findall(text) for text in batch]
        ids = np.fromiter((index.setdefault(t, len(index)) for tokens in found for t in tokens), np.int32)
        indptr = np.cumsum([0, *map(len, found)])
        counts = sparse.csr_matrix((np.ones(len(ids), np.float32), ids, indptr), shape=(len(batch), len(index)))
        yield from (["x"] if score > 0 else [] for score in counts @ np.ones(len(index), np.float32))


def run_library(folder: Path, texts: Iterator[str]) -> Iterator[list[str]]:
    from classifier import predict_many

    for p in predict_many(texts, evidence=False):
        yield [code for facet in p.facets for code in p.labels(facet)]


CONTENDERS: dict[str, Callable[[Path, Iterator[str]], Iterator[list[str]]]] = {
    "library": run_library, "plain": run_plain, "plain-features": run_plain_features, "plain-sentences": run_plain_sentences,
    "fasttext": run_fasttext, "fasttext-chars": run_fasttext_chars, "spacy": run_spacy, "floor": run_floor,
}  # fmt: skip
