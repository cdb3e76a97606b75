"""What models are: embedding pictures and captions apart, or scoring them in pairs."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypedDict, TypeGuard, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import ModuleType

    import numpy as np
    import numpy.typing as npt
    from PIL.Image import Image
    from torch import Tensor

    from benchbench.types.questions import Box, Question, Role, Vocabulary

Similarity = Literal["cosine", "dot"]
"""How two embeddings are compared: of unit length, or as the model gives them."""

Comparison = Literal[Similarity, "pairs"]
"""That, or ``pairs`` where there are no embeddings: a picture and a caption are scored together."""

Precision = Literal["fp32", "fp16", "bf16"]
Activation = Literal["gelu", "quickgelu"]
ACTIVATIONS: tuple[Activation, ...] = ("gelu", "quickgelu")


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
    similarity: Comparison
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Whatever else of the model's own decides its embeddings. A ``note`` among them is shown above
    its numbers."""

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


Shown = Any
"""A picture as a pair scorer's ``transform`` leaves it; opaque to everybody else."""
Features = Any
"""What a pair scorer makes of one picture, for any number of captions; likewise opaque."""


@runtime_checkable
class PairScorer(Protocol):
    """A model that reads a caption beside a picture: a cross-encoder, a generative model.

    It encodes a picture once and scores it with as many captions as are asked. A caption is what
    ``token_ids`` says, cut to the context: strings of the same ids are scored once. ``transform``
    and ``tokenize`` run on worker threads beside the forward pass; the other two are called from
    one thread, under ``torch.inference_mode``. Batches hold captions of similar length; those of a
    model with an attribute ``by_picture`` that is true hold, as far as can be, one picture's.
    """

    @property
    def manifest(self) -> ModelManifest:
        """What was loaded; its ``similarity`` is ``pairs``."""
        ...

    @property
    def device(self) -> str:
        """Where it computes: ``cpu``, ``cuda:0``."""
        ...

    def transform(self, image: Image) -> Shown:
        """Preprocess one RGB picture."""
        ...

    def encode_images(self, pictures: Sequence[Shown]) -> Sequence[Features]:
        """What can be computed of each of n pictures without a caption: n of them.

        Where an architecture lets nothing be, the pictures themselves.
        """
        ...

    def token_ids(self, texts: Sequence[str]) -> list[tuple[int, ...]]:
        """The ids of each caption, special tokens included, neither padded nor truncated."""
        ...

    def tokenize(self, texts: Sequence[str]) -> TextBatch:
        """Prepare captions for ``score``."""
        ...

    def score(self, features: Sequence[Features], batch: TextBatch) -> Tensor:
        """Score picture i with caption i of a tokenised batch, the higher the better.

        Returns [n], of any finite numbers that rank both the captions of a picture and the pictures
        of a caption.
        """
        ...


def scores_pairs(model: object) -> TypeGuard[PairScorer]:
    """Whether a model is to be asked pair by pair: it has no towers that embed apart.

    A dual encoder may have a method ``score`` of its own.
    """
    return isinstance(model, PairScorer) and not isinstance(model, DualEncoder)


Model = DualEncoder | PairScorer
"""What can be evaluated."""


@dataclass(frozen=True, slots=True)
class View:
    """What a relation scorer is shown of a scene."""

    picture: Callable[[], Image]
    """Decodes the whole image when called; models that do not look need not."""
    boxes: tuple[Box, ...]
    labels: tuple[int, ...]
    """Of each box, in the vocabulary's objects; given, proposed, or the scorer's own choice."""
    pairs: tuple[tuple[int, int], ...]
    """Numbers of the subject's and the object's box, for each ordered pair to be scored."""
    vocabulary: Vocabulary


@runtime_checkable
class RelationScorer(Protocol):
    """A model with a head of its own for relations; any dual encoder gets one by union crops."""

    def score_relations(self, view: View) -> npt.NDArray[np.float64]:
        """Logarithms of each predicate's probability for each pair: [pairs, predicates]."""
        ...

    def score_objects(self, view: View) -> npt.NDArray[np.float64]:
        """Logarithms of each label's probability for each box: [boxes, objects] (SGCls).

        ``view.labels`` is empty.
        """
        ...


@runtime_checkable
class Learner(Protocol):
    """A baseline that learns from a task's training split before it is evaluated."""

    def learned(self, training: Sequence[Question]) -> Model:
        """The same model, having learnt; its manifest says from what.

        ``training`` is empty where the task has no training split.
        """
        ...


def lacks(thing: object, protocol: type) -> list[str]:
    """The members of a protocol of this module that an object is without, in order of names."""
    return sorted(
        name for name in vars(protocol) if not name.startswith("_") and not hasattr(thing, name)
    )


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """How a model is to be loaded."""

    device: str = "cpu"
    precision: Precision = "fp32"
    seed: int = 0
    """Draws the weights of untrained models; trained ones ignore it."""
    architecture: str | None = None
    """open_clip's name of what a file of weights belongs to; None where the file says so."""
    activation: Activation | None = None
    """Of the feed-forward layers that weights were trained with; None where something else says
    so: it is never guessed."""
    allow_partial: bool = False
    """Take weights that do not fill the model; what stays random is named."""
    trust_pickle: bool = False
    """Unpickle a checkpoint that is more than tensors: it may run any code."""
    trust_remote_code: bool = False
    """Run the code that a hub's repository brings along."""


LOAD_EXTRAS = ("architecture", "activation", "allow_partial", "trust_pickle", "trust_remote_code")
"""Options that only some families support; the others refuse them."""


class LoadExtras(TypedDict, total=False):
    """The options of ``LOAD_EXTRAS``, as keywords."""

    architecture: str | None
    activation: Activation | None
    allow_partial: bool
    trust_pickle: bool
    trust_remote_code: bool


@dataclass(frozen=True, slots=True)
class ModelFamily:
    """A family of models: a prefix, and how to load what follows it."""

    name: str
    usage: Mapping[str, str]
    """How to type it → what that gives: ``{"openclip:ARCH/TAG": "published weights"}``."""
    load: Callable[[str, LoadOptions], Model]
    """Takes what follows the colon ("" where there is none)."""
    names: Callable[[], Sequence[str]] | None = None
    """All that can be typed, where that is a list."""
    options: frozenset[str] | Callable[[str], frozenset[str]] = frozenset()
    """Which of ``LOAD_EXTRAS`` it supports; a function of what follows the colon where that
    decides."""
    module: Callable[[str], ModuleType] | None = None
    """The module of the user's own code that ``load`` imports, by what follows the colon."""

    def supported_options(self, rest: str) -> frozenset[str]:
        """Return which of ``LOAD_EXTRAS`` are supported for what follows the colon."""
        return self.options(rest) if callable(self.options) else self.options
