"""Innovation types, barriers, phase and value in Norwegian public-sector project descriptions.

>>> from classifier import predict
>>> predict("Kommunen har tatt i bruk …")  # -> Prediction
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.errors import ClassifierError

if TYPE_CHECKING:  # heavy: imported when first asked for
    from classifier.prediction import Prediction, load, predict, predict_many
    from classifier.storage import Model

__all__ = ["ClassifierError", "Model", "Prediction", "load", "predict", "predict_many"]
__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    if name in ("Prediction", "load", "predict", "predict_many"):
        from classifier import prediction

        return getattr(prediction, name)
    if name == "Model":
        from classifier.storage import Model

        return Model
    raise AttributeError(f"module 'classifier' has no attribute {name!r}")
