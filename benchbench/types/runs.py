"""What an evaluation leaves behind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from benchbench.types.models import ModelManifest

OnMissing = Literal["error", "skip"]


def is_drawn(edition: str) -> bool:
    """Whether an edition of that name is the drawn world's."""
    return edition.startswith("scenes-")


@dataclass(frozen=True, slots=True)
class Edition:
    """A set of official-format files with a name."""

    name: str
    """``scenes-v2``, ``official``, or ``custom-vrd-1a2b3c4d``: by folder and digest."""
    root: Path
    annotations_sha256: str

    @property
    def drawn(self) -> bool:
        """True where the pictures are drawings, whose numbers compare with those of no paper."""
        return is_drawn(self.name)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a model said about one item; each protocol has its own kind."""

    id: str
    cluster: str
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Matched(Outcome):
    """What a model said about one matching item."""

    target: tuple[int, ...]
    scores: npt.NDArray[np.float32]
    """[images, captions], raw similarities."""
    no_op: tuple[bool, ...]
    """Per caption: the model reads exactly the tokens of another caption that is true of one of
    the item's images, so that it cannot tell them apart and scores them alike."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where some things stand in a ranking: the raw material of every rank statistic.

    Arrays are [things]. Counts are over all other candidates of the ranking, true ones included,
    so that no tie rule is fixed yet.
    """

    better: npt.NDArray[np.int32]
    """Candidates that score more."""
    equal: npt.NDArray[np.int32]
    """Other candidates that score exactly the same."""


@dataclass(frozen=True, slots=True)
class Retrieved(Outcome):
    """Where the true answers of one entry stand."""

    found: Places
    """By the picture: its own captions, then those that a lenient reading takes as well."""
    own: int
    """How many of ``found`` are its own: at least one."""
    n_captions: int
    """Candidates that the picture was compared with."""
    finding: tuple[Places, ...]
    """By each of its own captions, the pictures that it is true of; empty where the list of
    captions is closed."""
    n_images: int
    """Candidates that each caption was compared with; 0 where the list of captions is closed."""


@dataclass(frozen=True, slots=True)
class Hits:
    """The candidate triples that match a true relation; arrays are [candidates].

    A candidate stands at a place among all of its image. Where labels or predicates tie within it,
    it is one of several choices.
    """

    relation: npt.NDArray[np.int32]
    """Which of the scene's true relations, in ascending order."""
    better: npt.NDArray[np.int32]
    """Candidates that score more."""
    equal: npt.NDArray[np.int32]
    """Other candidates that score exactly the same."""
    choices: npt.NDArray[np.int32]
    """From 1: labellings that score as well as the true one, itself among them."""


@dataclass(frozen=True, slots=True)
class Related(Outcome):
    """Where the true relations of one scene stand among the triples that a model ranked.

    Arrays are [relations].
    """

    predicates: tuple[str, ...]
    """The name of each true relation's predicate."""
    subjects: npt.NDArray[np.int32]
    """The number of its subject's box."""
    objects: npt.NDArray[np.int32]
    unseen: tuple[bool, ...]
    """Whether training has no such triple of names."""
    matching: npt.NDArray[np.int32]
    """Ranked pairs whose boxes match the relation's, and their labels where those were given."""
    matching_true: npt.NDArray[np.int32]
    """Those of them that are truly related in some way; empty where boxes were not given."""
    constrained: Hits
    """Among the best triple of each ordered pair."""
    unconstrained: Hits
    """Among every triple of each ordered pair."""
    among_true: Hits
    """Among the best triples of the truly related pairs."""
    own_pair: Places
    """Among the predicates of the relation's own pair; empty where boxes were not given."""
    n_pairs: int
    """Ordered pairs that were ranked."""
    n_true_pairs: int
    """Those of them that are truly related."""
    n_labels: int
    """Labels that the model chose from for each box; 1 where they were given."""
    n_predicates: int
    """Predicates that it chose from for each pair."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What went into a run, counted."""

    items_in_edition: int
    items: int
    skipped: int
    """Items left out because an image could not be read (``--on-missing skip``)."""
    images: int
    """Distinct image files."""
    pictures: int
    """Distinct images and crops of images shown to the model."""
    captions: int
    """Distinct captions."""
    clusters: int
    overhanging_crops: int
    """Those of the pictures that reach over the edge of their image: black there, as upstream."""
    truncated_captions: int
    """Distinct captions longer than the model's context."""
    oriented: int | None = None
    """Images with an EXIF orientation other than upright, which is not applied. This and what
    follows is None in runs by versions that did not count it."""
    transparent: int | None = None
    """Images with an alpha channel or a transparent colour, which is dropped."""
    animated: int | None = None
    """Images with several frames, of which the first is shown."""
    deep: int | None = None
    """Images with more than 8 bits a channel, of which 8 are kept."""


@dataclass(frozen=True, slots=True)
class Run:
    """One model on one task on one edition: raw scores per item, and all that produced them.

    Metrics and tie rules are ways of reading a run; none of them is stored in it.
    """

    model: ModelManifest
    task: str
    task_version: int
    protocol: str
    edition: str
    data_sha256: str
    """Over the annotations and the bytes of every image shown."""
    settings: Mapping[str, Any]
    """Device, precision, batch size, seed, limit, on_missing, and what the protocol adds."""
    environment: Mapping[str, str | int]
    """Versions and machine."""
    counts: Counts
    skipped: tuple[str, ...]
    """Ids of the skipped items."""
    unreadable: Mapping[str, str]
    """The image files that they were skipped for, and why."""
    created: str
    """UTC, ISO 8601."""
    seconds: float
    outcomes: tuple[Any, ...]
    """Of the protocol's kind, one an item."""
    inputs: int = 0
    """Images, crops and captions that were encoded, or pairs that were scored; 0 in old runs."""
    resumed_inputs: int = 0
    """Those of them that were taken from an interrupted evaluation."""
    seal: str | None = field(default=None, compare=False)
    """The digest that its file carries, checked when it was read (``benchbench.seals``); empty of a
    file without one, None of a run that was not read from a file."""

    @property
    def partial(self) -> bool:
        """True where ``--limit`` left items out."""
        return self.counts.items + self.counts.skipped < self.counts.items_in_edition

    @property
    def unsealed(self) -> bool:
        """True where it was read from a file without a seal: a change of it is not noticed."""
        return self.seal == ""

    @property
    def drawn(self) -> bool:
        """True where the pictures are drawings, whose numbers no paper's compare with."""
        return is_drawn(self.edition)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its uncertainty."""

    value: float
    low: float
    high: float
    level: float
    n_items: int
    n_clusters: int


Progress = Callable[[str, int, int], None]
"""Called with what is counted, how many are done, and how many there are."""
