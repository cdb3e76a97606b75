"""The frequency baseline: how often a predicate holds between two labels in a training split.

    score(s, p, o) = log( (c(s, p, o) + prior(p)) / (n(s, o) + 1) )
    prior(p)       = (c(p) + 1) / (n + 1)

c(s, p, o) counts the ordered pairs of boxes labelled s and o that stand in p, c(p) those of any
labels; n(s, o) counts all ordered pairs of boxes with those labels in one image, related or not,
and n those of any. So a score is the share of such pairs that stand in p, smoothed by one pair
that stands in p as often as all pairs do: it ranks pairs by how likely they are related at all,
and a pair of labels without counts falls back on p itself. All scores are finite.

After Zellers et al., 'Neural Motifs', CVPR 2018 (rowanz/neural-motifs, ``get_dataset_counts.py``
and ``sparse_targets.py``), with three differences. A relation annotated twice of the same two boxes
counts once here, which keeps a share at most 1 (there: each time). n(s, o) counts all pairs (there:
overlapping boxes, or all where none overlap; plus the relations themselves). Smoothing is by the
predicate's own frequency (there: 0.001 for all). Relations of a box with itself are in no pair.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchbench.types import Scene, Vocabulary
    from benchbench.types.arrays import Floats, Ints


@dataclass(frozen=True, slots=True)
class FrequencyCounts:
    """Counts over the images of a training split."""

    vocabulary: Vocabulary
    images: int
    objects: Ints
    """[objects]: boxes with each label."""
    pairs: Ints
    """[objects, objects]: ordered pairs of boxes with those labels in one image, n(s, o)."""
    triples: Ints
    """[objects, objects, predicates]: those that stand in each predicate, c(s, p, o)."""

    @property
    def sha256(self) -> str:
        """SHA-256 over the names and all counts."""
        digest = hashlib.sha256(repr(self.vocabulary).encode())
        for counts in (self.objects, self.pairs, self.triples):
            digest.update(np.ascontiguousarray(counts, dtype="<i8").tobytes())
        return digest.hexdigest()

    def log_predicates(self) -> Floats:
        """Return the scores above by subject, object, predicate: [objects, objects, predicates]."""
        prior = (self.triples.sum(axis=(0, 1)) + 1) / (self.pairs.sum() + 1)
        return np.asarray(np.log((self.triples + prior) / (self.pairs[:, :, None] + 1)))

    def log_objects(self) -> Floats:
        """Return the logarithm of each label's share of the boxes, each counted once more: [n]."""
        counts = self.objects + 1
        return np.asarray(np.log(counts / counts.sum()))


def count(scenes: Sequence[Scene]) -> FrequencyCounts:
    """Count over one scene or more of one vocabulary."""
    vocabulary = scenes[0].vocabulary
    n, m = len(vocabulary.objects), len(vocabulary.predicates)
    labels = np.array([label for scene in scenes for label in scene.labels], dtype=np.int64)
    image = np.repeat(np.arange(len(scenes)), [len(scene.labels) for scene in scenes])
    of_image = np.bincount(image * n + labels, minlength=len(scenes) * n).reshape(-1, n)
    objects = of_image.sum(axis=0)
    together = of_image.astype(np.float64)  # exact below 2^53, and many times as fast as integers
    codes = [
        (scene.labels[subject] * n + scene.labels[thing]) * m + predicate
        for scene in scenes
        for subject, thing, predicate in set(scene.relations)
        if subject != thing
    ]
    triples = np.bincount(np.array(codes, dtype=np.int64), minlength=n * n * m)
    return FrequencyCounts(
        vocabulary=vocabulary,
        images=len(scenes),
        objects=objects,
        pairs=np.rint(together.T @ together).astype(np.int64) - np.diag(objects),
        triples=triples.reshape(n, n, m),
    )
