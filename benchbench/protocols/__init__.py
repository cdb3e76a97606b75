"""Evaluation protocols: how models are evaluated on a task's items, and outcomes are judged.

::

    protocol     the interface of every protocol
    matching     images against captions
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
