"""Shares of labels with intervals that carry the classifier's error: `estimate.py` on arrays, `shares.py` on rows, `tables.py` to people."""

from classifier.prevalence.shares import Share, Tally, add, count, shares

__all__ = ["Share", "Tally", "add", "count", "shares"]
