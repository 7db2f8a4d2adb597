"""Labelled data: checks of a set, agreement between annotators."""
