"""The one error that this library raises of its own."""


class ClassifierError(ValueError):
    """Something the caller can mend: the message says what is wrong and what to do."""
