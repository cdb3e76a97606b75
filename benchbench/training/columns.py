"""Columns of prepared examples: their layout, and the batches assembled from them.

Inputs of fixed shape can be columns: pixels, token ids, triples, spans, swapped captions, and the
views below. A batch that is cut to its longest row equals ``BatchBuilder``'s to the bit; one of
fixed shapes differs by padding and masked rows alone, and building it never waits for a device.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np
import torch

from benchbench.scenegraph import MAX_TRIPLES
from benchbench.training.facts import FACTS, KINDS
from benchbench.training.masks import CELLS
from benchbench.training.rendering import normalise
from benchbench.variants import inputs
from benchbench.variants.inputs import Inputs
from benchbench.variants.spans import MAX_ENTITIES, MAX_RELATIONS, Spans
from benchbench.variants.texts import PADDING, Texts
from benchbench.variants.variant import Batch, Facts, NamedImages, SwappedCaptions

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt
    from torch import Tensor

    from benchbench.training.facts import StatedFacts
    from benchbench.training.masks import EntityMasks
    from benchbench.training.objects import NamedPixels
    from benchbench.training.stages import RenderedView
    from benchbench.variants.inputs import Input
    from benchbench.variants.texts import CaptionReader
    from benchbench.variants.variant import Negatives, Variant

Layout = dict[str, tuple[str, tuple[int, ...]]]
"""Name → type and shape of a column's rows."""

MAX_CAPTION_TOKENS = 64
"""Token ids of a caption."""
MAX_PHRASE_TOKENS = 10
"""Token ids of a triple's head, relation or tail."""
MAX_NAME_TOKENS = 16
"""Token ids of the name of a view's image."""
SWAPS: dict[Negatives, int] = {"semantic": 3, "random": 6}
"""Swapped captions that are kept of each kind."""
TURNS = "turns"


R = TypeVar("R", bound="RenderedView", contravariant=True)


class ViewColumns(Protocol[R]):
    """The columns of a view."""

    def layout(self, size: int) -> Layout:
        """Return the columns, for images of so many pixels along a side."""
        ...

    def rows(self, found: R) -> dict[str, Tensor]:
        """Return the columns' rows of some examples."""
        ...

    def inputs(self, part: Mapping[str, Tensor], how: Assembly) -> Inputs:
        """Return the view's inputs of a batch."""
        ...


@dataclass(frozen=True)
class NamedImageColumns:
    """Images with their names, as ``NamedImages``."""

    key: Input[NamedImages]

    @property
    def name(self) -> str:
        """The view's name, with which those of the columns begin."""
        return self.key.name

    def layout(self, size: int) -> Layout:
        """Return pixels, ids, and two flags."""
        return {
            f"{self.name} pixels": ("u1", (3, size, size)),
            f"{self.name} ids": ("<i2", (MAX_NAME_TOKENS,)),
            f"{self.name} there": ("?", ()),
            f"{self.name} within": ("?", ()),
        }

    def rows(self, found: NamedPixels) -> dict[str, Tensor]:
        """Return them as the view has rendered them."""
        named = found.named
        kept = (found.pixels, named.names.ids, named.there, named.within)
        return dict(zip(self.layout(0), kept, strict=True))

    def inputs(self, part: Mapping[str, Tensor], how: Assembly) -> Inputs:
        """Return images and names."""
        pixels, ids, there, within = (part[column] for column in self.layout(0))
        return self.key.of(NamedImages(how.normalised(pixels), Texts(how.cut(ids)), there, within))


class MaskColumns:
    """The share of each cell that each entity covers."""

    def layout(self, size: int) -> Layout:
        """Return one column of shares."""
        return {"masks": ("<f4", (MAX_ENTITIES, CELLS, CELLS))}

    def rows(self, found: EntityMasks) -> dict[str, Tensor]:
        """Return them as the view has rendered them."""
        return {"masks": found.masks}

    def inputs(self, part: Mapping[str, Tensor], how: Assembly) -> Inputs:
        """Return them as they are."""
        return inputs.MASKS.of(part["masks"])


class FactColumns:
    """The true and the false facts of an image, a bit for each fact."""

    def layout(self, size: int) -> Layout:
        """Return the bits, eight a byte, and which sets make a difference."""
        width = -(-FACTS // 8)
        return {
            "facts true": ("u1", (width,)),
            "facts false": ("u1", (len(KINDS), width)),
            "facts there": ("?", (len(KINDS),)),
        }

    def rows(self, found: StatedFacts) -> dict[str, Tensor]:
        """Return them as the view has stated them."""
        facts = found.facts
        packed = (np.packbits(each.numpy(), axis=-1) for each in (facts.true, facts.false))
        true, false = map(torch.from_numpy, packed)
        return {"facts true": true, "facts false": false, "facts there": facts.there}

    def inputs(self, part: Mapping[str, Tensor], how: Assembly) -> Inputs:
        """Return a byte a fact."""
        true, false = (_bits(part[f"facts {name}"])[..., :FACTS] for name in ("true", "false"))
        return inputs.FACTS.of(Facts(true, false, part["facts there"], KINDS))


def _bits(packed: Tensor) -> Tensor:
    """Unpack […, bytes] to [..., 8 · bytes] uint8 of 0 and 1, as ``np.unpackbits``."""
    shifts = torch.arange(7, -1, -1, dtype=torch.uint8, device=packed.device)
    return ((packed[..., None] >> shifts) & 1).flatten(-2)


VIEW_COLUMNS: dict[str, ViewColumns[Any]] = {
    "action": NamedImageColumns(inputs.ACTION),
    "facts": FactColumns(),
    "masks": MaskColumns(),
    "object": NamedImageColumns(inputs.OBJECT),
    "relation": NamedImageColumns(inputs.RELATION),
}
"""The views that can be kept; the others' shapes differ from batch to batch."""


def layout_of(size: int) -> Layout:
    """Return the columns that every pack has, for images of so many pixels along a side."""
    phrases = (MAX_TRIPLES, 3, MAX_PHRASE_TOKENS)
    found: Layout = {
        "pixels": ("u1", (3, size, size)),
        "ids": ("<i2", (MAX_CAPTION_TOKENS,)),
        "triples": ("<i2", phrases),
        "entities": ("<i2", (MAX_ENTITIES, 2)),
        "relations": ("<i2", (MAX_RELATIONS, 4)),
    }
    for kind, most in SWAPS.items():
        found[f"{kind} there"] = ("?", (most,))
        found[f"{kind} ids"] = ("<i2", (most, MAX_CAPTION_TOKENS))
    found["semantic triples"] = ("<i2", (SWAPS["semantic"], *phrases))
    return found


def turns_layout() -> Layout:
    """Return the columns that say which captions' triples are turned (``texts.turn_of``)."""
    return {TURNS: ("u1", ()), f"semantic {TURNS}": ("u1", (SWAPS["semantic"],))}


def pad_rows(value: Tensor, kind: str, shape: tuple[int, ...], name: str) -> npt.NDArray[Any]:
    """Return a column's rows, filled up to its width.

    Raises:
        ValueError: something is longer than the column is wide.
    """
    array = value.numpy()
    room = [(0, width - had) for width, had in zip(shape, array.shape[1:], strict=True)]
    if any(after < 0 for _, after in room):
        raise ValueError(f"{name} of shape {array.shape[1:]} is wider than its column, {shape}")
    return np.pad(array, [(0, 0), *room], constant_values=PADDING).astype(kind)


@dataclass(frozen=True)
class Assembly:
    """The assembly of a variant's batches from rows of columns, on any device."""

    variant: Variant
    """Says which swapped captions, how many, and which views."""
    reader: CaptionReader
    """Says whether triples and spans are read, and of which captions triples are turned."""
    preprocessing: Mapping[str, Any]
    fixed: bool = False
    """Whether shapes are always the same: rows of columns are as wide as wanted already."""

    def names(self) -> tuple[str, ...]:
        """Return the columns that are needed."""
        names, kind = ["pixels", "ids"], self.variant.negatives
        if kind != "none":
            names += [f"{kind} there", f"{kind} ids"]
        turned = self.reader.turned_percent > 0
        if self.reader.with_triples:
            names += ["triples", *([TURNS] if turned else [])]
            if kind == "semantic":
                names += ["semantic triples", *([f"semantic {TURNS}"] if turned else [])]
        if self.reader.with_spans:
            names += ["entities", "relations"]
        return (*names, *(n for view in self.variant.views for n in VIEW_COLUMNS[view].layout(0)))

    def batch(self, part: Mapping[str, Tensor]) -> Batch:
        """Return a batch of these rows.

        Args:
            part: by name, [n, …] each.
        """
        spans = None
        if self.reader.with_spans:
            spans = Spans(part["entities"].long(), part["relations"].long())
        triples = part.get("triples")
        if triples is not None:
            triples = self._turned(self.cut(triples), part.get(TURNS))
        found = Inputs()
        for name in self.variant.views:
            found = found | VIEW_COLUMNS[name].inputs(part, self)
        texts = Texts(self.cut(part["ids"]), triples, spans)
        return Batch(self.normalised(part["pixels"]), texts, self._swapped(part), found)

    def normalised(self, pixels: Tensor) -> Tensor:
        """Return float pixels, by the model's mean and standard deviation."""
        return normalise(pixels, self.preprocessing)

    def cut(self, ids: Tensor) -> Tensor:
        """Return ids as int64, without columns of padding alone unless shapes are fixed."""
        if self.fixed:
            return ids.long()
        longest = max(int((ids != PADDING).sum(dim=-1).max()) if len(ids) else 1, 1)
        return ids[..., :longest].long()

    def _swapped(self, part: Mapping[str, Tensor]) -> SwappedCaptions | None:
        kind, most = self.variant.negatives, self.variant.swaps
        if kind == "none":
            return None
        there = part[f"{kind} there"][:, :most]
        own = {
            name: part[f"{kind} {name}"][:, :most]
            for name in ("ids", "triples", TURNS)
            if f"{kind} {name}" in part
        }
        flat = {name: self._listed(each, there) for name, each in own.items()}
        triples = flat.get("triples")
        if triples is not None:
            triples = self._turned(self.cut(triples), flat.get(TURNS))
        texts = Texts(self.cut(flat["ids"]), triples)
        if self.fixed:
            places = torch.arange(there.numel(), device=there.device)
            return SwappedCaptions(texts, places, most, there.flatten())
        return SwappedCaptions(texts, there.flatten().nonzero()[:, 0], most)

    def _listed(self, values: Tensor, there: Tensor) -> Tensor:
        """Flatten [n, most, …] to [m, …]: known rows alone, or all where shapes are fixed."""
        return values.flatten(0, 1) if self.fixed else values[there]

    def _turned(self, triples: Tensor, turns: Tensor | None) -> Tensor:
        """Exchange heads and tails as the caption reader does, [n, most, 3, longest]."""
        if turns is None:
            return triples
        turned = (turns < self.reader.turned_percent)[:, None, None, None]
        return torch.where(turned, triples.flip(2), triples)
