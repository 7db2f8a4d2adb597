"""Pages to look at, each one HTML file that needs nothing else: `evaluating.py` for a model, `labelled.py` for what it labelled.

Texts in three languages, template, style and script are files in `assets/`.
"""
