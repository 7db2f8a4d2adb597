"""Text -> sparse TF-IDF rows, one a sentence and one a document, in one pass.

tokens       what a single token, and a pair of neighbours, contribute: features are added here
passage      a text, mended and cut
ngrams       the known character n-grams of many words
units        what is known of each distinct chunk and its words, and which pairs stand in a row
vocabulary   the features of a model: finding, counting and weighing them
sums         what features add to scores, summed

What is the same for all occurrences of a chunk (what stands between white space) is found once, and kept while there is room, so that
Python never loops over features.
"""

from classifier.features.passage import Passage, passage, passages
from classifier.features.sums import WordSums, summed
from classifier.features.tokens import KIND_WEIGHT, pair_features, parts_of, token_features
from classifier.features.vocabulary import Found, Matrix, Vocabulary, learn_vocabulary

__all__ = [
    "KIND_WEIGHT", "Found", "Matrix", "Passage", "Vocabulary", "WordSums", "learn_vocabulary", "pair_features", "parts_of",
    "passage", "passages", "summed", "token_features",
]  # fmt: skip
