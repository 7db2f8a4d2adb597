"""How well `beskriver_prosjekt` tells descriptions of a project from other text: on the test split and, where at hand, on real text."""

import argparse
from pathlib import Path

from parts import fill, table

from classifier.documents.labelled import Record, read_labelled
from classifier.documents.passages.files import describes_project
from classifier.prediction import predict_many
from classifier.storage import shipped
from classifier.taxonomy import Taxonomy


def says_something(record: Record, taxonomy: Taxonomy) -> bool:
    """Has the annotator given any label but the defaults?"""
    values = ((facet, record.get(facet.code)) for facet in taxonomy.facets)
    return any(value != facet.default if isinstance(value, str) else bool(value) for facet, value in values)


def counted(path: Path) -> list[str]:
    """Texts of a file by annotation (rows) and mark (columns)."""
    model = shipped()
    records = read_labelled([path], model.taxonomy)
    n = [[0, 0], [0, 0]]
    for record, prediction in zip(records, predict_many((r["text"] for r in records), model, evidence=False), strict=True):
        n[says_something(record, model.taxonomy)][describes_project(prediction, model.taxonomy)] += 1
    (true_no, false_yes), (false_no, true_yes) = n
    shares = [f"{a} of {a + b}" for a, b in ((true_yes, false_no), (true_no, false_yes))]
    return [f"`{path.parent.name}/{path.name}`", *shares, f"{true_no} of {true_no + false_no}"]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="+", type=Path)
    rows = [counted(path) for path in parser.parse_args().data if path.exists()]
    fill("passages", table(["data", "texts with labels marked «ja»", "texts without marked «nei»", "«nei» that is right"], rows))
