"""Caption ⇄ scene graph: the statements of a caption, and its semantic negatives.

Read in this order::

    wording             captions as words and back; "a" or "an"
    graph               objects, attributes and relations over a caption's words; triples
    draft, closed       a graph while it is read; closed word classes
    aro, drawn          two exact grammars: ARO's templates, the drawn world's captions
    freetext            a modest grammar, over tags
    parsing             the choice of the grammar that reads a caption; captions parsed once
    symmetric           relations that a swap leaves true, or that have a converse
    swapping, chance    semantic negatives, and random negatives
"""

from benchbench.scenegraph.chance import random_negative
from benchbench.scenegraph.drawn import tagged as drawn_tags
from benchbench.scenegraph.graph import (
    MOST_TRIPLES,
    Attribute,
    Graph,
    Object,
    Relation,
    Triple,
    triples,
)
from benchbench.scenegraph.parsing import Caption, parse
from benchbench.scenegraph.swapping import Negative, negatives
from benchbench.scenegraph.symmetric import oriented, symmetric
from benchbench.scenegraph.wording import words_of

__all__ = [
    "MOST_TRIPLES",
    "Attribute",
    "Caption",
    "Graph",
    "Negative",
    "Object",
    "Relation",
    "Triple",
    "drawn_tags",
    "negatives",
    "oriented",
    "parse",
    "random_negative",
    "symmetric",
    "triples",
    "words_of",
]
