"""Documents in and out of files, by suffix, one at a time.

To add a format: a reader in `readers.py` and a writer in `writers.py`, each a row in the table at the end of its file.
"""

from classifier.documents.readers import open_source, open_sources
from classifier.documents.rows import Row, Settings, Source
from classifier.documents.writers import encoder_of, head_of

__all__ = ["Row", "Settings", "Source", "encoder_of", "head_of", "open_source", "open_sources"]
