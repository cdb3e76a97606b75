"""What tasks yield: one question, or one thing to be looked for, each about one source image."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels of the original image; right and bottom are exclusive."""

Edges = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels, as a file has them: not rounded."""

Role = Literal["scene", "object", "relation"]
"""What a picture or a phrase stands for. Models with a single stream ignore it."""


@dataclass(frozen=True, slots=True)
class ImageRef:
    """An image file, or a crop of it."""

    path: Path
    box: Box | None = None
    """The crop in pixels; None is the whole image. What lies beyond the edge is black."""


class Question(Protocol):
    """What every protocol's items have."""

    @property
    def id(self) -> str:
        """Unique within the task and stable across versions of benchbench."""
        ...

    @property
    def images(self) -> tuple[ImageRef, ...]:
        """What it is about."""
        ...

    @property
    def cluster(self) -> str:
        """The source image, named globally. Items of one cluster are not independent."""
        ...

    @property
    def tags(self) -> Mapping[str, str]:
        """Slices of the result."""
        ...


@dataclass(frozen=True, slots=True)
class Item:
    """One question of the matching protocol: which caption belongs to which image?"""

    id: str
    """Unique within the task and stable across versions of benchbench."""
    images: tuple[ImageRef, ...]
    captions: tuple[str, ...]
    target: tuple[int, ...]
    """``target[i]`` is the column of image i's own caption."""
    cluster: str
    """The source image, named globally. Items of one cluster are not independent."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Slices of the result: ``{"relation": "on"}``."""


@dataclass(frozen=True, slots=True)
class Gallery:
    """What is searched together in the retrieval protocol; its entries share one of these."""

    name: str
    """Unique within the task, and the value of every entry's tag ``gallery``."""
    role: Role = "scene"
    """What its pictures and captions stand for."""
    captions: tuple[str, ...] = ()
    """A closed list of captions (class names), searched by pictures only. Empty where the entries'
    own captions are what is searched, both ways."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One picture of a gallery, and the captions that are true of it.

    A caption that several entries of an open gallery share, to the letter, is true of all their
    pictures.
    """

    id: str
    """Unique within the task and stable across versions of benchbench."""
    image: ImageRef
    captions: tuple[str, ...]
    """Its own: a hit under every reading."""
    cluster: str
    """The source image, named globally. Entries of one cluster are not independent."""
    gallery: Gallery
    also: tuple[str, ...] = ()
    """More captions of a closed list that a lenient reading takes for hits."""
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def images(self) -> tuple[ImageRef, ...]:
        """The one picture."""
        return (self.image,)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The names that a relations task's numbers stand for, counted from 0."""

    objects: tuple[str, ...]
    predicates: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Proposals:
    """What a detector found in an image."""

    boxes: tuple[Box, ...]
    labels: tuple[int, ...]
    """Of each box, in the vocabulary's objects."""
    scores: tuple[float, ...]
    """Of each label, in (0, 1]."""
    unrounded: tuple[Edges, ...] = ()
    """Of each box, by which it is matched with the true ones; empty: the boxes themselves."""


Given = Literal["pairs", "labels", "boxes", "proposals"]
"""What a model is told of a scene: the boxes, their labels and which ordered pairs are related
(*predicate classification* proper, read as A@K); the boxes and their labels (PredCls); the boxes
(SGCls); or nothing but what a detector found (SGDet)."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One image of the relations protocol: which of its objects stand in which relation?"""

    id: str
    """Unique within the task and stable across versions of benchbench."""
    image: ImageRef
    """A whole image."""
    boxes: tuple[Box, ...]
    labels: tuple[int, ...]
    """Of each box, in the vocabulary's objects."""
    relations: tuple[tuple[int, int, int], ...]
    """Subject's box, object's box, predicate; repeats are kept."""
    unseen: tuple[bool, ...]
    """Of each relation: whether training has no such triple of names (zero-shot)."""
    cluster: str
    """The source image, named globally."""
    vocabulary: Vocabulary
    given: Given = "labels"
    proposals: Proposals | None = None
    """Where ``given`` is "proposals"."""
    unrounded: tuple[Edges, ...] = ()
    """Of each box, by which overlaps are measured; empty: the boxes themselves."""
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def images(self) -> tuple[ImageRef, ...]:
        """The one image."""
        return (self.image,)
