"""Norwegian text, from characters to normal forms. Pure functions; the data tables lie beside them.

repair       mends broken characters, and knows where each came from
language     nb, nn or other
sentence     where a sentence ends
chunks       texts cut into sentences and what stands between white space, in one pass
hashing      short strings looked up many at a time
words        tokens and their normal forms
"""

from classifier.preprocessing.chunks import Chunks, Cut, cut, grown, sentences
from classifier.preprocessing.language import elected, language
from classifier.preprocessing.repair import Repaired, repair
from classifier.preprocessing.words import TOKEN, normal_form

__all__ = ["TOKEN", "Chunks", "Cut", "Repaired", "cut", "elected", "grown", "language", "normal_form", "repair", "sentences"]
