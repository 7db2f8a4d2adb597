"""Long documents in passages: reports, plans and applications that hold many descriptions, one row for each.

A reader turns a file into `Block`s (headings, paragraphs, list items), `cutting.py` turns blocks into passages of a length that the
model was trained on. PDF and plain text have no headings of their own: `layout.py` finds them, and what is no text (running heads,
page numbers, tables of contents), from the lines.

To add a format: a reader of blocks, and a row in `READERS` of `files.py`.
"""
