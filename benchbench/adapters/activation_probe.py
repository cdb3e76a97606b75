r"""Probe a file that does not name its activation: compare both readings on true pairs.

A model trained by contrast put each image near its own caption, and away from others, with the
activation that it was trained with; with the other it should do that less well. The result is
advice, and never a choice. Where two measures disagree there is none, and neither where the loss
along the path through both activations is not lowest near the better one. The score of a task is no
evidence at all: OpenAI's weights score higher on VG-Relation with the wrong activation.

At position a of the path a model runs with GELU + a (QuickGELU − GELU): GELU is 0, QuickGELU is 1,
and the path continues on both sides. Weights at an optimum leave the loss flat there and curved, so
that its minimum is near. A comparison of the two readings alone is weaker: short of an optimum, or
on pairs unlike those of training, the loss slopes for other reasons (a temperature too high,
captions in other words) through both readings, so that more pairs make the comparison surer, and
wrong as often as right (benchmarks/probe.py). Then the minimum is beyond either, or nowhere.
"""

from __future__ import annotations

import csv
import math
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from benchbench.adapters.lerp import module_of
from benchbench.devices import inference
from benchbench.errors import ImageError, MalformedData, MissingData, UsageError
from benchbench.files import read_text
from benchbench.registry import load_model, supported_options
from benchbench.stats import bootstrap_draws, intervals, mean_over_groups
from benchbench.types import ACTIVATIONS, DualEncoder, Estimate, ImageRef

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from torch import Tensor, nn

    from benchbench.types import Entry, Item, LoadOptions
    from benchbench.types.arrays import Floats


LEVEL = 0.99
BATCH = 32
POSITIONS = (-1, 0, 1, 2)
"""Positions on the path at which the loss is measured."""
MIN_PAIRS = 10
"""The smallest number of pairs."""
MIN_LOSS_DIFFERENCE = 0.001
"""Nats of loss below which there is no advice, however narrow the interval."""
RADIUS = 0.5
"""Largest distance of the loss's minimum from a reading: nearer to it than to the other."""
BETTER_DIRECTION = {"alignment": 1, "contrastive loss": -1, "R@1": 1}
"""Measure → 1 where more of it is better, -1 where less is. The loss decides the advice."""
DECIDING_MEASURE = "contrastive loss"
TASK_WARNING = (
    "Task accuracy is not a criterion: the wrong reading of OpenAI's weights is known to score "
    "higher on VG-Relation."
)


@dataclass(frozen=True, slots=True)
class Pair:
    """An image and a caption that is true of it."""

    image: ImageRef
    caption: str


@dataclass(frozen=True, slots=True)
class MeasureComparison:
    """One measure under both readings."""

    name: str
    gelu: float
    quickgelu: float
    difference: Estimate
    """QuickGELU's minus GELU's, pair by pair."""

    @property
    def better_reading(self) -> str | None:
        """The reading that is better; None where the interval contains 0."""
        towards = BETTER_DIRECTION[self.name]
        if self.difference.low * towards > 0 and self.difference.high * towards > 0:
            return "quickgelu"
        if self.difference.low * towards < 0 and self.difference.high * towards < 0:
            return "gelu"
        return None


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """Both readings of a file on true pairs."""

    path: str
    pairs: int
    measures: tuple[MeasureComparison, ...]
    minimum: Estimate
    """Position of the loss's minimum on the path: GELU is 0, QuickGELU is 1; NaN if none."""

    @property
    def evidence(self) -> str | None:
        """The reading that the loss clearly favours, near its minimum, and no measure opposes."""
        favoured = {each.better_reading for each in self.measures} - {None}
        loss = next(each for each in self.measures if each.name == DECIDING_MEASURE)
        if loss.better_reading is None or favoured != {loss.better_reading}:
            return None
        if abs(loss.difference.value) < MIN_LOSS_DIFFERENCE:
            return None
        position = ACTIVATIONS.index(loss.better_reading)
        near = position - RADIUS < self.minimum.low and self.minimum.high < position + RADIUS
        return loss.better_reading if near else None

    @property
    def advice(self) -> str:
        """The advice as a sentence, with its reasons."""
        reasons = "; ".join(_reason(each) for each in self.measures)
        if self.evidence is None:
            head = "No advice: these pairs do not tell the readings apart"
        else:
            head = f"Advice: --activation {self.evidence}, with which true pairs find each other"
        return f"{head} (quickgelu minus gelu: {reasons}; {self._position}). {TASK_WARNING}"

    @property
    def _position(self) -> str:
        if math.isnan(self.minimum.value):
            return "the loss has no minimum on the path through both"
        low, high = self.minimum.low, self.minimum.high
        return (
            f"the loss is lowest at {self.minimum.value:+.2f} [{low:+.2f}, {high:+.2f}], where "
            "gelu is 0 and quickgelu 1"
        )


def _reason(measured: MeasureComparison) -> str:
    low, high = measured.difference.low, measured.difference.high
    return f"{measured.name} {measured.difference.value:+.4f} [{low:+.4f}, {high:+.4f}]"


def probe(path: str, options: LoadOptions, pairs: Sequence[Pair]) -> ProbeResult:
    """Load a file with either activation and measure both on true pairs.

    Args:
        path: what ``load_model`` takes, of a family that supports ``activation``.
        options: how to load it; without an activation.
        pairs: pairs of an image and a caption; a second pair with either of them is left out.

    Raises:
        UsageError: an activation is given, or there are too few pairs.
        ModelError: the file cannot be loaded, or its activation is known.
        ImageError: an image cannot be read.
    """
    if options.activation:
        raise UsageError("A probe reads weights with either activation: leave out --activation.")
    if "activation" not in supported_options(path):
        raise UsageError(
            f"The activation of {path} is known: there is nothing to probe. Evaluate it as it is."
        )
    pairs = distinct(pairs)
    if len(pairs) < MIN_PAIRS:
        raise UsageError(
            f"A probe needs {MIN_PAIRS} pairs or more; there are {len(pairs)}. Add some, or raise "
            "--limit."
        )
    quick = _load(path, replace(options, activation="quickgelu"))
    kinds = {name: type(each) for name, each in module_of(quick).named_modules()}
    found = {1: _measure(quick, pairs)}
    del quick
    gelu = _load(path, replace(options, activation="gelu"))
    swapped = [
        name for name, each in module_of(gelu).named_modules() if type(each) is not kinds[name]
    ]
    found[0] = _measure(gelu, pairs)
    for position in set(POSITIONS) - set(found):
        with replace_activations(module_of(gelu), swapped, position):
            found[position] = _measure(gelu, pairs)
    measures = tuple(_compare(name, found[0], found[1]) for name in BETTER_DIRECTION)
    losses = np.stack([found[position][DECIDING_MEASURE] for position in POSITIONS])
    return ProbeResult(path, len(pairs), measures, minimum(losses, LEVEL))


def _load(path: str, options: LoadOptions) -> DualEncoder:
    model = load_model(path, options)
    if not isinstance(model, DualEncoder):
        raise UsageError(
            f"{model.manifest.name} is a pair scorer: only dual encoders can be probed."
        )
    return model


def distinct(pairs: Iterable[Pair]) -> list[Pair]:
    """Return the pairs without those whose image or caption an earlier one has."""
    images: set[ImageRef] = set()
    captions: set[str] = set()
    kept = []
    for pair in pairs:
        if pair.image not in images and pair.caption not in captions:
            kept.append(pair)
            images.add(pair.image)
            captions.add(pair.caption)
    return kept


def true_pairs(items: Iterable[Item | Entry | Any]) -> list[Pair]:
    """Return the true pairs of a task's items: whole images, each with a caption of its own.

    Raises:
        UsageError: the task has no captions.
    """
    found: list[Pair] = []
    for item in items:
        captions = getattr(item, "captions", ())
        if not captions:
            raise UsageError("This task has no captions to pair with images. Name another: --task.")
        target = getattr(item, "target", (0,))
        found += [Pair(ref, captions[k]) for ref, k in zip(item.images, target, strict=False)]
    return found


def read_pairs(path: Path) -> list[Pair]:
    """Read pairs from a CSV file: an image's path, relative to the file, and its caption.

    Raises:
        MissingData: there is no such file.
        MalformedData: a line is not two fields.
    """
    try:
        rows = list(csv.reader(read_text(path, "utf-8-sig").splitlines()))
    except OSError as error:
        raise MissingData(f"Cannot read {path}: {error.strerror or error}.") from error
    except (csv.Error, UnicodeDecodeError) as error:
        problem = f"{path} is not a CSV file in UTF-8: {error}. Save it as one."
        raise MalformedData(problem) from error
    for number, row in enumerate(rows, 1):
        if len(row) != 2 or not all(row):
            raise MalformedData(
                f"{path}, line {number} has {len(row)} fields. Write an image's path and a caption "
                "(quoted if it has commas)."
            )
    return [Pair(ImageRef(path.parent / image), caption) for image, caption in rows]


def _measure(model: DualEncoder, pairs: Sequence[Pair]) -> Mapping[str, Floats]:
    """Return each measure's value of each pair: [pairs]."""
    import torch
    from torch.nn.functional import cross_entropy

    with inference():
        images, captions = _embed(model, pairs)
        cosines = images @ captions.T
        labels = torch.arange(len(pairs))
        logits = cosines * model.logit_scale
        ways = (logits, logits.T)
        loss = sum(cross_entropy(way, labels, reduction="none") for way in ways) / 2
        hits = sum((way.argmax(dim=1) == labels).double() for way in ways) / 2
    values = {"alignment": cosines.diagonal(), "contrastive loss": loss, "R@1": hits}
    return {name: torch.as_tensor(each).double().numpy() for name, each in values.items()}


def _embed(model: DualEncoder, pairs: Sequence[Pair]) -> tuple[Tensor, Tensor]:
    """Return unit vectors of images and captions: [pairs, dim] each, float64 on the CPU."""
    import torch
    from torch.nn.functional import normalize

    images, captions = [], []
    for start in range(0, len(pairs), BATCH):
        part = pairs[start : start + BATCH]
        batch = torch.stack([model.transform(_open(pair.image)) for pair in part])
        images.append(model.encode_images(batch, "scene").double().cpu())
        tokens = model.tokenize([pair.caption for pair in part])
        captions.append(model.encode_texts(tokens, "scene").double().cpu())
    return normalize(torch.cat(images), dim=-1), normalize(torch.cat(captions), dim=-1)


def _open(ref: ImageRef) -> Any:
    from benchbench.data.images import crop, decode, read_bytes

    try:
        return crop(decode(read_bytes(ref.path), ref.path), ref)
    except ImageError as error:
        raise ImageError(f"{error}.") from error


def _compare(
    name: str, gelu: Mapping[str, Floats], quick: Mapping[str, Floats]
) -> MeasureComparison:
    n = len(gelu[name])
    apart = mean_over_groups(quick[name] - gelu[name], np.zeros(n, np.intp), np.arange(n))
    ((low, high),) = intervals([apart], LEVEL)
    difference = Estimate(apart.value, low, high, LEVEL, n, n)
    return MeasureComparison(name, float(gelu[name].mean()), float(quick[name].mean()), difference)


@contextmanager
def replace_activations(
    model: nn.Module, names: Collection[str], position: float
) -> Iterator[None]:
    """Replace the modules of these names by the activation at a position of the path."""
    kept = {name: model.get_submodule(name) for name in names}
    try:
        for name in names:
            _put(model, name, _activation(position))
        yield
    finally:
        for name, module in kept.items():
            _put(model, name, module)


def _put(model: nn.Module, name: str, module: nn.Module) -> None:
    owner, _, last = name.rpartition(".")
    setattr(model.get_submodule(owner), last, module)


def _activation(position: float) -> nn.Module:
    import torch
    from torch.nn.functional import gelu

    class Mixture(torch.nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return (1 - position) * gelu(x) + position * x * torch.sigmoid(1.702 * x)

    return Mixture()


def minimum(losses: Floats, level: float) -> Estimate:
    r"""Return the position of the lowest loss, by the parabola through those at ``POSITIONS``.

    With the parabola's coefficients, each a mean over pairs, it is :math:`-k_1 / 2 k_2`. Pairs are
    resampled; a draw whose parabola has no minimum (:math:`k_2 \le 0`) lies beyond either end.

    Args:
        losses: [positions, pairs].
        level: the level of the interval.

    Returns:
        The value is NaN where the parabola has no minimum, and ends may be infinite.
    """
    n = losses.shape[1]
    fitted: Any = np.linalg.pinv(np.vander(POSITIONS, 3, increasing=True).astype(float)) @ losses
    one, own = np.zeros(n, np.intp), np.arange(n)
    means = [mean_over_groups(each, one, own) for each in fitted]
    value = _minimum(np.array([[mean.value for mean in means]]))[0]
    draws = _minimum(bootstrap_draws(means))
    lost, tail = np.isnan(draws), (1 - level) / 2
    low = np.quantile(np.where(lost, -np.inf, draws), tail, method="lower")
    high = np.quantile(np.where(lost, np.inf, draws), 1 - tail, method="higher")
    return Estimate(float(value), float(low), float(high), level, n, n)


def _minimum(parabolas: Floats) -> Floats:
    """Return the minima of parabolas: [draws, 3] → [draws]; NaN where there is none."""
    curved = parabolas[:, 2] > 0
    turned = -parabolas[:, 1] / np.where(curved, 2 * parabolas[:, 2], 1.0)
    return np.where(curved, turned, np.nan)
