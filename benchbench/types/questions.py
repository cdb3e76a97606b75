"""The types of items: matching items, retrieval entries, scenes; each is of one source image."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels of the original image; right and bottom are exclusive."""

Edges = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels, as in the file: not rounded."""

Role = Literal["scene", "object", "relation"]
"""What an image or a phrase represents. Models with a single stream ignore it."""


@dataclass(frozen=True, slots=True)
class ImageRef:
    """An image file, or a crop of it."""

    path: Path
    box: Box | None = None
    """The crop in pixels; None is the whole image. Pixels beyond the edge are black."""


class Question(Protocol):
    """The interface of every protocol's items."""

    @property
    def id(self) -> str:
        """Return the item's id, unique within the task and stable across versions of benchbench."""
        ...

    @property
    def images(self) -> tuple[ImageRef, ...]:
        """Return the images that the item is about."""
        ...

    @property
    def cluster(self) -> str:
        """Return the global name of the source image. Items of one cluster are not independent."""
        ...

    @property
    def tags(self) -> Mapping[str, str]:
        """Return the item's tags, by which results are sliced."""
        ...


@dataclass(frozen=True, slots=True)
class Item:
    """One item of the matching protocol: which caption belongs to which image?"""

    id: str
    """Unique within the task and stable across versions of benchbench."""
    images: tuple[ImageRef, ...]
    captions: tuple[str, ...]
    target: tuple[int, ...]
    """``target[i]`` is the column of image i's own caption; −1 where it has none in the item."""
    cluster: str
    """The global name of the source image. Items of one cluster are not independent."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Tags by which results are sliced: ``{"relation": "on"}``."""


@dataclass(frozen=True, slots=True)
class Paraphrases:
    """One item of the paraphrases protocol: captions of one meaning, and false ones."""

    id: str
    """Unique within the task and stable across versions of benchbench."""
    image: ImageRef
    true: tuple[str, ...]
    """Captions of one meaning, true of the image: two or more."""
    false: tuple[str, ...]
    """Captions that are false of it."""
    cluster: str
    """The global name of the source image. Items of one cluster are not independent."""
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def images(self) -> tuple[ImageRef, ...]:
        """Return the one image."""
        return (self.image,)

    @property
    def captions(self) -> tuple[str, ...]:
        """Return all captions, the true ones first."""
        return (*self.true, *self.false)


@dataclass(frozen=True, slots=True)
class Claim:
    """One item of the verification protocol: is this caption true of this image?"""

    id: str
    """Unique within the task and stable across versions of benchbench."""
    image: ImageRef
    caption: str
    label: bool
    """Whether the caption is true."""
    cluster: str
    """The global name of the source image. Items of one cluster are not independent."""
    validation: bool = False
    """Whether it serves to fit the threshold, and is not scored itself."""
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def images(self) -> tuple[ImageRef, ...]:
        """Return the one image."""
        return (self.image,)

    @property
    def captions(self) -> tuple[str, ...]:
        """Return the one caption."""
        return (self.caption,)


@dataclass(frozen=True, slots=True)
class Prompt:
    """One item of the answering protocol: a question about an image, with a list of answers."""

    id: str
    """Unique within the task and stable across versions of benchbench."""
    image: ImageRef
    text: str
    """The whole question, as the model gets it."""
    options: tuple[str, ...]
    """The answers to choose from: ``("Yes", "No")``."""
    right: int
    """The index of the right answer."""
    cluster: str
    """The global name of the source image. Items of one cluster are not independent."""
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def images(self) -> tuple[ImageRef, ...]:
        """Return the one image."""
        return (self.image,)


@dataclass(frozen=True, slots=True)
class Gallery:
    """Images and captions that are searched together in retrieval; shared by its entries."""

    name: str
    """Unique within the task, and the value of every entry's tag ``gallery``."""
    role: Role = "scene"
    """What its images and captions represent."""
    captions: tuple[str, ...] = ()
    """A closed list of captions (class names), searched by images only. Empty for an open gallery,
    where the entries' own captions are searched, both ways."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One image of a gallery, and the captions that are true of it.

    A caption that several entries of an open gallery share, as the same string, is true of all
    their images.
    """

    id: str
    """Unique within the task and stable across versions of benchbench."""
    image: ImageRef
    captions: tuple[str, ...]
    """The image's own captions: hits under every reading."""
    cluster: str
    """The global name of the source image. Entries of one cluster are not independent."""
    gallery: Gallery
    also: tuple[str, ...] = ()
    """Further captions of a closed list that count as hits under a lenient reading."""
    tags: Mapping[str, str] = field(default_factory=dict)
    searches: bool = True
    """Whether the image searches for its captions; otherwise it is only a candidate."""
    asks: tuple[str, ...] | None = None
    """Which of its captions search for their images; None: all of them. A caption that is true of
    several images searches once where one entry alone lists it here."""
    false: tuple[str, ...] = ()
    """Further captions of an open gallery, which are not true of the image."""

    @property
    def images(self) -> tuple[ImageRef, ...]:
        """Return the one image."""
        return (self.image,)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The names of a relations task's objects and predicates, numbered from 0."""

    objects: tuple[str, ...]
    predicates: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Proposals:
    """A detector's output for an image."""

    boxes: tuple[Box, ...]
    labels: tuple[int, ...]
    """The label of each box, an index of the vocabulary's objects."""
    scores: tuple[float, ...]
    """The score of each label, in (0, 1]."""
    unrounded: tuple[Edges, ...] = ()
    """The edges of each box, used to match it with the true ones; empty: the boxes themselves."""


GivenPart = Literal["pairs", "labels", "boxes", "proposals"]
"""The part of a scene that a model gets as input.

The boxes, their labels and which ordered pairs are related (``pairs``; *predicate classification*
proper, read as A@K); the boxes and their labels (``labels``; PredCls); the boxes (``boxes``;
SGCls); or only a detector's output (``proposals``; SGDet)."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One image of the relations protocol: which of its objects stand in which relation?"""

    id: str
    """Unique within the task and stable across versions of benchbench."""
    image: ImageRef
    """The whole image, without a crop."""
    boxes: tuple[Box, ...]
    labels: tuple[int, ...]
    """The label of each box, an index of the vocabulary's objects."""
    relations: tuple[tuple[int, int, int], ...]
    """Each relation as three numbers: the subject's box, the object's box, and the predicate;
    repeats are kept."""
    unseen: tuple[bool, ...]
    """Whether the training data lack each relation's triple of names (zero-shot)."""
    cluster: str
    """The global name of the source image."""
    vocabulary: Vocabulary
    """The same of all scenes of a task."""
    given: GivenPart = "labels"
    proposals: Proposals | None = None
    """The detector's output, where ``given`` is "proposals"."""
    unrounded: tuple[Edges, ...] = ()
    """The edges of each box, used to measure overlaps; empty: the boxes themselves."""
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def images(self) -> tuple[ImageRef, ...]:
        """Return the one image."""
        return (self.image,)
