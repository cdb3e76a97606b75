"""Score the pairs of scenes, by a model's relation head or by crops and prompts.

A dual encoder gets the union of two boxes as a crop and "subject predicate object" as a caption for
every predicate; p is the softmax over predicates of its logit scale times the similarities. Where
the model chooses the labels, it gets each box as a crop and the objects' names as captions.
"""

from __future__ import annotations

import typing
from typing import TYPE_CHECKING

import numpy as np

from benchbench.data.images import decode, read_bytes
from benchbench.embedding import Spill
from benchbench.protocols.relations.ranking import SceneScores
from benchbench.types import ImageRef, RelationInput

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchbench.embedding import EmbeddingTable, Encoder
    from benchbench.types import Box, DualEncoder, Edges, RelationScorer, Scene, Vocabulary
    from benchbench.types.arrays import Floats, Indices


GROUP = 4096
"""Ordered pairs whose crops are encoded before any of them is ranked: bounds memory."""

TEMPLATE = "{subject} {predicate} {object}"

CHUNK = 256
"""Pairs whose phrases are gathered at once: about 50 MB for 50 predicates, 512 dimensions."""


class SceneScorer(typing.Protocol):
    """The interface of a scorer of the pairs of scenes."""

    def prepare(self, scenes: Sequence[Scene]) -> list[Scene]:
        """Do the work common to all scenes; return the scenes whose images could be read."""
        ...

    def score(self, scene: Scene) -> SceneScores:
        """Score one of the prepared scenes."""
        ...


class UnionCrops:
    """A scorer by any dual encoder. Crops are kept for a group of scenes, phrases for all."""

    def __init__(self, model: DualEncoder, encoder: Encoder) -> None:
        self._scale = model.logit_scale
        self._encoder = encoder
        self._labels: dict[str, Floats] = {}
        self._unions: EmbeddingTable[ImageRef]
        self._phrases: Spill[tuple[int, int]] = Spill()
        """The vectors of each label pair's phrases, [predicates, dim]: of 150 objects and 50
        predicates over a million, or 2.3 GB."""

    def prepare(self, scenes: Sequence[Scene]) -> list[Scene]:
        """Encode every union crop, every new phrase, and boxes whose labels the model chooses."""
        # A scene without a pair has no crop: its image file is checked by itself.
        self._encoder.check_files(scene.image for scene in scenes if not len(pairs_of(scene)))
        crops = (union(scene, boxes) for scene in scenes for boxes in _box_pairs(scene))
        self._unions = self._encoder.images(crops, "relation")
        kept = _readable(scenes, self._encoder)
        choosing = [scene for scene in kept if scene.given == "boxes"]
        self._labels = self._choose(choosing) if choosing else {}
        if kept:
            self._read(kept)
        return kept

    def _read(self, scenes: Sequence[Scene]) -> None:
        """Encode the phrases of label pairs that are new."""
        names = scenes[0].vocabulary
        pairs = {
            (labels[i], labels[j])
            for scene, labels in ((scene, self._picked(scene)) for scene in scenes)
            for i, j in pairs_of(scene).tolist()
        }
        missing = sorted(pair for pair in pairs if pair not in self._phrases)
        new = {pair: _phrases(names, *pair) for pair in missing}
        if new:
            phrases = (phrase for of_pair in new.values() for phrase in of_pair)
            embedded = self._encoder.captions(phrases, "relation").embedded
            for pair, of_pair in new.items():
                self._phrases.add(pair, embedded.take(of_pair))

    def score(self, scene: Scene) -> SceneScores:
        """Compare each union crop with the phrases of its pair."""
        pairs = pairs_of(scene)
        logs = np.empty((len(pairs), len(scene.vocabulary.predicates)))
        for start in range(0, len(pairs), CHUNK):
            part = slice(start, start + CHUNK)
            logs[part] = log_softmax(self._scale * self._similarities(scene, pairs[part]))
        return assemble_scores(scene, logs, self._labels.get(scene.id))

    def _similarities(self, scene: Scene, pairs: Indices) -> Floats:
        """Return the similarity of each pair's crop to each of its phrases: [pairs, predicates]."""
        boxes, labels = boxes_of(scene), self._picked(scene)
        ends = pairs.tolist()
        crops = self._unions.take([union(scene, (boxes[i], boxes[j])) for i, j in ends])
        phrases = self._phrases.take([(labels[i], labels[j]) for i, j in ends])
        # einsum sums every cell in one order, so that equal vectors tie at any position.
        similar = np.einsum("nd,npd->np", crops.astype(np.float64), phrases.astype(np.float64))
        return np.asarray(similar)

    def _choose(self, scenes: Sequence[Scene]) -> dict[str, Floats]:
        """Return each label's log-probability for the boxes of each scene: [boxes, objects]."""
        refs = (ImageRef(scene.image.path, box) for scene in scenes for box in scene.boxes)
        crops = self._encoder.images(refs, "object")
        names = {name for scene in scenes for name in scene.vocabulary.objects}
        phrases = self._encoder.captions(sorted(names), "object").embedded
        logs = {}
        for scene in scenes:
            seen = crops.take([ImageRef(scene.image.path, box) for box in scene.boxes])
            read = phrases.take(scene.vocabulary.objects)
            similar = np.einsum("nd,od->no", seen.astype(np.float64), read.astype(np.float64))
            logs[scene.id] = log_softmax(self._scale * similar)
        return logs

    def _picked(self, scene: Scene) -> list[int]:
        return labels_of(scene, self._labels.get(scene.id))


class OwnHead:
    """A scorer by a model's own head for relations."""

    def __init__(self, model: RelationScorer, encoder: Encoder) -> None:
        self._model = model
        self._encoder = encoder

    def prepare(self, scenes: Sequence[Scene]) -> list[Scene]:
        """Read and decode every image file once; return the scenes whose images could be read."""
        self._encoder.check_files([scene.image for scene in scenes])
        return _readable(scenes, self._encoder)

    def score(self, scene: Scene) -> SceneScores:
        """Score a scene by the model's head."""
        boxes, pairs = boxes_of(scene), pairs_of(scene)
        ends = tuple((i, j) for i, j in pairs.tolist())

        def input_of(labels: Sequence[int]) -> RelationInput:
            path = scene.image.path
            shown = lambda: decode(read_bytes(path), path)  # noqa: E731
            return RelationInput(shown, tuple(boxes), tuple(labels), ends, scene.vocabulary)

        chosen = None
        if scene.given == "boxes":
            shape = (len(boxes), len(scene.vocabulary.objects))
            chosen = self._encoder.outputs.log_probabilities(
                self._model.score_objects(input_of(())), shape
            )
        labels = labels_of(scene, chosen)
        shape = (len(pairs), len(scene.vocabulary.predicates))
        logs = np.empty(shape)
        if len(pairs):
            logs = self._encoder.outputs.log_probabilities(
                self._model.score_relations(input_of(labels)), shape
            )
        return assemble_scores(scene, logs, chosen)


def _readable(scenes: Sequence[Scene], encoder: Encoder) -> list[Scene]:
    return [scene for scene in scenes if scene.image.path not in encoder.files.unreadable]


def groups_of(scenes: Sequence[Scene]) -> Iterator[list[Scene]]:
    """Yield the scenes in their order, in groups that end at 4,096 pairs or more (``GROUP``)."""
    group: list[Scene] = []
    pairs = 0
    for scene in scenes:
        group.append(scene)
        pairs += len(pairs_of(scene))
        if pairs >= GROUP:
            yield group
            group, pairs = [], 0
    if group:
        yield group


def assemble_scores(scene: Scene, predicate_logs: Floats, label_logs: Floats | None) -> SceneScores:
    """Return a scene's scores, with labels, boxes and pairs.

    Args:
        scene: the scene.
        predicate_logs: [pairs, predicates].
        label_logs: [boxes, objects] where the model chose the labels.
    """
    boxes = boxes_of(scene)
    if label_logs is not None:
        best = label_logs.max(axis=1)
        is_best = label_logs.astype(np.float32) == best.astype(np.float32)[:, None]
        ties = is_best * is_best.sum(axis=1, keepdims=True)
    else:
        ties = np.zeros((len(boxes), len(scene.vocabulary.objects)), dtype=np.intp)
        ties[np.arange(len(boxes)), labels_of(scene, None)] = 1
        certainty = scene.proposals.scores if scene.proposals else np.ones(len(boxes))
        best = np.log(np.asarray(certainty, dtype=np.float64))
    return SceneScores(
        boxes=np.array(edges_of(scene), dtype=np.float32).reshape(-1, 4),
        label_logs=best,
        label_ties=ties,
        pairs=pairs_of(scene),
        predicate_logs=predicate_logs,
        labels_chosen=label_logs is not None,
    )


def boxes_of(scene: Scene) -> Sequence[Box]:
    """Return the boxes that the model gets: the proposals, or the scene's own."""
    return scene.proposals.boxes if scene.proposals else scene.boxes


def edges_of(scene: Scene) -> Sequence[Edges]:
    """Return the boxes' edges as their file has them, where known; otherwise the boxes."""
    shown = scene.proposals or scene
    return shown.unrounded or shown.boxes


def labels_of(scene: Scene, chosen: Floats | None) -> list[int]:
    """Return the boxes' labels: proposed, chosen (the first of the best), or given."""
    if chosen is not None:
        return [int(i) for i in chosen.astype(np.float32).argmax(axis=1)]
    return list(scene.proposals.labels if scene.proposals else scene.labels)


def pairs_of(scene: Scene) -> Indices:
    """Return the ordered pairs that a model ranks, [pairs, 2]: all, or the related ones."""
    if scene.given == "pairs":
        related = dict.fromkeys((s, o) for s, o, _ in scene.relations if s != o)
        return np.array(list(related), dtype=np.intp).reshape(-1, 2)
    n = len(boxes_of(scene))
    ends = np.stack(np.nonzero(~np.eye(n, dtype=bool)), axis=1)
    return np.asarray(ends, dtype=np.intp)


def union(scene: Scene, boxes: tuple[Box, Box]) -> ImageRef:
    """Return the smallest crop that contains two boxes."""
    one, other = boxes
    box = (
        min(one[0], other[0]),
        min(one[1], other[1]),
        max(one[2], other[2]),
        max(one[3], other[3]),
    )
    return ImageRef(scene.image.path, box)


def log_softmax(logits: Floats) -> Floats:
    """Return the logarithm of the softmax over the last axis."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))


def _box_pairs(scene: Scene) -> Iterator[tuple[Box, Box]]:
    boxes = boxes_of(scene)
    for i, j in pairs_of(scene).tolist():
        yield boxes[i], boxes[j]


def _phrases(vocabulary: Vocabulary, subject: int, thing: int) -> list[str]:
    """Return one phrase per predicate, in their order."""
    names = vocabulary.objects
    return [
        TEMPLATE.format(subject=names[subject], predicate=predicate, object=names[thing])
        for predicate in vocabulary.predicates
    ]
