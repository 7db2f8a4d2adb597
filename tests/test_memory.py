"""Memory does not grow with the input: a small version of `benchmarks/memory.py`."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "benchmarks"))
from memory import KINDS, measure

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_ten_times_the_documents(kind: str, jobs: int) -> None:
    """20,000 documents need at most a tenth more than 2,000, and 25 MB for what is learned once (known words, full windows)."""
    few, many = (float(str(measure(kind, jobs, count)["peak_mb"])) for count in (2_000, 20_000))
    assert many <= 1.1 * few + 25 * jobs
