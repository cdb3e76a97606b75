"""Caption ⇄ scene graph: the statements of a caption, and its semantic negatives.

Read in this order::

    wording             captions as words and back; "a" or "an"
    graph               objects, attributes and relations over a caption's words; triples
    word_classes        words that are recognised without a tag
    aro, drawn_captions two exact grammars: ARO's templates, the drawn world's captions
    agreement           relations of free text whose swap would be a mistake in grammar
    freetext            a modest grammar, over tags
    parsing             the choice of the grammar that reads a caption; captions parsed once
    symmetric           relations that a swap leaves true, or that have a converse
    swapping            semantic negatives
    random_negatives    random negatives
"""

from benchbench.scenegraph.drawn_captions import tagged as drawn_tags
from benchbench.scenegraph.graph import (
    MAX_TRIPLES,
    Attribute,
    Graph,
    Object,
    Relation,
    Triple,
    triples,
)
from benchbench.scenegraph.parsing import Caption, parse
from benchbench.scenegraph.random_negatives import random_negative
from benchbench.scenegraph.swapping import Negative, negatives
from benchbench.scenegraph.symmetric import oriented, symmetric
from benchbench.scenegraph.wording import words_of

__all__ = [
    "MAX_TRIPLES",
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
