"""The types of models: dual encoders embed images and captions apart, pair scorers score pairs."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypedDict, TypeGuard, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import ModuleType

    from PIL.Image import Image
    from torch import Tensor

    from benchbench.types.arrays import Floats
    from benchbench.types.questions import Box, Question, Role, Vocabulary

Similarity = Literal["cosine", "dot"]
"""How two embeddings are compared: at unit length (``cosine``), or as the model gives them
(``dot``)."""

Comparison = Literal[Similarity, "pairs"]
"""``Similarity``, or ``pairs`` for models without embeddings, which score an image and a caption
together."""

Precision = Literal["fp32", "fp16", "bf16"]
Activation = Literal["gelu", "quickgelu"]
ACTIVATIONS: tuple[Activation, ...] = ("gelu", "quickgelu")


@dataclass(frozen=True, slots=True)
class ModelManifest:
    """Everything about a checkpoint that can change a number."""

    name: str
    """The specification that loads the model: ``openclip:ViT-B-32/openai``."""
    architecture: str
    weights: str
    """The origin of the weights: a tag, a file, or ``random (seed 0)``."""
    weights_sha256: str
    """SHA-256 of the state dict as it runs, in ``dtype``."""
    trained: bool
    """False if weights are random: every report has a banner then."""
    activation: str
    """The activation of the feed-forward layers: ``gelu``, ``quickgelu``, or ``unknown``."""
    preprocessing: Mapping[str, Any]
    """Size, mean, std, interpolation, resize mode."""
    tokenizer: str
    context_length: int
    dtype: str
    parameters: int
    similarity: Comparison
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Further settings of the model that determine its embeddings. A ``note`` among them is printed
    above its numbers."""

    @property
    def fingerprint(self) -> str:
        """Return 16 hex digits of SHA-256 over all fields but the name.

        Raises:
            TypeError: a field is not JSON.
        """
        record = asdict(self)
        del record["name"]
        text = json.dumps(record, sort_keys=True, allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


TextBatch = Any
"""Captions as returned by a model's ``tokenize``; only the model itself reads them."""


@runtime_checkable
class DualEncoder(Protocol):
    """A model that embeds images and phrases apart, such as CLIP.

    ``transform`` and ``tokenize`` run on worker threads beside the forward pass; the ``encode``
    methods are called from one thread, under ``torch.inference_mode``. Embeddings may be on any
    device and of any float type; the engine converts them to float32 and, for cosine, to unit
    length. Batches hold captions of one length; where a model's attribute ``by_prefix`` is true,
    captions that begin alike.
    """

    @property
    def manifest(self) -> ModelManifest:
        """Return the description of the loaded checkpoint."""
        ...

    @property
    def device(self) -> str:
        """Return the device that the model runs on: ``cpu``, ``cuda:0``."""
        ...

    @property
    def similarity(self) -> Similarity:
        """Return how embeddings are compared."""
        ...

    @property
    def logit_scale(self) -> float:
        """Return the factor on similarities before a softmax; 1.0 if the model has none."""
        ...

    def transform(self, image: Image) -> Tensor:
        """Preprocess one RGB image. Returns [3, height, width]."""
        ...

    def encode_images(self, batch: Tensor, role: Role) -> Tensor:
        """Embed images, [n, 3, height, width]. Returns [n, dim]."""
        ...

    def token_ids(self, texts: Sequence[str]) -> list[tuple[int, ...]]:
        """Return the ids of each caption, special tokens included, neither padded nor truncated.

        The ids decide which captions are the same to the model, which are longer than
        ``manifest.context_length``, and which are short enough to share a batch.
        """
        ...

    def tokenize(self, texts: Sequence[str]) -> TextBatch:
        """Tokenise captions for ``encode_texts``."""
        ...

    def encode_texts(self, batch: TextBatch, role: Role) -> Tensor:
        """Embed a tokenised batch of n captions. Returns [n, dim]."""
        ...


PreparedImage = Any
"""An image as returned by a pair scorer's ``transform``; only the model itself reads it."""
Features = Any
"""A pair scorer's features of one image, for any number of captions; only the model itself reads
them."""


@runtime_checkable
class PairScorer(Protocol):
    """A model that reads a caption and an image together: a cross-encoder, a generative model.

    It encodes an image once and scores it with any number of captions. A caption is identified by
    its ``token_ids``, cut to the context length: strings of the same ids are scored once.
    ``transform`` and ``tokenize`` run on worker threads beside the forward pass; the other two are
    called from one thread, under ``torch.inference_mode``. Batches hold captions of similar length.
    Where a model's attribute ``by_image`` is true, its batches hold the captions of one image as
    far as possible. An attribute ``threshold`` is the score above which the model itself calls a
    caption true.
    """

    @property
    def manifest(self) -> ModelManifest:
        """Return the description of the loaded checkpoint; its ``similarity`` is ``pairs``."""
        ...

    @property
    def device(self) -> str:
        """Return the device that the model runs on: ``cpu``, ``cuda:0``."""
        ...

    def transform(self, image: Image) -> PreparedImage:
        """Preprocess one RGB image."""
        ...

    def encode_images(self, images: Sequence[PreparedImage]) -> Sequence[Features]:
        """Return the features of each of n images that need no caption: n of them.

        Where the architecture has no such features, the images themselves are returned.
        """
        ...

    def token_ids(self, texts: Sequence[str]) -> list[tuple[int, ...]]:
        """Return the ids of each caption, special tokens included, neither padded nor truncated."""
        ...

    def tokenize(self, texts: Sequence[str]) -> TextBatch:
        """Tokenise captions for ``score``."""
        ...

    def score(self, features: Sequence[Features], batch: TextBatch) -> Tensor:
        """Score image i with caption i of a tokenised batch; higher is better.

        Returns [n], any finite numbers that rank both the captions of an image and the images of a
        caption.
        """
        ...


def scores_pairs(model: object) -> TypeGuard[PairScorer]:
    """Return whether a model is a pair scorer: it has no towers that embed apart.

    A dual encoder may have a method ``score`` of its own.
    """
    return isinstance(model, PairScorer) and not isinstance(model, DualEncoder)


@runtime_checkable
class Prompted(Protocol):
    """A pair scorer that answers questions: a generative model."""

    def answering(self, answer: str) -> PairScorer:
        """Return the same model as a scorer of questions by the log-probability of an answer.

        Its captions are whole questions, as the user would type them.
        """
        ...


@runtime_checkable
class Chooser(Protocol):
    """A pair scorer that names one of several captions, and gives none a score of its own."""

    @property
    def manifest(self) -> ModelManifest:
        """Return the description of the model; its ``similarity`` is ``pairs``."""
        ...

    def token_ids(self, texts: Sequence[str]) -> list[tuple[int, ...]]:
        """Return the ids of each caption."""
        ...

    def question(self, captions: Sequence[str]) -> str:
        """Return the question with which of these captions describes an image."""
        ...

    def choosing(self) -> PairScorer:
        """Return the same model as a scorer of such questions.

        The score is the number of the caption that the answer names, from 0, or −1 where it names
        none.
        """
        ...


@runtime_checkable
class PriorEstimator(Protocol):
    """A pair scorer by log P(caption | image) that can estimate log P(caption), too."""

    def prior_scorer(self) -> PairScorer:
        """Return the same model as a scorer of captions by log P(caption), whatever the image."""
        ...


Model = DualEncoder | PairScorer
"""The models that can be evaluated."""


@dataclass(frozen=True, slots=True)
class RelationInput:
    """The input of a relation scorer for one scene."""

    image: Callable[[], Image]
    """Decodes the whole image when called; text-only models need not call it."""
    boxes: tuple[Box, ...]
    labels: tuple[int, ...]
    """The label of each box, an index of the vocabulary's objects; given, proposed, or the scorer's
    own choice."""
    pairs: tuple[tuple[int, int], ...]
    """The numbers of the subject's and the object's box, for each ordered pair to score."""
    vocabulary: Vocabulary


@runtime_checkable
class RelationScorer(Protocol):
    """A model with its own head for relations; dual encoders are scored by union crops."""

    def score_relations(self, inputs: RelationInput) -> Floats:
        """Return the log-probability of each predicate for each pair: [pairs, predicates]."""
        ...

    def score_objects(self, inputs: RelationInput) -> Floats:
        """Return the log-probability of each label for each box: [boxes, objects] (SGCls).

        ``inputs.labels`` is empty.
        """
        ...


@runtime_checkable
class Learner(Protocol):
    """A baseline that is fitted to a task's training split before it is evaluated."""

    def fit(self, training: Sequence[Question]) -> Model:
        """Return the same model, fitted; its manifest names the training data.

        ``training`` is empty if the task has no training split.
        """
        ...


@runtime_checkable
class Spender(Protocol):
    """A model whose answers cost something that a run records: one behind a server."""

    def begin_evaluation(self, *, fresh: bool) -> None:
        """Count from 0; ``fresh``: neither use nor keep answers."""
        ...

    @property
    def spent(self) -> Mapping[str, str | int]:
        """Return what the evaluation has spent so far, by kind: requests, tokens."""
        ...


def missing_members(thing: object, protocol: type) -> list[str]:
    """Return the names of a protocol's members that an object lacks, sorted."""
    return sorted(
        name for name in vars(protocol) if not name.startswith("_") and not hasattr(thing, name)
    )


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """Options for loading a model."""

    device: str = "cpu"
    precision: Precision = "fp32"
    seed: int = 0
    """The seed of untrained models' random weights; trained models ignore it."""
    architecture: str | None = None
    """open_clip's name of the architecture that a weights file belongs to; None if the file
    names it."""
    activation: Activation | None = None
    """The activation of the feed-forward layers that the weights were trained with; None if
    another source names it: it is never guessed."""
    allow_partial: bool = False
    """Accept weights that do not fill the model; the tensors that stay random are named."""
    trust_pickle: bool = False
    """Unpickle a checkpoint that contains more than tensors: it may run any code."""
    trust_remote_code: bool = False
    """Run the code that a hub's repository contains."""
    base_url: str | None = None
    """The address of a server, with its version: ``http://127.0.0.1:8000/v1``."""
    compile: bool = False
    """Run the image tower compiled by ``torch.compile``."""
    channels_last: bool = False
    """Hold images, and the weights of convolutions, with channels last."""
    share_prefixes: bool = False
    """Encode the beginnings that captions of a batch share once."""


LOAD_EXTRAS = (
    "architecture", "activation", "allow_partial", "trust_pickle", "trust_remote_code", "base_url",
    "compile", "channels_last", "share_prefixes",
)  # fmt: skip
"""Options that only some families support; the others refuse them."""


class LoadExtras(TypedDict, total=False):
    """The options of ``LOAD_EXTRAS``, as keyword arguments."""

    architecture: str | None
    activation: Activation | None
    allow_partial: bool
    trust_pickle: bool
    trust_remote_code: bool
    base_url: str | None
    compile: bool
    channels_last: bool
    share_prefixes: bool


@dataclass(frozen=True, slots=True)
class ModelFamily:
    """An adapter in the registry: a prefix, and a function that loads a specification with it."""

    name: str
    usage: Mapping[str, str]
    """Specification → description: ``{"openclip:ARCH/TAG": "published weights"}``."""
    load: Callable[[str, LoadOptions], Model]
    """Loads the model for the text after the colon ("" if there is none)."""
    names: Callable[[], Sequence[str]] | None = None
    """Returns all valid specifications, where these are a list."""
    options: frozenset[str] | Callable[[str], frozenset[str]] = frozenset()
    """The options of ``LOAD_EXTRAS`` that it supports; a function of the text after the colon if
    that decides."""
    module: Callable[[str], ModuleType] | None = None
    """Returns the module of the caller's own code that ``load`` imports, given the text after the
    colon."""

    def supported_options(self, rest: str) -> frozenset[str]:
        """Return the supported options of ``LOAD_EXTRAS`` for this text after the colon."""
        return self.options(rest) if callable(self.options) else self.options
