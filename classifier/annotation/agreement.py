"""How far two annotators agree."""

from collections.abc import Sequence
from typing import Any

from nltk.metrics.agreement import AnnotationTask

from classifier.documents.labelled import Record
from classifier.evaluation import Counts, count, spans
from classifier.taxonomy import Taxonomy


def agreement(first: Sequence[Record], second: Sequence[Record], taxonomy: Taxonomy) -> tuple[Counts, dict[str, float]]:
    """(counts of the second annotator against the first, Krippendorff's alpha per `facet.label`), records pairwise in order.

    Alpha is nominal, over documents; for a sentence facet over the documents that have the label somewhere. Source: Krippendorff (2004),
    as computed by `nltk.metrics.agreement`.
    """
    alphas = {}
    for facet in taxonomy.facets:
        for code in facet.codes:
            votes = []
            for i, pair in enumerate(zip(first, second, strict=True)):
                votes += [(who, i, _has(record, facet.code, code)) for who, record in enumerate(pair)]
            distinct = {vote for _, _, vote in votes}
            alphas[f"{facet.code}.{code}"] = float(AnnotationTask(data=votes).alpha()) if len(distinct) > 1 else float("nan")
    return count(first, second, taxonomy), alphas


def _has(record: Record, facet: str, code: str) -> bool:
    value: Any = record.get(facet) or []
    if isinstance(value, str):
        return value == code
    return any(code in labels for _, _, labels in spans(record, facet)) if value and isinstance(value[0], dict) else code in value
