"""Text -> sparse TF-IDF rows, one a sentence and one a document, in one pass.

tokens       what a single token, and a pair of neighbours, contribute: features are added here
passage      a text, mended and cut
counts       sparse matrices of counts, and sums over rows
units        what is known of each distinct chunk, and which pairs stand in a row
vocabulary   the features of a model: counting and weighing them

What is the same for all occurrences of a chunk (what stands between white space) is found once, and kept while there is room; counting is
sorting, so that Python never loops over features.
"""

from classifier.features.counts import Counted, Matrix, summed
from classifier.features.passage import Passage, passage, passages
from classifier.features.tokens import KIND_WEIGHT, pair_features, parts_of, token_features
from classifier.features.units import Words
from classifier.features.vocabulary import Counts, Vocabulary, learn_vocabulary

__all__ = [
    "KIND_WEIGHT", "Counted", "Counts", "Matrix", "Passage", "Vocabulary", "Words", "learn_vocabulary", "pair_features",
    "parts_of", "passage", "passages", "summed", "token_features",
]  # fmt: skip
