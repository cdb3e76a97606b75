"""The types of results: editions, the outcomes of each protocol, counts, runs, estimates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt
    from pandas import DataFrame

    from benchbench.types.arrays import Singles
    from benchbench.types.models import ModelManifest
    from benchbench.types.tasks import Ties

UNVERIFIED = "unverified_digest"
"""The setting of runs on files that are official by their content: the digest of those files."""
VARIATION = "variation"
"""The setting of runs whose items were shown in another way: which (``benchbench.variations``)."""
FORCED_CHOICE = "forced_choice"
"""The setting of runs whose decisions are choices between an item's captions."""
OnMissing = Literal["error", "skip"]


@dataclass(frozen=True, slots=True)
class EditionKind:
    """What all editions of one kind have in common."""

    name: str
    """By which tasks choose metrics and a headline for it."""
    images: str
    """What its images are, in the plural."""
    banner: str = ""
    """The banner above all numbers; ``{edition}`` is replaced by the edition's name.
    Empty if there is nothing."""


@dataclass(frozen=True, slots=True)
class Edition:
    """A named set of files in an official format."""

    name: str
    """For each set of files another: see ``benchbench.editions``."""
    root: Path
    annotations_sha256: str
    kind: EditionKind
    unverified: bool = False
    """Whether files are official by their content alone, as no digest of them is known."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A model's result on one item; each protocol has its own subclass."""

    id: str
    cluster: str
    tags: Mapping[str, str]
    content: str = field(default="", kw_only=True)
    """The digest of the item's images and captions (``protocols.contents``), by which items of
    several editions are matched; empty where items are not judged one by one, and in runs by
    versions that did not store it."""


@dataclass(frozen=True, slots=True)
class MatchingOutcome(Outcome):
    """A model's result on one item of the matching protocol."""

    target: tuple[int, ...]
    scores: Singles
    """[images, captions], raw similarities."""
    no_op: tuple[bool, ...]
    """For each caption, whether its token ids equal those of another caption that is true of one of
    the item's images, so that the model cannot distinguish them and scores them alike."""
    by_caption: Singles | None = field(default=None, kw_only=True)
    """[images, captions], where captions prefer images by other scores than images prefer captions:
    imported answers to questions in both directions. None: ``scores``."""
    priors: Singles | None = field(default=None, kw_only=True)
    """[captions], the model's own estimate of log P(caption) without the image, in the unit of the
    scores; None for models that have none."""


@dataclass(frozen=True, slots=True)
class Paraphrased(Outcome):
    """A model's result on one item of the paraphrases protocol."""

    true: int
    """How many of the captions are true; these come first."""
    scores: Singles
    """[captions]: the similarity of each caption to the image."""
    between: Singles | None
    """[captions, captions]: the cosines between the captions' embeddings; None for a model that
    embeds no captions."""


@dataclass(frozen=True, slots=True)
class Claimed(Outcome):
    """A model's result on one item of the verification protocol."""

    label: bool
    """Whether the caption is true."""
    validation: bool
    """Whether the item serves to fit the threshold."""
    score: float
    threshold: float | None
    """The score above which the model itself calls a caption true; None where it has none."""


@dataclass(frozen=True, slots=True)
class Answered(Outcome):
    """A model's result on one item of the answering protocol."""

    right: int
    """The index of the right answer."""
    scores: Singles
    """[options]: the log-probability of each answer."""


@dataclass(frozen=True, slots=True)
class Places:
    """The places of some candidates in a ranking: the raw data of every rank statistic.

    Arrays are [candidates placed]. Counts are over all other candidates of the ranking, true ones
    included, so that no tie rule is fixed yet.
    """

    better: npt.NDArray[np.int32]
    """Candidates with a higher score."""
    equal: npt.NDArray[np.int32]
    """Other candidates with exactly the same score."""


@dataclass(frozen=True, slots=True)
class RetrievalOutcome(Outcome):
    """The places of the true answers of one entry."""

    found: Places
    """In the image's ranking of captions: its own captions, then those that a lenient reading
    accepts too."""
    own: int
    """How many of ``found`` are the image's own: at least one, or 0 where it did not search."""
    n_captions: int
    """The number of captions that the image ranked."""
    finding: tuple[Places, ...]
    """In the ranking of images by each of its own captions that search: the images that the caption
    is true of; empty if the list of captions is closed."""
    n_images: int
    """The number of images that each caption ranked; 0 if the list of captions is closed."""


@dataclass(frozen=True, slots=True)
class Hits:
    """The candidate triples that match a true relation; arrays are [candidates].

    A candidate has a place among all candidates of its image. Where labels or predicates tie within
    it, it is one of several choices.
    """

    relation: npt.NDArray[np.int32]
    """The number of the matched true relation of the scene, in ascending order."""
    better: npt.NDArray[np.int32]
    """Candidates with a higher score."""
    equal: npt.NDArray[np.int32]
    """Other candidates with exactly the same score."""
    choices: npt.NDArray[np.int32]
    """From 1: labellings with the same score as the true one, itself included."""


@dataclass(frozen=True, slots=True)
class RelationsOutcome(Outcome):
    """The places of the true relations of one scene among the triples that a model ranked.

    Arrays are [relations].
    """

    predicates: tuple[str, ...]
    """The name of each true relation's predicate."""
    subjects: npt.NDArray[np.int32]
    """The number of each relation's subject box."""
    objects: npt.NDArray[np.int32]
    unseen: tuple[bool, ...]
    """Whether the training data lack the relation's triple of names."""
    matching: npt.NDArray[np.int32]
    """Ranked pairs whose boxes match the relation's, and whose labels match if those were
    given."""
    matching_true: npt.NDArray[np.int32]
    """Those of them that are truly related in some way; empty if boxes were not given."""
    constrained: Hits
    """Hits among the best triple of each ordered pair."""
    unconstrained: Hits
    """Hits among every triple of each ordered pair."""
    among_true: Hits
    """Hits among the best triples of the truly related pairs."""
    own_pair: Places
    """Places among the predicates of the relation's own pair; empty if boxes were not given."""
    n_pairs: int
    """The number of ranked ordered pairs."""
    n_true_pairs: int
    """The number of them that are truly related."""
    n_labels: int
    """The number of labels that the model chose from for each box; 1 if labels were given."""
    n_predicates: int
    """The number of predicates that it chose from for each pair."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts of a run's inputs."""

    items_in_edition: int
    items: int
    skipped: int
    """Items left out because an image could not be read (``--on-missing skip``)."""
    images: int
    """Distinct image files."""
    pictures: int
    """Distinct images and crops that the model got, under its name in the headers of run files."""
    captions: int
    """Distinct captions."""
    clusters: int
    overhanging_crops: int
    """Crops that reach over the edge of their image: black there, as upstream."""
    truncated_captions: int
    """Distinct captions longer than the model's context length."""
    oriented: int | None = None
    """Images with an EXIF orientation other than upright, which is not applied. This and the
    following fields are None in runs by versions that did not count them."""
    transparent: int | None = None
    """Images with an alpha channel or a transparent colour, which is dropped."""
    animated: int | None = None
    """Images with several frames, of which the first is used."""
    deep: int | None = None
    """Images with more than 8 bits a channel, of which 8 are kept."""


@dataclass(frozen=True, slots=True)
class Run:
    """One model on one task on one edition: raw scores per item, and all that determined them.

    Metrics and tie rules are ways of reading a run; none of them is stored in it.
    """

    model: ModelManifest
    task: str
    task_version: int
    protocol: str
    edition: str
    """Its name, from which its kind follows (``benchbench.editions.kind_of``)."""
    data_sha256: str
    """SHA-256 over the annotations and the bytes of every image used."""
    settings: Mapping[str, Any]
    """Device, precision, batch size, seed, limit, on_missing, and the protocol's own settings."""
    environment: Mapping[str, str | int]
    """Software versions and machine."""
    counts: Counts
    skipped: tuple[str, ...]
    """Ids of the skipped items."""
    unreadable: Mapping[str, str]
    """The image files for which items were skipped, and the reason."""
    created: str
    """UTC, ISO 8601."""
    seconds: float
    outcomes: tuple[Any, ...]
    """One outcome of the protocol's class per item."""
    inputs: int = 0
    """The number of images, crops and captions that were encoded, or pairs that were scored; 0 in
    old runs."""
    resumed_inputs: int = 0
    """The number of them that came from an interrupted evaluation."""
    seal: str | None = field(default=None, compare=False)
    """The digest stored in the run's file, checked when it was read (``benchbench.seals``); empty
    for a file without one, None for a run that was not read from a file."""

    def frame(self, metrics: Sequence[str] | None = None, *, ties: Ties = "wrong") -> DataFrame:
        """Return the run as a pandas DataFrame with a row per item: scores, tags and metrics.

        ``benchbench.analysis.frame`` describes columns, arguments and errors.
        """
        # By name: the types are the lowest layer, and import no analysis.
        build: Callable[..., DataFrame] = import_module("benchbench.analysis.frame").frame
        return build(self, metrics, ties=ties)

    @property
    def partial(self) -> bool:
        """Return whether ``--limit`` left items out."""
        return self.counts.items + self.counts.skipped < self.counts.items_in_edition

    @property
    def imported(self) -> Mapping[str, Any]:
        """Return what is recorded of an imported run (``importing.answers``); empty otherwise."""
        found = self.settings.get("imported")
        return found if isinstance(found, dict) else {}

    @property
    def decisions_only(self) -> bool:
        """Return whether it holds decisions, not scores: imported ones, or forced choices."""
        return bool(self.imported.get("decisions_only") or self.settings.get(FORCED_CHOICE))

    @property
    def unverified(self) -> bool:
        """Return whether its files are official by their content, without a known digest."""
        return bool(self.settings.get(UNVERIFIED))

    @property
    def unsealed(self) -> bool:
        """Return whether the run's file has no seal: a change of the file cannot be detected."""
        return self.seal == ""


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
"""A callback that takes the name of what is counted, how many are done, and how many there are."""


@runtime_checkable
class StoreProgress(Protocol):
    """A ``Progress`` that also tells what was encoded from what was stored."""

    def __call__(self, what: str, done: int, total: int) -> None:
        """Take how many are done, stored ones included."""
        ...

    def from_store(self, what: str, n: int) -> None:
        """Take that n more of the stage that began are stored; the call above follows."""
        ...
