"""What to label next: texts of a pile, chosen for variety, for what a model is unsure of, and for labels that still have few examples.

Without a model (cold start) half of the texts are those most like the names and definitions of the labels (as in Chang et al. 2008,
"Importance of semantic representation: dataless classification"), half stand for a cluster each. With a model, the facets take turns to
propose the texts that are worth most to them (Reichart et al. 2008, "Multi-task active learning for linguistic annotations"), and these are
clustered so that no two of those chosen say the same (Zhdanov 2019, "Diverse mini-batch active learning").
"""

import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.cluster import KMeans
from sklearn.decomposition import TruncatedSVD
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import normalize
from threadpoolctl import threadpool_limits

from classifier.annotation.checks import SIMILAR, shingles
from classifier.documents.labelled import Record
from classifier.evaluation import codes_of
from classifier.features import Matrix, passages
from classifier.prediction import BATCH, batched
from classifier.preprocessing import TOKEN, normal_form
from classifier.scoring import best_sentences, score
from classifier.storage import Model
from classifier.taxonomy import Label, Taxonomy

DIMENSIONS = 100  # of the space that the texts are compared in
WORDS = 20_000  # different ones that are looked at
DEFINED = 0.5  # of a cold start is searched for by the labels' definitions
OPEN = 2  # times as many texts as are asked for are clustered when there is a model
PRIOR = 5  # examples: searching outweighs uncertainty up to PRIOR² − PRIOR examples of a label
FEW = 2  # examples below which a model cannot know a label

IsNew = Callable[[int], bool]  # may this text be chosen? A text that may is thereby taken


@dataclass(frozen=True, slots=True)
class Choice:
    """A text of the pile and why it was chosen: a key of `wording.toml` and what belongs into that sentence."""

    row: int
    reason: str
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Space:
    """Texts to compare: `points`, rows of length one, shape (texts, ≤ DIMENSIONS), and how like each label's definition they are, 0–1."""

    points: np.ndarray
    likeness: np.ndarray  # (texts, labels)

    def __getitem__(self, which: Any) -> "Space":
        return Space(self.points[which], self.likeness[which])


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a model says of texts: probabilities (texts, labels); per label, from where on it is given, and how many examples are known."""

    p: np.ndarray
    thresholds: np.ndarray
    examples: np.ndarray

    def __getitem__(self, which: Any) -> "Outlook":
        return Outlook(self.p[which], self.thresholds, self.examples)


def columns_of(taxonomy: Taxonomy) -> list[tuple[str, str]]:
    """(facet, label) of each column of the matrices here."""
    return [(facet.code, code) for facet in taxonomy.facets for code in facet.codes]


def words_of(text: str) -> list[str]:
    return [normal_form(token) for token in TOKEN.findall(text.lower()) if not token.isdigit()]


def space_of(texts: Sequence[str], taxonomy: Taxonomy, seed: int = 0) -> Space:
    """TF-IDF of normal forms, reduced to its main directions (latent semantic analysis); any texts, empty ones too."""
    vectorizer = TfidfVectorizer(
        analyzer=words_of, sublinear_tf=True, min_df=2 if len(texts) >= 100 else 1, max_features=WORDS, dtype=np.float32
    )
    try:
        matrix = sparse.csr_matrix(vectorizer.fit_transform(texts))
    except ValueError:  # not a word in any text
        return Space(np.zeros((len(texts), 1), np.float32), np.zeros((len(texts), len(columns_of(taxonomy)))))
    like = likeness(matrix, vectorizer, taxonomy)
    if min(matrix.shape) <= DIMENSIONS + 1:
        return Space(matrix.toarray(), like)
    reduced = TruncatedSVD(DIMENSIONS, random_state=seed).fit_transform(matrix)
    return Space(normalize(reduced).astype(np.float32), like)


def likeness(matrix: Matrix, vectorizer: TfidfVectorizer, taxonomy: Taxonomy) -> np.ndarray:
    """How much more like a label's name and definition than like the others' each text is, 0–1; 0 for the default of a single choice."""
    labels = [(facet, label) for facet in taxonomy.facets for label in facet.labels]
    told = sparse.csr_matrix(vectorizer.transform([described(label) for _, label in labels]))
    like: np.ndarray = np.asarray((matrix @ told.T).todense(), dtype=np.float64)
    like = np.clip(like - like.mean(axis=1, keepdims=True), 0, None) if len(labels) > 1 else like
    like[:, [facet.default == label.code for facet, label in labels]] = 0
    most = like.max(axis=0, initial=0)
    return like / np.where(most > 0, most, 1)


def described(label: Label) -> str:
    return ". ".join([label.code.replace("_", " "), *label.names.values(), *label.definitions.values()])


def clusters(points: np.ndarray, n: int, rng: np.random.Generator) -> list[np.ndarray]:
    """The rows of at most n groups (k-means), each from its middle outwards, the largest group first."""
    if n >= len(points):
        return [np.array([i]) for i in range(len(points))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer different texts than groups are wanted: then there are fewer groups
        made = KMeans(n, n_init=1, max_iter=20, random_state=int(rng.integers(2**31))).fit(points)
    away = ((points - made.cluster_centers_[made.labels_]) ** 2).sum(axis=1)
    groups = [np.flatnonzero(made.labels_ == k) for k in range(n)]
    return sorted((g[np.argsort(away[g], kind="stable")] for g in groups if len(g)), key=len, reverse=True)


def cold(
    space: Space, n: int, examples: np.ndarray, is_new: IsNew, rng: np.random.Generator, known: np.ndarray | None = None
) -> list[Choice]:
    """At most n texts to begin with; `known` are the points of texts that are labelled already, `examples` (labels,) what they gave."""
    chosen: dict[int, Choice] = {}
    by_lot = rng.permutation(len(examples))
    order = [int(k) for k in by_lot[np.argsort(examples[by_lot], kind="stable")] if space.likeness[:, k].any()]
    ranked = {k: iter(np.argsort(-space.likeness[:, k], kind="stable").tolist()) for k in order}
    while order and len(chosen) < int(n * DEFINED):
        for k in list(order):
            row = next((i for i in ranked[k] if i not in chosen and space.likeness[i, k] > 0 and is_new(i)), None)
            if row is None:
                order.remove(k)
            elif len(chosen) < int(n * DEFINED):
                chosen[row] = Choice(row, "like_definition", {"column": k})
    size = len(space.points)
    points = space.points if known is None else np.vstack([space.points, known])
    wanted = n - len(chosen)
    groups = clusters(points, wanted + min(len(points) - size, 3 * wanted), rng)  # some for what is labelled
    groups.sort(key=lambda g: bool((g >= size).any() or chosen.keys() & set(g.tolist())))  # what nobody has seen anything of comes first
    while groups and len(chosen) < n:
        left = []
        for group in groups:
            row = next((int(i) for i in group if i < size and i not in chosen and is_new(int(i))), None)
            if row is not None and len(chosen) < n:
                chosen[row] = Choice(row, "stands_for", {"texts": int((group < size).sum())})
                left.append(group)
        groups = left
    return list(chosen.values())


def worth(space: Space, outlook: Outlook) -> tuple[np.ndarray, np.ndarray]:
    """(by uncertainty, by search), each of shape (texts, labels): what a text is worth for each label.

    Uncertainty is the entropy of the decision. Search is the probability against the highest in the pile; for a label that the model
    cannot know yet, the likeness to its definition instead. Both count less the more examples a label has, search sooner.
    """
    logit = np.log(np.clip(outlook.p, 1e-6, 1 - 1e-6) / np.clip(1 - outlook.p, 1e-6, 1))
    t = np.clip(outlook.thresholds, 1e-3, 1 - 1e-3)
    q = np.clip(1 / (1 + np.exp(np.log(t / (1 - t)) - logit)), 1e-9, 1 - 1e-9)
    entropy = -(q * np.log2(q) + (1 - q) * np.log2(1 - q))
    sought = outlook.p / np.maximum(outlook.p.max(axis=0), 1e-9)
    unknown = outlook.examples < FEW
    sought[:, unknown] = space.likeness[:, unknown]
    entropy[:, unknown] = 0
    examples = outlook.examples + PRIOR
    return entropy / np.sqrt(examples), sought * PRIOR / examples


def warm(space: Space, outlook: Outlook, facets: Sequence[str], n: int, is_new: IsNew, rng: np.random.Generator) -> list[Choice]:
    """At most n texts by what a model says of them; `facets` names the facet of each label. The facets take turns to propose."""
    uncertain, sought = worth(space, outlook)
    columns = {facet: np.flatnonzero(np.array(facets) == facet) for facet in facets}
    queues = {facet: iter(np.argsort(-(uncertain + sought)[:, own].sum(axis=1), kind="stable").tolist()) for facet, own in columns.items()}
    proposed: dict[int, str] = {}
    while queues and len(proposed) < OPEN * n:
        for facet in list(queues):
            row = next((i for i in queues[facet] if i not in proposed and is_new(i)), None)
            if row is None:
                del queues[facet]
            elif len(proposed) < OPEN * n:
                proposed[row] = facet
    candidates = list(proposed)
    chosen = {candidates[group[0]] for group in clusters(space.points[candidates], n, rng)} if candidates else set()
    chosen |= set([i for i in candidates if i not in chosen][: n - len(chosen)])  # where k-means left a group empty
    return [_why(i, columns[facet], uncertain, sought, outlook) for i, facet in proposed.items() if i in chosen]


def _why(i: int, columns: np.ndarray, uncertain: np.ndarray, sought: np.ndarray, outlook: Outlook) -> Choice:
    """The label, of the facet that proposed the text, and the reason that weigh most."""
    at, by_search = divmod(int(np.stack([uncertain[i, columns], sought[i, columns]], axis=1).argmax()), 2)
    k = int(columns[at])
    facts = {"column": k, "p": float(outlook.p[i, k]), "t": float(outlook.thresholds[k]), "examples": round(float(outlook.examples[k]))}
    return Choice(i, "uncertain" if not by_search else "like_definition" if outlook.examples[k] < FEW else "rare", facts)


def outlook_of(model: Model, texts: Iterable[str], examples: np.ndarray | None) -> Outlook:
    """What a model says of texts; a sentence label has the highest probability of the sentences.

    Without known `examples`, as many as a hundred texts of the pile are likely to have.
    """
    columns = columns_of(model.taxonomy)
    order = [*model.document_labels, *model.sentence_labels]
    picked = [order.index(column) for column in columns]
    parts = []
    for batch in batched(texts, BATCH):
        with model.vocabulary.held():
            found = model.vocabulary.find(passages(batch, model.vocabulary.chunks))
            scores = score(model, found)
        parts.append(np.hstack([scores.document, best_sentences(scores.sentence, found.starts)[0]])[:, picked])
    p = np.vstack(parts) if parts else np.zeros((0, len(columns)))
    thresholds = np.array([model.thresholds.get(".".join(c), model.thresholds.get(c[0], 0.5)) for c in columns])
    return Outlook(p, thresholds, 100 * p.mean(axis=0) + FEW if examples is None else examples)


def examples_of(records: Sequence[Record], taxonomy: Taxonomy) -> np.ndarray:
    """How many labelled texts have each label, shape (labels,)."""
    c: Counter[tuple[str, str]] = Counter()
    for record in records:
        c.update((facet.code, code) for facet in taxonomy.facets for code in codes_of(record, facet))
    return np.array([c[column] for column in columns_of(taxonomy)], dtype=float)


class Seen:
    """Texts that are labelled or taken already, to tell whether another is nearly the same as one of them (word 5-grams, cosine)."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self.where: defaultdict[str, list[int]] = defaultdict(list)
        self.sizes: list[int] = []
        for text in texts:
            self.add(shingles(text))

    def add(self, own: set[str]) -> None:
        for shingle in own:
            self.where[shingle].append(len(self.sizes))
        self.sizes.append(len(own))

    def knows(self, own: set[str]) -> bool:
        shared = Counter(i for shingle in own for i in self.where.get(shingle, ()))
        return any(n >= SIMILAR * (len(own) * self.sizes[i]) ** 0.5 for i, n in shared.items())


@dataclass(frozen=True, slots=True)
class Sample:
    """What was chosen, in the order to label, and how many texts were passed over as nearly the same as another."""

    choices: list[Choice]
    duplicates: int


@threadpool_limits.wrap(limits=1)  # type: ignore[untyped-decorator]  # so that the sums, and the sample, are the same on any machine
def sample(
    texts: Sequence[str], n: int, taxonomy: Taxonomy, labelled: Sequence[Record] = (), model: Model | None = None, seed: int = 0
) -> Sample:
    """At most n of the texts to label next, none of them empty or nearly the same as a labelled one or another of the sample.

    Without a model a cold start. The same arguments give the same sample.
    """
    rng = np.random.default_rng(seed)
    pile = [i for i, text in enumerate(texts) if text.strip()]
    seen, passed_over = Seen(record["text"] for record in labelled), set[int]()

    @cache  # a text that was asked for and not taken may be asked for again; it is not its own duplicate
    def is_new(k: int) -> bool:
        own = shingles(texts[pile[k]])
        if seen.knows(own):
            passed_over.add(k)
            return False
        seen.add(own)
        return True

    if not pile:
        return Sample([], 0)
    space = space_of([texts[i] for i in pile] + [record["text"] for record in labelled], taxonomy, seed)
    here, known = space[: len(pile)], space.points[len(pile) :]
    examples = examples_of(labelled, taxonomy)
    if model is None:
        choices = cold(here, n, examples, is_new, rng, known if len(known) else None)
    else:
        outlook = outlook_of(model, (texts[i] for i in pile), examples if labelled else None)
        choices = warm(here, outlook, [facet for facet, _ in columns_of(taxonomy)], n, is_new, rng)
    renamed = {} if len(labelled) else {"rare": "rare_here"}  # without labelled data nobody knows how many examples there are
    return Sample([Choice(pile[c.row], renamed.get(c.reason, c.reason), c.facts) for c in choices], len(passed_over))
