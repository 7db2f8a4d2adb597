"""A trained model: what it holds, and how it lies on disk.

A model is a folder: `model.json` (taxonomy, thresholds, how it was trained), `vocabulary.json` (feature names), `weights.npz` (arrays) and
the model card `README.md`. Nothing in it is executed when it is loaded.
"""

import json
import zipfile
from dataclasses import asdict, dataclass, field
from functools import cache, cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from classifier import taxonomy as taxonomies
from classifier.confusion import Confusion
from classifier.errors import ClassifierError
from classifier.features import Vocabulary, WordSums
from classifier.taxonomy import Taxonomy

FORMAT = 2  # 1: other weights of features
ANY = ""  # the pseudo-label of a sentence facet: any of its labels
ARRAYS = ("feature_weights", "document_weights", "sentence_weights", "document_stack", "sentence_stack")
BY_FEATURE, PRECISION = ("document_weights", "sentence_weights"), np.float16  # three digits say as much as seven, in half the room


@dataclass(frozen=True)
class Model:
    """Linear scores of documents and sentences, the calibration on top of them, and the thresholds.

    With D document labels, S sentence labels (each sentence facet has one more, `ANY`) and F features:

    document_weights  (F + 1, D)          whole text -> document labels; the last row of each matrix is the intercept
    sentence_weights  (F + 1, D + 2 S)    sentence -> document labels, own sentence labels, labels of its neighbours
    document_stack    (2 D + 1, D)        text score and best sentence score of all labels -> calibrated logit
    sentence_stack    (S + 1, S)          own and neighbours' score together, of all labels -> calibrated logit
    """

    name: str
    version: str
    taxonomy: Taxonomy
    vocabulary: Vocabulary
    document_weights: np.ndarray
    sentence_weights: np.ndarray
    document_stack: np.ndarray
    sentence_stack: np.ndarray
    thresholds: dict[str, float]  # "facet.label" -> probability; absent for single-choice facets
    review: dict[str, tuple[float, float]]  # "facet.label" -> probabilities between which a person should look
    training: dict[str, Any]  # seed, versions, counts, scores: for the card
    errors: dict[str, Confusion] = field(default_factory=dict)  # out of fold, see `confusion.py`; empty in models made before
    folder: Path | None = None  # where it was loaded from

    @property
    def document_labels(self) -> list[tuple[str, str]]:
        return document_labels(self.taxonomy)

    @property
    def sentence_labels(self) -> list[tuple[str, str]]:
        return sentence_labels(self.taxonomy)

    @cached_property
    def by_feature(self) -> np.ndarray:
        """What a feature adds, wherever it stands, to the scores of documents and of sentences and, in the last column, to the squared norm
        of its row, by which these are divided; float32, shape (F, D + (D + 2 S) + 1)."""
        weight = self.vocabulary.weights[:, None]
        return np.hstack([weight * self.document_weights[:-1], weight * self.sentence_weights[:-1], weight**2])

    @cached_property
    def word_sums(self) -> WordSums:
        """The same of whole words."""
        return WordSums(self.by_feature)

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


def document_labels(taxonomy: Taxonomy) -> list[tuple[str, str]]:
    """(facet, label) of each document column of a model's matrices."""
    return [(facet.code, code) for facet in taxonomy.of("document") for code in facet.codes]


def sentence_labels(taxonomy: Taxonomy) -> list[tuple[str, str]]:
    """(facet, label) of each sentence column: per facet `ANY`, then its labels."""
    return [(facet.code, code) for facet in taxonomy.of("sentence") for code in (ANY, *facet.codes)]


def save(model: Model, folder: Path, card: str) -> None:
    """Write a model folder under a passing name and move it into place: under the final name stands a whole model or none."""
    about = {
        "format": FORMAT,
        "name": model.name,
        "version": model.version,
        "taxonomy": model.taxonomy.source,
        "thresholds": model.thresholds,
        "review": model.review,
        "errors": {k: asdict(c) | {"counts": c.counts.tolist()} for k, c in model.errors.items()},
        "training": model.training,
    }
    if folder.exists() and not (folder.is_dir() and ((folder / "model.json").exists() or not any(folder.iterdir()))):
        raise ClassifierError(f"{folder}: is there and is no model; it is not replaced, choose another folder")
    names = json.dumps(model.vocabulary.names, ensure_ascii=False, separators=(",\n", ":"))
    arrays = {name: getattr(model, name) for name in ARRAYS[1:]} | {"feature_weights": model.vocabulary.weights}
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as scratch:
            made = Path(scratch) / "made"
            made.mkdir()
            (made / "model.json").write_text(json.dumps(about, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
            (made / "vocabulary.json").write_text(names + "\n", encoding="utf-8")
            stored = {k: v.astype(PRECISION if k in BY_FEATURE else np.float32) for k, v in arrays.items()}
            np.savez_compressed(made / "weights.npz", **stored)
            (made / "README.md").write_text(card, encoding="utf-8")
            if folder.exists():
                folder.rename(Path(scratch) / "old")
            made.rename(folder)
    except OSError as error:
        raise ClassifierError(f"{folder}: cannot write the model: {error.strerror or error}") from error


def load(folder: str | Path) -> Model:
    """The model of a folder, executing nothing of it.

    Raises `ClassifierError` for a folder that is missing, damaged, foreign or of another format version.
    """
    folder = Path(folder)
    if not (folder / "model.json").is_file():
        raise ClassifierError(f"{folder}: not a model folder (no model.json); `innovasjon train … -o {folder}` makes one")
    try:
        about = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        if about.get("format") != FORMAT:
            raise ClassifierError(
                f"{folder}: model format {about.get('format')}, this program reads {FORMAT}; train it again with this version"
            )
        taxonomy = taxonomies.parse(about["taxonomy"], str(folder / "model.json"))
        names = json.loads((folder / "vocabulary.json").read_text(encoding="utf-8"))
        with np.load(folder / "weights.npz", allow_pickle=False) as stored:
            arrays = {name: stored[name].astype(np.float32) for name in ARRAYS}
        d, s, f = len(document_labels(taxonomy)), len(sentence_labels(taxonomy)), len(names)
        shapes = ((f,), (f + 1, d), (f + 1, d + 2 * s), (2 * d + 1, d), (s + 1, s))
        for (name, array), shape in zip(arrays.items(), shapes, strict=True):
            if array.shape != shape or not np.isfinite(array).all():
                raise ClassifierError(f"{folder}: weights.npz: {name} has shape {array.shape}, {shape} expected; the model is damaged")
        return Model(
            about["name"],
            about["version"],
            taxonomy,
            Vocabulary(names, arrays.pop("feature_weights")),
            **arrays,
            thresholds=about["thresholds"],
            review={k: (low, high) for k, (low, high) in about["review"].items()},
            training=about["training"],
            errors={k: Confusion(np.array(c.pop("counts")), tuple(c.pop("edges")), **c) for k, c in about.get("errors", {}).items()},
            folder=folder,
        )
    except ClassifierError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, zipfile.BadZipFile) as error:
        raise ClassifierError(f"{folder}: the model is damaged or not one of ours ({error})") from error


@cache
def shipped() -> Model:
    """The model that comes with the package."""
    here = Path(__file__).parent
    inside, beside = here / "models" / "default", here.parent / "models" / "default"
    return load(inside if inside.exists() else beside)
