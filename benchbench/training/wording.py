"""Captions with other articles, so that a text tower does not hang on "a".

The drawn world's captions introduce everything by "a"; tests, and people, do not. In training some
captions get another determiner in each such place. What a caption means is read before that, and
none comes to have the form of a test item: no phrasing has "is" after a subject, or "and" between
two objects.
"""

from __future__ import annotations

ARTICLES = ("a", "an")
DETERMINERS = (None, None, None, None, "the", "the", "the", "this", "one", "that")
"""What a caption may get instead, each as likely; None leaves it as it is."""


def reworded(caption: str, determiner: str | None) -> str:
    """The caption with another word for each "a"; as many words as before.

    >>> reworded("a dog on a chair", "the"), reworded("an orange cat", None)
    ('the dog on the chair', 'an orange cat')
    """
    if determiner is None:
        return caption
    return " ".join(determiner if word in ARTICLES else word for word in caption.split(" "))
