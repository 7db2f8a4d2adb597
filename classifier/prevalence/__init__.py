"""Shares of labels with intervals that carry the classifier's error: on arrays (`estimate`), on rows (`shares`), for people (`tables`)."""

from classifier.prevalence.shares import Share, Tally, add, count, shares

__all__ = ["Share", "Tally", "add", "count", "shares"]
