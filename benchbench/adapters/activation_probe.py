"""Evidence for the activation of a file that does not say it: both readings on true pairs.

A model trained by contrast put each picture near its own caption, and away from others, with the
activation that it was trained with; with the other it should do that less well. Whatever is said
here is advice, and never a choice. Where two measures disagree nothing is advised, nor where the
loss, followed along the line through both activations, is not least near the better one: such a
loss slopes for another reason (``line``). The score of a task is no evidence at all: OpenAI's
weights run with the wrong activation score higher on VG-Relation than with theirs.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from benchbench.adapters.activation_path import PLACES, least, placed
from benchbench.adapters.lerp import module_of
from benchbench.devices import inference
from benchbench.errors import ImageError, MalformedData, MissingData, UsageError
from benchbench.files import read_text
from benchbench.registry import heeded_by, load_model
from benchbench.stats import intervals, mean_over_groups
from benchbench.types import ACTIVATIONS, DualEncoder, Estimate, ImageRef

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt
    from torch import Tensor

    from benchbench.types import Entry, Item, LoadOptions

    Floats = npt.NDArray[np.float64]

LEVEL = 0.99
BATCH = 32
FEWEST = 10
"""Pairs below which nothing is said."""
LEAST = 0.001
"""Nats of loss below which nothing is advised, however narrow the interval."""
NEAR = 0.5
"""Of the least loss from a reading: nearer to it than to the other, and no further beyond."""
BETTER = {"alignment": 1, "contrastive loss": -1, "R@1": 1}
"""Measure → whether more of it speaks for a reading. The loss decides what is advised."""
DECIDING = "contrastive loss"
CAUTION = (
    "Task accuracy is no criterion: the wrong reading of OpenAI's weights is known to score higher "
    "on VG-Relation."
)


@dataclass(frozen=True, slots=True)
class Pair:
    """A picture and a caption that is true of it."""

    image: ImageRef
    caption: str


@dataclass(frozen=True, slots=True)
class Measured:
    """One measure under both readings."""

    name: str
    gelu: float
    quickgelu: float
    difference: Estimate
    """QuickGELU's minus GELU's, pair by pair."""

    @property
    def speaks_for(self) -> str | None:
        """The reading that is better; None where the interval holds 0."""
        towards = BETTER[self.name]
        if self.difference.low * towards > 0 and self.difference.high * towards > 0:
            return "quickgelu"
        if self.difference.low * towards < 0 and self.difference.high * towards < 0:
            return "gelu"
        return None


@dataclass(frozen=True, slots=True)
class Probed:
    """What both readings of a file make of true pairs."""

    path: str
    pairs: int
    measures: tuple[Measured, ...]
    least: Estimate
    """Where the loss is least on the line from GELU, 0, through QuickGELU, 1; NaN if nowhere."""

    @property
    def evidence(self) -> str | None:
        """The reading that the loss clearly speaks for and is least near; no measure against it."""
        said = {each.speaks_for for each in self.measures} - {None}
        loss = next(each for each in self.measures if each.name == DECIDING)
        if loss.speaks_for is None or said != {loss.speaks_for}:
            return None
        if abs(loss.difference.value) < LEAST:
            return None
        place = ACTIVATIONS.index(loss.speaks_for)
        near = place - NEAR < self.least.low and self.least.high < place + NEAR
        return loss.speaks_for if near else None

    @property
    def advice(self) -> str:
        """In words, with its reasons."""
        reasons = "; ".join(_reason(each) for each in self.measures)
        if self.evidence is None:
            head = "No advice: these pairs do not tell the readings apart"
        else:
            head = f"Advice: --activation {self.evidence}, with which true pairs find each other"
        return f"{head} (quickgelu minus gelu: {reasons}; {self._place}). {CAUTION}"

    @property
    def _place(self) -> str:
        if math.isnan(self.least.value):
            return "no place of the line through both has the least loss"
        low, high = self.least.low, self.least.high
        return (
            f"the loss is least at {self.least.value:+.2f} [{low:+.2f}, {high:+.2f}], where gelu "
            "is 0 and quickgelu 1"
        )


def _reason(measured: Measured) -> str:
    low, high = measured.difference.low, measured.difference.high
    return f"{measured.name} {measured.difference.value:+.4f} [{low:+.4f}, {high:+.4f}]"


def probe(path: str, options: LoadOptions, pairs: Sequence[Pair]) -> Probed:
    """Load a file with either activation and measure both on true pairs.

    Args:
        path: what ``load_model`` takes, of a family that heeds ``activation``.
        options: how to load it; without an activation.
        pairs: of a picture and a caption; a second pair with either of them is left out.

    Raises:
        UsageError: an activation is given, or there are too few pairs.
        ModelError: the file cannot be loaded, or its activation is known.
        ImageError: a picture cannot be read.
    """
    if options.activation:
        raise UsageError("A probe reads weights with either activation: leave out --activation.")
    if "activation" not in heeded_by(path):
        raise UsageError(f"{path} leaves no activation open: there is nothing to be probed.")
    pairs = distinct(pairs)
    if len(pairs) < FEWEST:
        raise UsageError(f"A probe needs {FEWEST} pairs or more; there are {len(pairs)}.")
    quick = _loaded(path, replace(options, activation="quickgelu"))
    kinds = {name: type(each) for name, each in module_of(quick).named_modules()}
    found = {1: _measures(quick, pairs)}
    del quick
    gelu = _loaded(path, replace(options, activation="gelu"))
    swapped = [
        name for name, each in module_of(gelu).named_modules() if type(each) is not kinds[name]
    ]
    found[0] = _measures(gelu, pairs)
    for place in set(PLACES) - set(found):
        with placed(module_of(gelu), swapped, place):
            found[place] = _measures(gelu, pairs)
    measures = tuple(_measured(name, found[0], found[1]) for name in BETTER)
    losses = np.stack([found[place][DECIDING] for place in PLACES])
    return Probed(path, len(pairs), measures, least(losses, LEVEL))


def _loaded(path: str, options: LoadOptions) -> DualEncoder:
    model = load_model(path, options)
    if not isinstance(model, DualEncoder):
        raise UsageError(f"{model.manifest.name} scores pairs and embeds nothing to be aligned.")
    return model


def distinct(pairs: Iterable[Pair]) -> list[Pair]:
    """Without those whose picture or caption was there before: it would be true of two."""
    images: set[ImageRef] = set()
    captions: set[str] = set()
    kept = []
    for pair in pairs:
        if pair.image not in images and pair.caption not in captions:
            kept.append(pair)
            images.add(pair.image)
            captions.add(pair.caption)
    return kept


def pairs_of(items: Iterable[Item | Entry | Any]) -> list[Pair]:
    """The true pairs of a task's items: whole pictures with a caption of their own.

    Raises:
        UsageError: such a task has none.
    """
    found: list[Pair] = []
    for item in items:
        captions = getattr(item, "captions", ())
        if not captions:
            raise UsageError("This task has no captions to pair pictures with.")
        target = getattr(item, "target", (0,))
        found += [Pair(ref, captions[k]) for ref, k in zip(item.images, target, strict=False)]
    return found


def read_pairs(path: Path) -> list[Pair]:
    """Pairs from a CSV file: a picture's path, relative to the file, and its caption.

    Raises:
        MissingData: there is no such file.
        MalformedData: a line is not two fields.
    """
    try:
        rows = list(csv.reader(read_text(path, "utf-8-sig").splitlines()))
    except OSError as error:
        raise MissingData(f"Cannot read {path}: {error.strerror or error}.") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise MalformedData(f"{path} is no CSV file in UTF-8: {error}.") from error
    for number, row in enumerate(rows, 1):
        if len(row) != 2 or not all(row):
            raise MalformedData(
                f"{path}, line {number}: a picture's path and a caption belong there (quoted if "
                f"it has commas), not {len(row)} fields."
            )
    return [Pair(ImageRef(path.parent / image), caption) for image, caption in rows]


def _measures(model: DualEncoder, pairs: Sequence[Pair]) -> Mapping[str, Floats]:
    """Each measure's value of each pair: [pairs]."""
    import torch
    from torch.nn.functional import cross_entropy

    with inference():
        pictures, captions = _embedded(model, pairs)
        cosines = pictures @ captions.T
        labels = torch.arange(len(pairs))
        logits = cosines * model.logit_scale
        ways = (logits, logits.T)
        loss = sum(cross_entropy(way, labels, reduction="none") for way in ways) / 2
        hits = sum((way.argmax(dim=1) == labels).double() for way in ways) / 2
    values = {"alignment": cosines.diagonal(), "contrastive loss": loss, "R@1": hits}
    return {name: torch.as_tensor(each).double().numpy() for name, each in values.items()}


def _embedded(model: DualEncoder, pairs: Sequence[Pair]) -> tuple[Tensor, Tensor]:
    """Unit vectors of pictures and captions: [pairs, dim] each, float64 on the CPU."""
    import torch
    from torch.nn.functional import normalize

    pictures, captions = [], []
    for start in range(0, len(pairs), BATCH):
        part = pairs[start : start + BATCH]
        batch = torch.stack([model.transform(_opened(pair.image)) for pair in part])
        pictures.append(model.encode_images(batch, "scene").double().cpu())
        tokens = model.tokenize([pair.caption for pair in part])
        captions.append(model.encode_texts(tokens, "scene").double().cpu())
    return normalize(torch.cat(pictures), dim=-1), normalize(torch.cat(captions), dim=-1)


def _opened(ref: ImageRef) -> Any:
    from benchbench.data.images import crop, decode, read_bytes

    try:
        return crop(decode(read_bytes(ref.path), ref.path), ref)
    except ImageError as error:
        raise ImageError(f"{error}.") from error


def _measured(name: str, gelu: Mapping[str, Floats], quick: Mapping[str, Floats]) -> Measured:
    n = len(gelu[name])
    apart = mean_over_groups(quick[name] - gelu[name], np.zeros(n, np.intp), np.arange(n))
    ((low, high),) = intervals([apart], LEVEL)
    difference = Estimate(apart.value, low, high, LEVEL, n, n)
    return Measured(name, float(gelu[name].mean()), float(quick[name].mean()), difference)
