"""The types of a variant: its record, its model's interface, and the batches that it trains on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from benchbench.variants.inputs import Inputs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from torch import Tensor

    from benchbench.types import Role, Similarity
    from benchbench.variants.texts import CaptionReader, Texts

Negatives = Literal["none", "random", "semantic"]
"""The kind of swapped captions that are false captions of an image."""

Data = Literal["captions", "scenes"]
"""The data that an objective needs: images with captions, or scenes with their graphs too."""


@dataclass(frozen=True, slots=True)
class SwappedCaptions:
    """m captions with words swapped, up to ``most`` of each of n captions."""

    texts: Texts
    """The m captions."""
    places: Tensor
    """[m] int64: row · most + number among that row's."""
    most: int
    known: Tensor | None = None
    """[m] bool: which of them there are; the others fill up, so that m is always the same. None
    where all are."""

    def to(self, device: Any) -> SwappedCaptions:
        """Return the same on a device."""
        places = self.places.to(device, non_blocking=True)
        known = None if self.known is None else self.known.to(device, non_blocking=True)
        return SwappedCaptions(self.texts.to(device), places, self.most, known)

    def there(self, rows: int) -> Tensor:
        """Return how many captions each place holds, 1 or 0: [rows, most] int64."""
        ones = self.places.new_ones(len(self.places))
        return self.spread(ones if self.known is None else ones * self.known, rows)

    def spread(self, values: Tensor, rows: int) -> Tensor:
        """Return what belongs to the m captions, [m, …], as [n, most, …]; 0 where there is none."""
        out = values.new_zeros(rows * self.most, *values.shape[1:])
        return out.index_copy(0, self.places, values).view(rows, self.most, *values.shape[1:])


@dataclass(slots=True)
class Batch:
    """n training examples on the device; inputs that the objective does not use are None."""

    images: Tensor
    """[n, 3, size, size], normalised: what each caption is about."""
    texts: Texts
    """The n captions."""
    negatives: SwappedCaptions | None = None
    """The captions with words swapped."""
    inputs: Inputs = field(default_factory=Inputs)
    """The views' inputs, by typed key."""


@dataclass(slots=True)
class NamedImages:
    """A view's addition to n training examples: images with their names."""

    images: Tensor
    """[n, 3, size, size], normalised."""
    texts: Texts
    """The n names."""
    there: Tensor
    """[n] bool: whether the example has any such thing; where not, image and name say nothing."""
    within: Tensor
    """[n] bool: whether the caption's image shows it, too."""


@dataclass(frozen=True, slots=True)
class Facts:
    """True facts of n images, and false sets of facts."""

    true: Tensor
    """[n, facts] uint8 of 0 and 1."""
    false: Tensor
    """[n, kinds, facts] uint8: the same with something exchanged between two objects."""
    there: Tensor
    """[n, kinds] bool: whether that makes a difference."""
    kinds: tuple[str, ...]
    """The properties that are exchanged."""

    def to(self, device: Any) -> Facts:
        """Return the same on a device."""
        true, false, there = (
            each.to(device, non_blocking=True) for each in (self.true, self.false, self.there)
        )
        return Facts(true, false, there, self.kinds)


@dataclass(slots=True)
class Loss:
    """The loss to minimise, and its parts to report."""

    total: Tensor
    """A scalar."""
    parts: dict[str, Tensor]
    """Scalars, detached, by name."""


TEACHER = "teacher"
"""The attribute of a model that holds moving averages of its weights, for training alone."""


def shipped_weights(model: Any) -> dict[str, Tensor]:
    """Return a model's weights by name, without those that only training needs."""
    kept = f"{TEACHER}."
    return {name: t for name, t in model.state_dict().items() if not name.startswith(kept)}


@runtime_checkable
class PhasedModel(Protocol):
    """A model whose training step changes with its number: the host decides that for each step."""

    def begin_phase(self, step: int) -> int:
        """Prepare recorded steps for a step's phase, and return the phase.

        All steps of one phase run the same operations, so that one of them can be replayed.
        """
        ...

    def check_step(self, step: int) -> None:
        """Check a recorded step on the host after it ran.

        Raises:
            ModelError: training cannot succeed.
        """
        ...


class VariantModel(Protocol):
    """Towers with an objective: a ``torch.nn.Module`` with these besides.

    The weights under ``teacher`` are saved in a run's state and in no checkpoint
    (``shipped_weights``).
    """

    similarity: Similarity
    clip: Any
    """What ``towers.build`` returned, whose settings preprocess images."""

    def reader(self, tokenizer: Any) -> CaptionReader:
        """Return the reader that turns strings into what ``encode_texts`` takes."""
        ...

    def forward(self, batch: Batch, step: int | Tensor) -> Loss:
        """Return the training loss at a step: an int, or a scalar tensor in a recorded step."""
        ...

    def encode_images(self, images: Tensor, role: Role) -> Tensor:
        """Encode images, [n, 3, size, size] → [n, dim], of unit length."""
        ...

    def encode_texts(self, texts: Texts, role: Role) -> Tensor:
        """Encode n captions → [n, dim], as they are compared."""
        ...


@dataclass(frozen=True, slots=True)
class Variant:
    """A method, or a control or ablation of one, as it is trained."""

    name: str
    """``structclip``, ``structclip:negatives``."""
    title: str
    """A description in one line."""
    source: str
    """The publication."""
    make: Callable[..., Any]
    """(clip, **settings) → ``VariantModel``; new weights come from torch's generator."""
    settings: Mapping[str, Any]
    """The settings of the objective and its own layers; recorded in every checkpoint."""
    differs: str = ""
    """Differences from the publication, and facts that users must know, for its card."""
    negatives: Negatives = "none"
    swaps: int = 1
    """The maximum number of swapped captions of a caption."""
    twins: bool = False
    """Whether every second example is a hard alternative of the one before it."""
    dense_percent: int = 0
    """The percentage of whole images that come with a dense caption."""
    views: Sequence[str] = ()
    """The views beside the caption's image: names of ``training.views``."""
    data: Data = "captions"
    validation: str = "structure"
    """The validation set that chooses the best checkpoint: a name of
    ``training.validation.sets``."""
    start: bool = False
    """Whether other variants start from it: only its towers are bundled."""
    splits: Sequence[str] = ("train",)
    """The splits of the drawn world to train on, in equal shares."""
