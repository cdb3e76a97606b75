"""Evaluation protocols: how models are evaluated on a task's items, and outcomes are judged.

::

    protocol     the interface of every protocol
    matching     images against captions
    paraphrases  one meaning in two wordings against another meaning, with and without the image
    verification captions that are true or false, by a threshold
    answering    questions with a list of answers, for generative models
    scores       images of items against their captions, for the three above
    retrieval    galleries searched both ways, and lists of class names
    relations    boxes to ranked triples
    reading      events to means: filters, groups, chance
    ties         the one tie rule
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from benchbench.errors import UsageError

if TYPE_CHECKING:
    from benchbench.protocols.protocol import Protocol

_MODULES = {
    "matching": "benchbench.protocols.matching",
    "paraphrases": "benchbench.protocols.paraphrases",
    "verification": "benchbench.protocols.verification",
    "answering": "benchbench.protocols.answering",
    "retrieval": "benchbench.protocols.retrieval",
    "relations": "benchbench.protocols.relations",
}


def load_protocol(name: str) -> Protocol:
    """Return the protocol of the given name.

    Raises:
        UsageError: no protocol has this name.
    """
    if name not in _MODULES:
        raise UsageError(f"Unknown protocol {name!r}. Protocols: {', '.join(_MODULES)}.")
    protocol: Protocol = import_module(_MODULES[name]).PROTOCOL
    return protocol
