"""The nouns: what tasks yield, what models are, and what an evaluation leaves behind.

Plain frozen dataclasses and protocols. Nothing here computes, and torch, numpy and PIL are named
in annotations only, so that importing this module costs nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt
    from PIL.Image import Image
    from torch import Tensor

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels of the original image; right and bottom are exclusive."""

Role = Literal["scene", "object", "relation"]
"""What a picture or a phrase stands for. Models with a single stream ignore it."""

Similarity = Literal["cosine", "dot"]
"""How two embeddings are compared: of unit length, or as the model gives them."""

Ties = Literal["wrong", "share", "right"]
"""How an item counts whose true caption ties with the best other one (see protocols.ties)."""

NoOps = Literal["keep", "drop"]
"""Whether false captions that the model reads as it reads a true one stay among the options."""

OnMissing = Literal["error", "skip"]
Precision = Literal["fp32", "fp16", "bf16"]


@dataclass(frozen=True, slots=True)
class ImageRef:
    """An image file, or a crop of it."""

    path: Path
    box: Box | None = None
    """The crop in pixels; None is the whole image. What lies beyond the edge is black."""


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


Judgement = Literal["text", "image", "group"]
"""When a matching item is right: each image prefers its own caption (text score), each of those
captions prefers its own image (image score), or both at once (group score)."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One published way to read a matching run; tasks declare theirs.

    An item earns 1 where the judgement holds, else 0, with ties by the tie rule. ``by=None`` is
    the mean over items; otherwise the unweighted mean over the groups that the tag ``by`` makes,
    each group's own mean over its items.
    """

    name: str
    meaning: str
    """What the mean is over, for tables: ``relations, all``; the number of groups goes before."""
    by: str | None = None
    leave_out: frozenset[str] = frozenset()
    """Groups left out of the mean (their items too)."""
    at_least: int = 1
    """Groups with fewer items are left out."""
    ties: Ties | None = None
    """The rule that the publication fixes; None leaves it to the reader."""
    judgement: Judgement = "text"
    no_ops: NoOps = "keep"
    """``drop``: no-op negatives are no options, and an item with no other is left out."""
    source: str = ""


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file or folder that a task expects under its data root."""

    path: str
    """Relative to the root; a folder ends in ``/``."""
    what: str
    source: str
    """Where it is published."""


@dataclass(frozen=True, slots=True)
class TaskInfo:
    """What a task is, for tables, cards and run files."""

    name: str
    """As typed: ``vg-relation``."""
    title: str
    version: int
    """Raised whenever the same files would yield other items."""
    protocol: Literal["matching"]
    headline: str
    """The metric that tables show first."""
    metrics: tuple[Metric, ...]
    files: tuple[DataFile, ...]
    paper: str
    license: str
    measures: str
    """What a high score means, and what it does not."""
    tags: tuple[str, ...] = ()
    """What every item is tagged with, and results can be sliced by."""
    optional_tags: tuple[str, ...] = ()
    """The same, where the items of some editions have it and those of others do not."""
    quirks: tuple[str, ...] = ()

    def metric(self, name: str) -> Metric:
        """The metric of that name; a KeyError lists what there is."""
        found = {metric.name: metric for metric in self.metrics}
        if name not in found:
            raise KeyError(f"'{name}' is not among {', '.join(found)}")
        return found[name]


@runtime_checkable
class Task(Protocol):
    """A source of items. Construction is free; ``items`` does the work."""

    @property
    def info(self) -> TaskInfo:
        """What the task is."""
        ...

    def items(self, root: Path) -> Sequence[Item]:
        """Read all items from the files under ``root``, in a fixed order.

        Raises:
            DataError: a file is missing or malformed; the message names record and field.
        """
        ...


@dataclass(frozen=True, slots=True)
class ModelManifest:
    """Everything about a checkpoint that can change a number."""

    name: str
    """The specification it was loaded by: ``openclip:ViT-B-32/openai``."""
    architecture: str
    weights: str
    """Where the weights came from: a tag, a file, or ``random (seed 0)``."""
    weights_sha256: str
    """Of the state dict as it runs, in ``dtype``."""
    trained: bool
    """False where weights are random: every output says so."""
    activation: str
    """Of the feed-forward layers: ``gelu``, ``quickgelu``, or ``unknown``."""
    preprocessing: Mapping[str, Any]
    """Size, mean, std, interpolation, resize mode."""
    tokenizer: str
    context_length: int
    dtype: str
    parameters: int
    similarity: Similarity
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Whatever else of the model's own decides its embeddings."""

    @property
    def fingerprint(self) -> str:
        """16 hex digits over all of the above but the name; a TypeError where it is not JSON."""
        record = asdict(self)
        del record["name"]
        text = json.dumps(record, sort_keys=True, allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


TextBatch = Any
"""Captions as a model's ``tokenize`` leaves them; opaque to everybody else."""


@runtime_checkable
class DualEncoder(Protocol):
    """A model that embeds pictures and phrases apart: CLIP and its kin.

    ``transform`` and ``tokenize`` run on worker threads beside the forward pass; the ``encode``
    methods are called from one thread, under ``torch.inference_mode``. Embeddings may come on any
    device and in any float type; the engine takes them to float32 and, for cosine, to unit length.
    """

    @property
    def manifest(self) -> ModelManifest:
        """What was loaded."""
        ...

    @property
    def device(self) -> str:
        """Where it computes: ``cpu``, ``cuda:0``."""
        ...

    @property
    def similarity(self) -> Similarity:
        """How embeddings compare."""
        ...

    @property
    def logit_scale(self) -> float:
        """Factor on similarities before a softmax; 1.0 where the model has none."""
        ...

    def transform(self, image: Image) -> Tensor:
        """Preprocess one RGB picture. Returns [3, height, width]."""
        ...

    def encode_images(self, batch: Tensor, role: Role) -> Tensor:
        """Embed [n, 3, height, width] pictures. Returns [n, dim]."""
        ...

    def token_ids(self, texts: Sequence[str]) -> list[tuple[int, ...]]:
        """The ids of each caption, special tokens included, neither padded nor truncated.

        They tell which captions are the same to the model, which are longer than
        ``manifest.context_length``, and which are short enough to share a batch.
        """
        ...

    def tokenize(self, texts: Sequence[str]) -> TextBatch:
        """Prepare captions for ``encode_texts``."""
        ...

    def encode_texts(self, batch: TextBatch, role: Role) -> Tensor:
        """Embed a tokenised batch of n captions. Returns [n, dim]."""
        ...


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """How a model is to be loaded."""

    device: str = "cpu"
    precision: Precision = "fp32"
    seed: int = 0
    """Draws the weights of untrained models; trained ones ignore it."""


@dataclass(frozen=True, slots=True)
class ModelFamily:
    """An adapter as the registry finds it: a prefix, and how to load what follows it."""

    name: str
    usage: Mapping[str, str]
    """How to type it → what that gives: ``{"openclip:ARCH/TAG": "published weights"}``."""
    load: Callable[[str, LoadOptions], DualEncoder]
    """Takes what follows the colon ("" where there is none)."""
    names: Callable[[], Sequence[str]] | None = None
    """All that can be typed, where that is a list."""


@dataclass(frozen=True, slots=True)
class Edition:
    """A set of official-format files with a name."""

    name: str
    """``custom-vrd-1a2b3c4d``: by what it was named and the digest of its annotations."""
    root: Path
    annotations_sha256: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a model said about one matching item."""

    id: str
    cluster: str
    target: tuple[int, ...]
    scores: npt.NDArray[np.float32]
    """[images, captions], raw similarities."""
    no_op: tuple[bool, ...]
    """Per caption: the model reads exactly the tokens of another caption that is true of one of
    the item's images, so that it cannot tell them apart and scores them alike."""
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Counts:
    """What went into a run, counted."""

    items_in_edition: int
    items: int
    skipped: int
    """Items left out because an image could not be read (``--on-missing skip``)."""
    images: int
    """Distinct image files."""
    pictures: int
    """Distinct images and crops of images shown to the model."""
    captions: int
    """Distinct captions."""
    clusters: int
    overhanging_crops: int
    """Those of the pictures that reach over the edge of their image: black there, as upstream."""
    truncated_captions: int
    """Distinct captions longer than the model's context."""


@dataclass(frozen=True, slots=True)
class Run:
    """One model on one task on one edition: raw scores per item, and all that produced them.

    Metrics and tie rules are ways of reading a run; none of them is stored in it.
    """

    model: ModelManifest
    task: str
    task_version: int
    protocol: str
    edition: str
    data_sha256: str
    """Over the annotations and the bytes of every image shown."""
    settings: Mapping[str, Any]
    """Device, precision, batch size, seed, limit, on_missing."""
    environment: Mapping[str, str | int]
    """Versions and machine."""
    counts: Counts
    skipped: tuple[str, ...]
    """Ids of the skipped items."""
    unreadable: Mapping[str, str]
    """The image files that they were skipped for, and why."""
    created: str
    """UTC, ISO 8601."""
    seconds: float
    outcomes: tuple[Outcome, ...]

    @property
    def partial(self) -> bool:
        """True where ``--limit`` left items out."""
        return self.counts.items + self.counts.skipped < self.counts.items_in_edition


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its uncertainty."""

    value: float
    low: float
    high: float
    level: float
    n_items: int
    n_clusters: int


Progress = Callable[[str, int, int], None]
"""Called with what is counted, how many are done, and how many there are."""
