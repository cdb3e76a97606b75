"""Variations: the same items, given to a model in another way that papers leave unsaid.

==========================  ========================================================================
``template=a photo of {}``  every caption in a template
``case=lower``              captions in lower case
``stop=added``              a full stop behind captions that end without a mark; ``stop=removed``:
                            none
``crop=off``                whole images instead of crops
``resize=bilinear``         images resized to the model's input size by another filter: ``nearest``,
                            ``bilinear``, ``bicubic``, with antialiasing as Pillow has it;
                            ``bilinear-aliased`` and ``bicubic-aliased`` without
==========================  ========================================================================

What a model is shown is another input, and a run of it is of another edition: ``scenes-v2`` becomes
``scenes-v2+case-lower``, so that no comparison, board or gate takes it for a plain run. Encodings
are stored by content: captions that a variation leaves as they are, and all images of a variation
of captions, are not encoded again. Precision is not a variation: it belongs to the model.
"""

from __future__ import annotations

import copy
import hashlib
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from benchbench.editions import VARIED
from benchbench.embedding.stored import Stored
from benchbench.errors import Unsuited, UsageError
from benchbench.failures import task_items
from benchbench.types import Claim, Entry, Item, Paraphrases, Prompt
from benchbench.types.runs import VARIATION

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from PIL.Image import Image

    from benchbench.embedding.store import Space
    from benchbench.types import Gallery, ImageRef, Model, ModelManifest, Task, TaskInfo

    Edit = Callable[[str], str]

ENDINGS = ".!?"
"""Marks that end a sentence."""
FILTERS = ("nearest", "bilinear", "bicubic")
ALIASED = "-aliased"
"""Behind the name of a filter: without antialiasing."""
EXAMPLES = (
    "template='a photo of {}', case=lower, stop=added, stop=removed, crop=off, resize=bilinear"
)


@dataclass(frozen=True, slots=True)
class Variation:
    """A way to give items to a model; this class leaves all as it is."""

    kind: str = ""
    value: str = ""

    @property
    def name(self) -> str:
        """Return it as typed: ``case=lower``; "" if all is left as it is."""
        return f"{self.kind}={self.value}" if self.kind else ""

    @property
    def settings(self) -> dict[str, str]:
        """Return the run's setting that names it."""
        return {VARIATION: self.name} if self.kind else {}

    def edition(self, plain: str) -> str:
        """Return the name of an edition whose items are given in this way."""
        if not self.kind:
            return plain
        is_word = re.fullmatch("[a-z][a-z-]*", self.value)
        value = self.value if is_word else hashlib.sha256(self.value.encode()).hexdigest()[:8]
        return f"{plain}{VARIED}{self.kind}-{value}"

    def task(self, task: Task) -> Task:
        """Return the task with varied items.

        Raises:
            Unsuited: the task's items have nothing that could vary; the task's ``items`` raise it
                where none differs.
        """
        return task

    def model(self, model: Model) -> Model:
        """Return the model that gets varied images.

        Raises:
            Unsuited: the model's preprocessing cannot be varied.
        """
        return model

    def manifest(self, manifest: ModelManifest) -> ModelManifest:
        """Return the manifest of ``model``'s result."""
        return manifest

    def stored(self, stored: Stored) -> Stored:
        """Return the stored encodings in which those of varied images are apart."""
        return stored


class CaptionVariation(Variation):
    """Other captions: in a template, in lower case, with a full stop or without."""

    __slots__ = ()

    def task(self, task: Task) -> Task:
        """Return the task with edited captions."""
        edit, known = _edit_of(self.kind, self.value), dict[int, Any]()
        return _VariedTask(task, self.name, lambda item: _with_captions(item, edit, known))


class CropVariation(Variation):
    """Whole images instead of crops."""

    __slots__ = ()

    def task(self, task: Task) -> Task:
        """Return the task with whole images."""
        return _VariedTask(task, self.name, _without_crops)


class ResizeVariation(Variation):
    """Images resized by another filter before the model's own preprocessing, which keeps them."""

    __slots__ = ()

    def task(self, task: Task) -> Task:
        """Return the task as it is; scenes are refused, as relation heads crop by themselves."""
        if task.info.protocol == "relations":
            raise _unsuited(self.name, f"{task.info.name} shows whole scenes")
        return task

    def model(self, model: Model) -> Model:
        """Return the model with its transform behind another resize."""
        if not model.manifest.preprocessing:
            raise _unsuited(self.name, "the model reads no images")
        size = _target_size(model.manifest.preprocessing)
        own = _own_filter(model.manifest.preprocessing)
        if size is None or own is None:
            raise _unsuited(self.name, "how the model resizes images is unknown")
        if own == self.value:
            raise _unsuited(self.name, "the model itself resizes images in this way")
        transform, varied = model.transform, copy.copy(model)
        try:
            object.__setattr__(
                varied, "transform", lambda image: transform(_resized(image, size, self.value))
            )
        except AttributeError as error:
            raise _unsuited(self.name, "the model's transform is fixed") from error
        return varied

    def manifest(self, manifest: ModelManifest) -> ModelManifest:
        """Return the manifest with the filter among the preprocessing."""
        return replace(
            manifest, preprocessing={**manifest.preprocessing, "resized_before": self.value}
        )

    def stored(self, stored: Stored) -> Stored:
        """Return the stored encodings, with those of images apart and captions shared."""
        return _ApartImages(
            stored.store, stored.described, is_complete=stored.is_complete, facts=stored.facts,
            variation=self.name,
        )  # fmt: skip


PLAIN = Variation()
"""The inputs as task and model make them."""


def parse_variation(typed: str) -> Variation:
    """Return the variation that was typed; "" is none.

    Raises:
        UsageError: there is no such variation.
    """
    if not typed:
        return PLAIN
    kind, _, value = typed.partition("=")
    if kind == "template" and value.count("{}") == 1 and value != "{}" and value.isprintable():
        return CaptionVariation(kind, value)
    if (kind, value) in (("case", "lower"), ("stop", "added"), ("stop", "removed")):
        return CaptionVariation(kind, value)
    if (kind, value) == ("crop", "off"):
        return CropVariation(kind, value)
    filters = (*FILTERS, *(f"{name}{ALIASED}" for name in FILTERS[1:]))
    if kind == "resize" and value in filters:
        return ResizeVariation(kind, value)
    raise UsageError(f"'{typed}' is not a setting. There are {EXAMPLES} (or {', '.join(filters)}).")


def as_variation(given: str | Variation) -> Variation:
    """Return a variation, parsed where it is text."""
    return parse_variation(given) if isinstance(given, str) else given


@dataclass(frozen=True, slots=True)
class _VariedTask:
    """A task whose items are changed one by one."""

    plain: Task
    name: str
    change: Callable[[Any], Any]

    @property
    def info(self) -> TaskInfo:
        """Return the task's description."""
        return self.plain.info

    def items(self, root: Path) -> Sequence[Any]:
        """Return the changed items.

        Raises:
            Unsuited: none differs.
        """
        found = task_items(self.plain, root)
        varied = [self.change(item) for item in found]
        if varied == list(found):
            raise _unsuited(self.name, f"it changes no item of {self.info.name}")
        return varied


@dataclass(slots=True)
class _ApartImages(Stored):
    """Stored encodings of a model that gets its images in another way."""

    variation: str = ""

    def space(self, kind: str, role: str) -> Space | None:
        """Return the space of a kind and a role; captions have that of the plain model."""
        own = role if kind == "captions" else f"{role}, {self.variation}"
        return Stored.space(self, kind, own)


def _unsuited(name: str, reason: str) -> Unsuited:
    return Unsuited(f"{name} does not apply: {reason}.")


def _edit_of(kind: str, value: str) -> Edit:
    """Return the function from a caption to the varied one."""
    if kind == "template":
        return lambda text: value.replace("{}", text)
    if kind == "case":
        return str.lower
    return _with_stop if value == "added" else _without_stop


def _with_stop(text: str) -> str:
    return text if text.rstrip().endswith(tuple(ENDINGS)) else f"{text.rstrip()}."


def _without_stop(text: str) -> str:
    """Return a caption without full stops at its end; one of full stops alone stays."""
    return text.rstrip().rstrip(".").rstrip() or text


def _with_captions(item: Any, edit: Edit, known: dict[int, tuple[Gallery, Gallery]]) -> Any:
    """Return an item with edited captions; entries of one gallery share the edited one.

    Args:
        item: the item.
        edit: the function from a caption to the varied one.
        known: takes each gallery, by its identity, with the edited one; the gallery is held, so
            that no other one gets its identity.
    """
    match item:
        case Item():
            return replace(item, captions=_all(item.captions, edit))
        case Paraphrases():
            return replace(item, true=_all(item.true, edit), false=_all(item.false, edit))
        case Claim():
            return replace(item, caption=edit(item.caption))
        case Entry():
            gallery = item.gallery
            if id(gallery) not in known:
                edited = replace(gallery, captions=_all(gallery.captions, edit))
                known[id(gallery)] = gallery, edited
            parts: Mapping[str, Any] = {
                name: _all(getattr(item, name), edit) for name in ("captions", "also", "false")
            }
            asks = None if item.asks is None else _all(item.asks, edit)
            return replace(item, **parts, asks=asks, gallery=known[id(gallery)][1])
    return item


def _all(texts: Sequence[str], edit: Edit) -> tuple[str, ...]:
    return tuple(edit(text) for text in texts)


def _without_crops(item: Any) -> Any:
    """Return an item with whole images; the item itself, where the crop is what it is about."""
    match item:
        case Item():
            return replace(item, images=tuple(_whole(ref) for ref in item.images))
        case Paraphrases() | Claim() | Prompt():
            return replace(item, image=_whole(item.image))
    return item


def _whole(ref: ImageRef) -> ImageRef:
    return replace(ref, box=None)


def _target_size(preprocessing: Mapping[str, Any]) -> tuple[int, int] | int | None:
    """Return what images are resized to: (width, height), or their shorter side; None if unknown.

    Known are the records of open_clip and of transformers' image processors.
    """
    size, mode = preprocessing.get("size"), preprocessing.get("resize_mode")
    if isinstance(size, dict):
        if preprocessing.get("do_resize") is False:
            return None
        if set(size) == {"shortest_edge"}:
            return int(size["shortest_edge"])
        return (
            (int(size["width"]), int(size["height"])) if set(size) == {"height", "width"} else None
        )
    height, width = size if isinstance(size, list | tuple) and len(size) == 2 else (size, size)
    if not isinstance(height, int) or not isinstance(width, int):
        return None
    if mode == "shortest" and height == width:
        return height
    return (width, height) if mode == "squash" else None


def _own_filter(preprocessing: Mapping[str, Any]) -> str | None:
    """Return the filter by which the model itself resizes."""
    found = preprocessing.get("interpolation") or preprocessing.get("resample")
    return found if found in FILTERS else None


def _resized(image: Image, size: tuple[int, int] | int, how: str) -> Image:
    """Return an image resized to (width, height), or to a shorter side of ``size``."""
    from PIL.Image import Resampling

    if isinstance(size, int):
        short, long = min(image.size), max(image.size)
        other = int(size * long / short)
        size = (size, other) if image.width <= image.height else (other, size)
    if not how.endswith(ALIASED):
        return image.resize(size, Resampling[how.upper()])
    return _without_antialiasing(image, size, how.removesuffix(ALIASED))


def _without_antialiasing(image: Image, size: tuple[int, int], how: str) -> Image:
    """Return an image resized by torch's ``interpolate``, as of a tensor without antialiasing."""
    import numpy as np
    import torch
    from PIL.Image import fromarray

    pixels = torch.from_numpy(np.array(image, np.float32)).permute(2, 0, 1)[None]
    width, height = size
    found = torch.nn.functional.interpolate(
        pixels, (height, width), mode=how, align_corners=False, antialias=False
    )
    return fromarray(found[0].permute(1, 2, 0).round().clamp(0, 255).byte().numpy())
