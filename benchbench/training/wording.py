"""Captions with other determiners, so that a text tower does not depend on "a".

The drawn world's captions introduce every object by "a"; tests and people do not. In training some
captions get another determiner in each such place. Triples are read before that, and no caption
takes the form of a test item: no phrasing has "is" after a subject, or "and" between two objects.
"""

from __future__ import annotations

ARTICLES = ("a", "an")
DETERMINERS = (None, None, None, None, "the", "the", "the", "this", "one", "that")
"""What a caption may get instead, each as likely; None leaves it as it is."""


def reword(caption: str, determiner: str | None) -> str:
    """Return the caption with another determiner for each "a"; as many words as before.

    >>> reword("a dog on a chair", "the"), reword("an orange cat", None)
    ('the dog on the chair', 'an orange cat')
    """
    if determiner is None:
        return caption
    return " ".join(determiner if word in ARTICLES else word for word in caption.split(" "))
