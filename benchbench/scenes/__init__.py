"""A drawn world with exact scene graphs: the data set that needs no download."""

from benchbench.scenes.captions import Captions, captions, dense_captions
from benchbench.scenes.digest import digest
from benchbench.scenes.drawing import draw, label
from benchbench.scenes.gallery import gallery
from benchbench.scenes.graph import Graph, closure
from benchbench.scenes.items import (
    AttributeItems,
    RelationItems,
    attribute_items,
    crops,
    relation_items,
)
from benchbench.scenes.records import records
from benchbench.scenes.sampling import SPLITS, sample
from benchbench.scenes.seen import Seen, seen
from benchbench.scenes.world import VERSION, Scenes

__all__ = [
    "SPLITS",
    "VERSION",
    "AttributeItems",
    "Captions",
    "Graph",
    "RelationItems",
    "Scenes",
    "Seen",
    "attribute_items",
    "captions",
    "closure",
    "crops",
    "dense_captions",
    "digest",
    "draw",
    "gallery",
    "label",
    "records",
    "relation_items",
    "sample",
    "seen",
]
