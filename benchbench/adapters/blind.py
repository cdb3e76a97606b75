"""Text-only baselines (``blind:…``): their scores show what a task gives away without its images.

``blind:constant`` scores everything alike: 0 where a tie is wrong, exactly chance where ties are
shared, and 100 where ties are counted as right. ``blind:chance`` scores each image and caption by
a hash of both and the seed: a fair coin, to check intervals with. ``blind:frequency`` scores
relations by how often each predicate holds between two labels in a training split, and all images
and captions alike.

The rest are text-only models. Such priors solve many suites (Hsieh et al., 'SugarCrepe', NeurIPS
2023): an addition makes a caption longer, and shuffled text is unlikely text. ``blind:length``
prefers the shorter caption (as a sum of log-probabilities does, too), ``blind:length-longest`` the
longer; ``blind:ngram`` (``ngram.py``) learns from a training split's captions; ``blind:hf:NAME``
(``causal.py``) is a language model.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from benchbench.adapters.causal import load as load_causal
from benchbench.adapters.frequency import count
from benchbench.adapters.ngram import NgramRatio, NgramScorer
from benchbench.adapters.text_only import CaptionLength
from benchbench.errors import UnknownName, UsageError
from benchbench.types import LoadOptions, ModelFamily, ModelManifest, Scene

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from PIL.Image import Image
    from torch import Tensor

    from benchbench.adapters.frequency import FrequencyCounts
    from benchbench.types import DualEncoder, Question, RelationInput, Role, Similarity, Vocabulary
    from benchbench.types.arrays import Floats

DIM = 64
KINDS = {
    "constant": "scores everything alike",
    "chance": "scores by a hash of image and caption (--seed)",
    "frequency": "scores relations by how often they hold in a training split",
    "length": "prefers the shorter caption",
    "length-longest": "prefers the longer caption",
    "ngram": "a caption's log-probability, by a training split's n-grams",
    "ngram-mean": "the same a word",
    "ngram-ratio": "log-probability as a true caption minus that as a false one, likewise",
}
WITH_NAME = {
    "hf": "a caption's log-probability, by a causal language model of transformers",
    "hf-mean": "the same a token",
}
"""Baselines with a name after them."""


class BlindEncoder:
    """A dual encoder whose vectors are hashes of its inputs, or all the same."""

    similarity: Similarity = "cosine"
    logit_scale = 1.0
    device = "cpu"

    def __init__(
        self, kind: str, *, seed: int | None = None, settings: Mapping[str, Any] | None = None
    ) -> None:
        self._seed = seed
        """The seed of the hashes; None if all vectors are the same."""
        self.manifest = ModelManifest(
            name=f"blind:{kind}",
            architecture="none",
            weights="none",
            weights_sha256=hashlib.sha256(b"").hexdigest(),
            trained=True,
            activation="none",
            preprocessing={},
            tokenizer="UTF-8",
            context_length=4096,
            dtype="fp32",
            parameters=0,
            similarity=self.similarity,
            settings=settings or {"seed": seed or 0},
        )

    def transform(self, image: Image) -> Tensor:
        """Return the digest of the pixels, a byte a number: [3, 1, 32], thrice the same."""
        import torch

        digest = hashlib.sha256(f"{image.size} {image.mode}".encode() + image.tobytes()).digest()
        return torch.tensor(list(digest), dtype=torch.float32).expand(3, 1, -1)

    def encode_images(self, batch: Tensor, role: Role) -> Tensor:
        """Encode images: [n, 3, 1, 32] → [n, 64]."""
        return self._vectors([bytes(row.int().tolist()) for row in batch[:, 0, 0]])

    def token_ids(self, texts: Sequence[str]) -> list[tuple[int, ...]]:
        """Return the bytes of each caption."""
        return [tuple(text.encode()) for text in texts]

    def tokenize(self, texts: Sequence[str]) -> list[bytes]:
        """Return the bytes of each caption, cut to the context."""
        return [text.encode()[: self.manifest.context_length] for text in texts]

    def encode_texts(self, batch: list[bytes], role: Role) -> Tensor:
        """Encode n captions: → [n, 64]."""
        return self._vectors(batch)

    def _vectors(self, inputs: Sequence[bytes]) -> Tensor:
        import torch

        if self._seed is None:
            return torch.ones(len(inputs), DIM)
        return torch.from_numpy(np.stack([self._hashed(each) for each in inputs]))

    def _hashed(self, content: bytes) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
        """Return 64 numbers in [−1, 1) from a hash: [64]."""
        stream = hashlib.shake_256(f"{self._seed} ".encode() + content).digest(4 * DIM)
        return (np.frombuffer(stream, "<u4") / 2**31 - 1).astype(np.float32)


class FrequencyBaseline(BlindEncoder):
    """Relations by the counts of ``frequency.py``; a constant besides.

    Without counts, all predicates and labels are equally likely.
    """

    def __init__(self, counts: FrequencyCounts | None = None) -> None:
        super().__init__("frequency", settings=_training_settings(counts))
        self._vocabulary = counts.vocabulary if counts else None
        self._predicates = counts.log_predicates() if counts else None
        self._objects = counts.log_objects() if counts else None

    def fit(self, training: Sequence[Question]) -> FrequencyBaseline:
        """Return the baseline with the counts of the scenes in ``training``, if there are any."""
        scenes = [each for each in training if isinstance(each, Scene)]
        return FrequencyBaseline(count(scenes) if scenes else None)

    def score_relations(self, inputs: RelationInput) -> Floats:
        """Return logarithms of shares: [pairs, predicates]."""
        pairs = np.array(inputs.pairs, dtype=np.intp).reshape(-1, 2)
        if self._predicates is None:
            return _uniform_logs(len(pairs), len(inputs.vocabulary.predicates))
        self._check(inputs.vocabulary)
        subject, thing = np.array(inputs.labels, dtype=np.intp)[pairs].T
        return np.asarray(self._predicates[subject, thing])

    def score_objects(self, inputs: RelationInput) -> Floats:
        """Return logarithms of shares, the same for every box: [boxes, objects]."""
        if self._objects is None:
            return _uniform_logs(len(inputs.boxes), len(inputs.vocabulary.objects))
        self._check(inputs.vocabulary)
        return np.tile(self._objects, (len(inputs.boxes), 1))

    def _check(self, vocabulary: Vocabulary) -> None:
        if vocabulary != self._vocabulary:
            raise UsageError(
                "blind:frequency was trained with other names than the scene has. Train it on the "
                "training split of the same files."
            )


def _uniform_logs(rows: int, names: int) -> Floats:
    """Return logarithms of equal probabilities: [rows, names]."""
    return np.full((rows, names), -np.log(names))


def _training_settings(counts: FrequencyCounts | None) -> dict[str, Any]:
    """Return the manifest's settings of the training split."""
    if counts is None:
        note = "It has learnt nothing: this task has no training split of relations."
        return {"learned": "nothing", "note": note}
    return {"learned": f"{counts.images:,} training images", "counts_sha256": counts.sha256}


def load(rest: str, options: LoadOptions) -> DualEncoder:
    """Load one of ``KINDS`` or ``WITH_NAME``.

    Device and precision apply to those that have a network.

    Raises:
        UnknownName: no such baseline.
        ModelError: as ``causal.load``.
    """
    kind, colon, name = rest.partition(":")
    if kind in WITH_NAME:
        return load_causal(name, options, mean=kind.endswith("mean"))
    if colon or kind not in KINDS:
        hint = f"There are {', '.join(f'blind:{each}' for each in USAGE)}."
        raise UnknownName("blind baseline", rest, (*KINDS, *WITH_NAME), hint)
    return _FACTORIES[kind](options)


def _supported_options(rest: str) -> frozenset[str]:
    """Return the options of those that have weights."""
    is_named = rest.partition(":")[0] in WITH_NAME
    return frozenset({"allow_partial", "trust_pickle", "trust_remote_code"} if is_named else ())


_FACTORIES: Mapping[str, Callable[[LoadOptions], DualEncoder]] = {
    "constant": lambda _: BlindEncoder("constant"),
    "chance": lambda options: BlindEncoder("chance", seed=options.seed),
    "frequency": lambda _: FrequencyBaseline(),
    "length": lambda _: CaptionLength("length", -1),
    "length-longest": lambda _: CaptionLength("length-longest", 1),
    "ngram": lambda _: NgramScorer("ngram", mean=False),
    "ngram-mean": lambda _: NgramScorer("ngram-mean", mean=True),
    "ngram-ratio": lambda _: NgramRatio(),
}
USAGE = KINDS | {f"{kind}:NAME": meaning for kind, meaning in WITH_NAME.items()}

FAMILY = ModelFamily(
    name="blind",
    usage={f"blind:{kind}": meaning for kind, meaning in USAGE.items()},
    load=load,
    options=_supported_options,
)
