"""Relation detection: which objects of an image stand in which relation?

::

    scoring    scenes to scored pairs, by crops and prompts or by a model's own head
    ranking    scored pairs to the places of the true relations
    judging    places to what each relation earns
    protocol   the face to the rest of the package
"""

from benchbench.protocols.relations.protocol import PROTOCOL

__all__ = ["PROTOCOL"]
