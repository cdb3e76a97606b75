"""The relations protocol (relation detection): which objects of an image are related, and how?

::

    scoring    scenes to scored pairs, by crops and prompts or by a model's own head
    ranking    scored pairs to the places of the true relations
    judging    places to the credit of each relation
    protocol   the class that implements ``protocols.protocol.Protocol``
    storing    outcomes to columns of a run's file, and back
"""

from benchbench.protocols.relations.protocol import PROTOCOL

__all__ = ["PROTOCOL"]
