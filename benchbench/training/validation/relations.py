"""Validate relation scorers: dense scenes of the ``val`` split, scored as the task scores.

Triples count as unseen where training holds them out, whether or not a scene has shown them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchbench.devices import inference
from benchbench.protocols.relations.credit import recall_credit
from benchbench.protocols.relations.ranking import rank
from benchbench.protocols.relations.scene_scores import assemble_scores, pairs_of
from benchbench.scenes.drawing import draw
from benchbench.scenes.edition.plan import SIZE
from benchbench.scenes.holdout import held_triples
from benchbench.scenes.sampling import sample
from benchbench.training.pairs import NAMES, PHRASES, annotate_scenes
from benchbench.types import ImageRef, RelationInput, Scene, Vocabulary
from benchbench.variants.relation_model import ImageScorer

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from PIL.Image import Image

    from benchbench.types import RelationsOutcome
    from benchbench.types.arrays import Flags, Pixels
    from benchbench.variants.texts import CaptionReader

SCENES = 200
BEST = 20
"""How many triples of an image count."""
OUTSIDE_MEAN = "labels"
"""The metric that is not in the mean."""


@dataclass(frozen=True)
class RelationSet:
    """Scenes with boxes and relations, for detection."""

    scenes: list[Scene]
    images: Pixels
    """[n, SIZE, SIZE, 3]"""

    def metrics(self, model: Any, reader: CaptionReader, device: str) -> dict[str, float]:
        """Return percentages by name.

        ``predicate``: related pairs whose predicate is ranked first, the mean over predicates;
        ``mR@20`` and ``zR@20``: as the task defines them; ``labels``: boxes named rightly, which
        does not count; ``mean``: of the first three.
        """
        model.eval()
        with inference():
            scorer = ImageScorer(model, reader)
            found = [self._judged(number, scorer) for number in range(len(self.scenes))]
        model.train()
        related, right = zip(*found, strict=True)
        metrics = recalls(self.scenes, related)
        return metrics | {
            OUTSIDE_MEAN: 100 * float(np.concatenate(right).mean()),
            "mean": float(np.mean(list(metrics.values()))),
        }

    def _judged(self, number: int, scorer: ImageScorer) -> tuple[RelationsOutcome, Flags]:
        scene = self.scenes[number]
        ends = tuple((i, j) for i, j in pairs_of(scene).tolist())
        shown = RelationInput(
            self._image(number), scene.boxes, scene.labels, ends, scene.vocabulary
        )
        names = scorer.score_objects(shown).argmax(axis=1)
        logs = scorer.score_relations(shown)
        return rank(scene, assemble_scores(scene, logs, None)), names == np.array(scene.labels)

    def _image(self, number: int) -> Any:
        def image() -> Image:
            from PIL import Image

            return Image.fromarray(self.images[number])

        return image


def build(transform: object = None, scenes: int = SCENES) -> RelationSet:
    """Draw the set, the same for every variant.

    Args:
        transform: unused; images are shown whole, at a size that is the model's own.
        scenes: how many; those without a relation are left out.
    """
    drawn, vocabulary = sample("val-dense", np.arange(scenes)), Vocabulary(NAMES, PHRASES)
    told, held = annotate_scenes(drawn), held_triples()
    found = []
    for row in range(scenes):
        n = int(told.there[row].sum())
        labels, predicates = told.labels[row, :n], told.predicates[row, :n, :n]
        ends = np.argwhere(predicates >= 0)
        kinds = predicates[ends[:, 0], ends[:, 1]]
        unseen = held[kinds, labels[ends[:, 0]], labels[ends[:, 1]]]
        relations = np.column_stack([ends, kinds]).tolist()
        found.append(
            Scene(
                id=str(row),
                image=ImageRef(Path(f"{row}.png")),
                boxes=tuple(map(tuple, told.boxes[row, :n].tolist())),
                labels=tuple(labels.tolist()),
                relations=tuple(map(tuple, relations)),
                unseen=tuple(unseen.tolist()),
                cluster=str(row),
                vocabulary=vocabulary,
            )
        )
    some = np.flatnonzero([bool(scene.relations) for scene in found])
    return RelationSet([found[i] for i in some], draw(drawn.take(some), SIZE))


def recalls(scenes: Sequence[Scene], related: Sequence[RelationsOutcome]) -> dict[str, float]:
    """Return recalls in percent: within each image first, then the mean over images.

    Predicates, and unseen triples, that these scenes lack are left out.
    """
    rows = [
        (number, predicate, unseen, hit, better == 0 and equal == 0)
        for number, (scene, one) in enumerate(zip(scenes, related, strict=True))
        for (_, _, predicate), unseen, hit, better, equal in zip(
            scene.relations,
            scene.unseen,
            recall_credit(one.constrained, len(scene.relations), BEST, "wrong"),
            one.own_pair.better,
            one.own_pair.equal,
            strict=True,
        )
    ]
    number, predicate, unseen, hit, first = (np.array(column) for column in zip(*rows, strict=True))
    of_kind = [predicate == kind for kind in np.unique(predicate)]
    return {
        "predicate": 100 * float(np.mean([first[kind].mean() for kind in of_kind])),
        f"mR@{BEST}": 100 * float(np.mean([_by(number[k], hit[k]) for k in of_kind])),
        f"zR@{BEST}": 100 * _by(number[unseen], hit[unseen]) if unseen.any() else 0.0,
    }


def _by(group: npt.NDArray[Any], values: npt.NDArray[Any]) -> float:
    """Return the mean of the groups' means."""
    _, rows, count = np.unique(group, return_inverse=True, return_counts=True)
    return float(np.mean(np.bincount(rows, weights=values) / count))
