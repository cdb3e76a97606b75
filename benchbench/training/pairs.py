"""The view "pairs": whole images, boxes around visible objects, and which pairs are related.

Boxes are those that the drawn edition annotates (``scenes.edition.vg150``). Related pairs come
first; unrelated pairs, drawn at random, fill up and carry the weight of those left out.

"distant pairs" have the names in an image, but not its relations. Distant supervision (Mintz et
al., ACL 2009; of images: Yao et al., Visual distant supervision, ICCV 2021) labels a pair with any
relation that is known of its names. Here a recorded share of the related pairs, and a smaller one
of the unrelated, gets a predicate drawn from those that some pair of these names has in a corpus
of graphs. A scene's labels are the same in every epoch.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from benchbench.scenes.dice import dice
from benchbench.scenes.edition.plan import SIZE, select_annotated
from benchbench.scenes.sampling import sample
from benchbench.scenes.visibility import measure_visible
from benchbench.scenes.vocabulary import CATEGORIES, PREDICATE, PREDICATES
from benchbench.training.rendering import normalise
from benchbench.variants.inputs import PAIR_TARGETS, REGIONS, Inputs
from benchbench.variants.pairs import NO_PAIR, UNRELATED, PairTargets, Regions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from benchbench.scenes.world import Scenes
    from benchbench.training.examples import Examples
    from benchbench.training.visibility import Visibility
    from benchbench.types.arrays import Flags, Ints, Singles
    from benchbench.variants.texts import CaptionReader


NAMES = tuple(category.name for category in CATEGORIES)
PHRASES = tuple(predicate.name for predicate in PREDICATES)
CORPUS = 4000
"""Dense training scenes that say what is known of two names."""
_LARGE = 2**30
VAGUE = ("near",)
"""Predicates that are true of almost any two objects of an image (``scenes.graph.closure``)."""


@dataclass(frozen=True, slots=True)
class SceneAnnotations:
    """The annotations of n scenes, at most k boxes each."""

    boxes: Ints
    """[n, k, 4]: left, top, right, bottom in pixels of an image of ``SIZE``; 0 where none is."""
    there: Flags
    """[n, k]: rows that hold a box; these come first."""
    labels: Ints
    """[n, k]: into ``NAMES``; 0 where none is."""
    predicates: Ints
    """[n, k, k]: into ``PHRASES``; or UNRELATED, or NO_PAIR."""


def annotate_scenes(scenes: Scenes, most: int | None = None) -> SceneAnnotations:
    """Return the annotations of scenes, as the edition makes them.

    Args:
        scenes: n of them.
        most: boxes a scene, the last ones left out; by default all.
    """
    visibility = measure_visible(scenes, SIZE)
    shown = select_annotated(scenes, visibility)
    k = most or max(int(shown.sum(axis=1).max(initial=0)), 1)
    slots = np.argsort(~shown, axis=1, kind="stable")[:, :k]
    rows = np.arange(len(scenes))[:, None]
    there = shown[rows, slots]
    pairs = there[:, :, None] & there[:, None, :] & ~np.eye(there.shape[1], dtype=np.bool_)
    told = scenes.predicate[rows[..., None], slots[:, :, None], slots[:, None, :]]
    return SceneAnnotations(
        boxes=visibility.boxes[rows, slots] * there[..., None],
        there=there,
        labels=np.where(there, scenes.category[rows, slots], 0),
        predicates=np.where(pairs, np.where(told >= 0, told, UNRELATED), NO_PAIR),
    )


@dataclass(frozen=True, slots=True)
class RelatedPairs:
    """Regions of n examples with their annotations."""

    regions: Regions
    """Without images, until they are rendered."""
    targets: PairTargets

    def render(self, images: Tensor, size: int) -> RelatedPairs:
        """Add the whole images, as large as they were drawn."""
        return RelatedPairs(replace(self.regions, images=images), self.targets)

    def inputs(self, device: str, preprocessing: Mapping[str, Any]) -> Inputs:
        """Return regions and annotations, on the device."""
        regions = self.regions.to(device)
        regions.images = normalise(regions.images, preprocessing)
        return REGIONS.of(regions) | PAIR_TARGETS.of(self.targets.to(device))


@dataclass(frozen=True)
class Pairs:
    """The view; its settings are recorded in every checkpoint."""

    boxes: int = 12
    """At most, of an image; dense scenes have no more."""
    pairs: int = 24
    """Ordered ones of an image, related or not."""
    spoken: int = 8
    """So many of the related ones are read as phrases."""
    distant_percent: int = 0
    """The percentage of related pairs whose predicate is drawn from those known of their names."""
    false_percent: int = 0
    """The percentage of unrelated pairs that get such a predicate, if one is known."""

    def choose(
        self, found: Examples, visibility: Visibility, reader: CaptionReader
    ) -> RelatedPairs:
        """Annotate, choose pairs, and read their phrases."""
        if found.scenes is None:
            raise RuntimeError("pairs are known of drawn scenes alone")
        seen_of, index = annotate_scenes(found.scenes, self.boxes), found.scenes.index
        answers = self.labelled(seen_of, index)
        ends, weight = self._chosen(answers, index)
        predicates = np.take_along_axis(answers.reshape(len(answers), -1), ends, axis=1)
        parts = np.stack(np.divmod(ends, seen_of.there.shape[1]), axis=-1)
        regions = Regions(
            images=torch.empty(0),
            boxes=torch.from_numpy((seen_of.boxes / SIZE).astype(np.float32)),
            there=torch.from_numpy(seen_of.there),
            labels=torch.from_numpy(seen_of.labels),
            ends=torch.from_numpy(parts),
        )
        targets = self._targets(seen_of.labels, parts, predicates, weight, reader)
        return RelatedPairs(regions, targets)

    def labelled(self, seen_of: SceneAnnotations, index: Ints) -> Ints:
        """Return the predicates to learn from, [n, k, k]; some are inferred from names alone.

        Args:
            seen_of: n scenes.
            index: [n], the scenes' numbers: they decide which, and what.
        """
        truth = seen_of.predicates
        if not (self.distant_percent or self.false_percent):
            return truth
        n, k = seen_of.there.shape
        numbers = index[:, None] * k * k + np.arange(k * k)
        roll = dice("distant supervision", numbers.reshape(-1))
        rate = np.where(truth >= 0, self.distant_percent, self.false_percent)
        labels = seen_of.labels
        some = known_predicates()[labels[:, :, None], labels[:, None, :]]  # [n, k, k, predicates]
        count = some.sum(axis=-1)
        rank = roll.below("predicate", np.maximum(count, 1).reshape(-1)).reshape(n, k, k)
        guess = np.argmax(np.cumsum(some, axis=-1) > rank[..., None], axis=-1)
        guessed = roll.chance("guessed", rate.reshape(-1)).reshape(n, k, k)
        return np.where(guessed & (count > 0) & (truth > NO_PAIR), guess, truth)

    def _chosen(self, answers: Ints, index: Ints) -> tuple[Ints, Singles]:
        """Return numbers of pairs, subject · k + object, and their weights, [n, p] each."""
        n, cells = len(answers), answers[0].size
        flat = answers.reshape(n, cells)
        roll = dice("pairs", (index[:, None] * cells + np.arange(cells)).reshape(-1))
        order = roll.below("order", _LARGE).reshape(n, cells)
        order = order + _LARGE * np.where(flat >= 0, 0, np.where(flat == UNRELATED, 1, 2))
        ends = np.argsort(order, axis=1, kind="stable")[:, : self.pairs]
        drawn = np.take_along_axis(flat, ends, axis=1) == UNRELATED
        left = (flat == UNRELATED).sum(axis=1) / np.maximum(drawn.sum(axis=1), 1)
        return ends, np.where(drawn, left[:, None], 1.0).astype(np.float32)

    def _targets(
        self, labels: Ints, ends: Ints, predicates: Ints, weight: Singles, reader: CaptionReader
    ) -> PairTargets:
        """Return the targets, with the phrases of the first pairs."""
        rows = np.arange(len(labels))[:, None]
        first = predicates[:, : self.spoken]
        sides = []
        for side in range(2):
            name = labels[rows, ends[:, : self.spoken, side]]
            # Distinct phrases are numbered; what is unrelated takes the first one's place.
            code = np.where(first >= 0, name * len(PHRASES) + first, -1)
            kinds = np.unique(code[code >= 0])
            spoken = np.maximum(np.searchsorted(kinds, code), 0)
            sides.append((_phrases(kinds, side, reader), np.where(first >= 0, spoken, 0)))
        (subject_phrases, subject), (object_phrases, thing) = sides
        return PairTargets(
            predicates=torch.from_numpy(predicates),
            weight=torch.from_numpy(weight),
            names=reader.read(NAMES),
            phrases=reader.read(PHRASES),
            subject_phrases=subject_phrases,
            object_phrases=object_phrases,
            spoken=torch.from_numpy(np.stack([subject, thing], axis=-1)),
            alike=torch.from_numpy(implied_predicates()),
            vague=torch.from_numpy(vague_predicates()),
        )


def _phrases(kinds: Ints, side: int, reader: CaptionReader) -> Any:
    """Return texts of (name, predicate) pairs, at least one: "dog chasing", or "chasing dog"."""
    pairs = [divmod(kind, len(PHRASES)) for kind in kinds.tolist()] or [(0, 0)]
    words = [(NAMES[name], PHRASES[predicate]) for name, predicate in pairs]
    return reader.read([" ".join(pair if side == 0 else pair[::-1]) for pair in words])


@lru_cache(maxsize=1)
def known_predicates() -> Flags:
    """Return which predicates the corpus has between two names, [names, names, predicates] bool."""
    scenes = sample("train-dense", np.arange(CORPUS))
    row, subject, thing = np.nonzero(scenes.predicate >= 0)
    found = np.zeros((len(NAMES), len(NAMES), len(PHRASES)), dtype=np.bool_)
    ends = scenes.category[row, subject], scenes.category[row, thing]
    found[(*ends, scenes.predicate[row, subject, thing])] = True
    return found


@lru_cache(maxsize=1)
def implied_predicates() -> Flags:
    """Return the pairs of which one implies the other: [predicates, predicates] bool, symmetric.

    "riding" implies "on" and "above"; "standing on" and "lying on" exclude each other. The diagonal
    is True.
    """
    implied = np.eye(len(PREDICATES), dtype=np.bool_)
    for row, predicate in enumerate(PREDICATES):
        implied[row, [PREDICATE[name] for name in predicate.implies]] = True
    for _ in PREDICATES:
        implied = implied @ implied
    return np.asarray(implied | implied.T)


@lru_cache(maxsize=1)
def vague_predicates() -> Flags:
    """Return which predicates are in ``VAGUE``, [predicates] bool."""
    return np.isin([predicate.name for predicate in PREDICATES], VAGUE)
