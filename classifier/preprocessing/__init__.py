"""Norwegian text, from characters to normal forms. Pure functions; the data tables lie beside them.

repair       mends broken characters, and knows where each came from
language     nb, nn or other
sentence     sentences, with exact offsets
words        tokens and their normal forms
"""

from classifier.preprocessing.language import language
from classifier.preprocessing.repair import Repaired, repair
from classifier.preprocessing.sentence import sentences
from classifier.preprocessing.words import TOKEN, normal_form

__all__ = ["TOKEN", "Repaired", "language", "normal_form", "repair", "sentences"]
