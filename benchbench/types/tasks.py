"""The types of tasks, and of the definitions of their published metrics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from benchbench.types.contents import Arrays, Content
    from benchbench.types.questions import Question

Ties = Literal["wrong", "share", "right"]
"""How an item counts whose true caption ties with the best other one (see protocols.ties)."""

NoOps = Literal["keep", "drop"]
"""Whether false captions with the token ids of a true one stay among the options."""

ProtocolName = Literal[
    "matching", "paraphrases", "verification", "answering", "retrieval", "relations"
]

Judgement = Literal[
    "text",
    "image",
    "group",
    "found",
    "found, lenient",
    "precision at R",
    "average precision at R",
    "true above false",
    "paraphrase",
    "fitted threshold",
    "own threshold",
    "area",
    "answer",
    "recall",
    "unconstrained recall",
    "accuracy",
    "predicate",
]
"""What is judged, and when it is right.

Matching: each image prefers its own caption (``text``), each of those captions prefers its own
image (``image``), or both at once (``group``). Retrieval: the place at which an image finds the
first of its own captions, and a caption the first of its own images (``found``; the tag
``direction`` distinguishes them); or, from images, the first of those captions and the ones that
are true as well (``found, lenient``); or, with R true answers, the share of them among the best R
(``precision at R``) and the mean precision at those (``average precision at R``). Paraphrases: an
image prefers each true caption to each false one (``true above false``), or the true captions are
more similar to each other than to the false ones (``paraphrase``). Verification: a caption is
called true where its score is above the threshold that is best on the validation items (``fitted
threshold``) or above the model's own (``own threshold``); or a true pair's score is compared with
every false pair's (``area``). Answering: the right option is the most probable (``answer``).
Relations: whether a true triple is among the image's best K,
with one predicate per ordered pair (``recall``), with any number of them (``unconstrained
recall``), or among the triples of truly related pairs alone (``accuracy``); or whether its
predicate is among the best K of its own pair (``predicate``)."""

Statistic = Literal["mean", "median"]

Reading = Literal["hit", "rank", "reciprocal rank"]
"""The value of the place at which a true answer was found: 1 within the first K and 0 beyond; the
place itself, counted from 1; or 1 / place."""

MEASURES: Mapping[str, str] = {
    "area": "auroc",
    "precision at R": "r-precision",
    "average precision at R": "map@r",
}
"""Judgement → the name of its mean, where that is not accuracy."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One published way to read a run; tasks declare their metrics.

    ``by=None`` is the mean over everything judged; otherwise the unweighted mean over the groups
    that the tag ``by`` forms, where each group has its own mean over its items. Ties follow the tie
    rule.
    """

    name: str
    meaning: str
    """What the mean is over, for tables: ``relations, all``; the number of groups is printed before
    it."""
    by: str | None = None
    leave_out: frozenset[str] = frozenset()
    """Groups left out of the mean, with their items."""
    at_least: int = 1
    """Groups with fewer items are left out."""
    ties: Ties | None = None
    """The tie rule that the publication fixes; None leaves it to the reader."""
    judgement: Judgement = "text"
    no_ops: NoOps = "keep"
    """``drop``: no-op negatives are not options, and an item with no other false caption is left
    out."""
    k: int = 1
    """How many of the best answers count, where places are read as hits."""
    reading: Reading = "hit"
    statistic: Statistic = "mean"
    only: tuple[tuple[str, str], ...] = ()
    """Restricts the metric to items or events with these tags: ``(("triple", "unseen"),)``."""
    debias: float = 0.0
    """α: log P(caption) times this is taken off a caption's score before images choose; 0 leaves
    the scores as they are. Only runs with the model's own priors can be read so."""
    all_of: str | None = None
    """A tag whose values join items: those of one value are right only where every one of them is
    (the score of a pair, of a set)."""
    kinds: tuple[str, ...] = ()
    """The kinds of editions for which it is printed, where it is not for all: a K that suits long
    lists says nothing of short ones."""
    source: str = ""

    @property
    def measure(self) -> str:
        """The field's name of its number, for other projects' formats: ``accuracy``, ``recall@5``.

        >>> Metric("a", "", judgement="area").measure, Metric("b", "", reading="rank").measure
        ('auroc', 'rank')
        """
        if self.reading != "hit":
            return "rank" if self.reading == "rank" else "mrr"
        if self.judgement in ("recall", "unconstrained recall"):
            return f"recall@{self.k}"
        if self.judgement.startswith("found") and self.k > 1:
            return f"recall@{self.k}"
        return MEASURES.get(self.judgement, "accuracy")


@dataclass(frozen=True, slots=True)
class Harness:
    """What a published harness prints for a task, as a reading of the same raw scores."""

    name: str
    """``ARO, notebook``; figures that name it were printed by it."""
    prints: str
    """What it calls its number."""
    metric: Metric
    """The reading that gives that number. Its tie rule is the harness's own, unless equal scores go
    to the first option."""
    source: str
    """The repository, the file and the function whose formula it is."""
    by: str | None = None
    """A tag: it prints a number for each group that the tag forms, and none over all."""
    first_of_equals: bool = False
    """Whether the best option is found by argmax in the order of the item's own images and
    captions, so that the first of equal scores wins."""
    inputs: str = ""
    """How its inputs differ from the task's: other crops, other precision; empty where they do
    not, as far as is known."""


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file or folder that a task expects under its data root."""

    path: str
    """Relative to the root; a folder ends in ``/``."""
    what: str
    source: str
    """Where it is published."""
    instead: tuple[str, ...] = ()
    """Alternative names, in order of preference."""


@dataclass(frozen=True, slots=True)
class TaskInfo:
    """The description of a task, for tables, cards and run files."""

    name: str
    """As typed: ``vg-relation``."""
    title: str
    version: int
    """Raised whenever the same files would yield other items."""
    protocol: ProtocolName
    headline: str
    """The metric that tables print first, where ``headlines`` has no other."""
    metrics: tuple[Metric, ...]
    files: tuple[DataFile, ...]
    paper: str
    license: str
    measures: str
    """What a high score means, and what it does not."""
    tags: tuple[str, ...] = ()
    """The tags that every item has, by which results can be sliced."""
    optional_tags: tuple[str, ...] = ()
    """The tags that the items of some editions have and those of others do not."""
    quirks: tuple[str, ...] = ()
    size: str = ""
    """The number of items in the official files, for tables: ``4,757 items``; "" where unknown."""
    suites: tuple[str, ...] = ()
    """The suites that it is part of: ``spatial`` for ``suite:spatial``."""
    official: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Edition → path → SHA-256 of each official annotation file, which fixes its counts, too. Files
    are an edition only if all match. The name is ``official``, or ``official-2023-11-18`` by the
    date if there are several releases; empty if no digest is known."""

    content: Mapping[str, Mapping[str, Sequence[Content | Arrays]]] = field(default_factory=dict)
    """Edition → path → what the official annotation file holds, in any of some versions, where its
    digest is not known: files that hold it are the edition, with the mark that their digest is
    unverified."""

    headlines: Mapping[str, str] = field(default_factory=dict)
    """Kind of edition → its headline metric, where another than ``headline`` suits it better."""
    harnesses: tuple[Harness, ...] = ()
    """What published harnesses print for the task."""

    def shown(self, kind: str) -> tuple[tuple[Metric, ...], Metric]:
        """Return the metrics for a kind of edition, and the headline among them."""
        metrics = tuple(each for each in self.metrics if not each.kinds or kind in each.kinds)
        return metrics, self.metric(self.headlines.get(kind, self.headline))

    def metric(self, name: str) -> Metric:
        """Return the metric of that name.

        Raises:
            KeyError: there is none; the message lists the metrics.
        """
        found = {metric.name: metric for metric in self.metrics}
        if name not in found:
            raise KeyError(f"'{name}' is not among {', '.join(found)}")
        return found[name]


@runtime_checkable
class Task(Protocol):
    """A source of items. Construction is free; ``items`` does the work.

    A task may also have ``training(root)``, the items of a training split for baselines
    (:class:`TrainableTask`); ``variants``, a mapping from a suffix to another task that is typed
    ``name.suffix`` (:class:`VariantTask`); and ``stream(root)``, the same items one by one
    (:class:`StreamingTask`).
    """

    @property
    def info(self) -> TaskInfo:
        """Return the task's description."""
        ...

    def items(self, root: Path) -> Sequence[Any]:
        """Read all items from the files under ``root``, in a fixed order.

        Items of the matching protocol are ``Item``, of paraphrases ``Paraphrases``, of verification
        ``Claim``, of answering ``Prompt``, of retrieval ``Entry``, of relations ``Scene``.

        Raises:
            DataError: a file is missing or malformed; the message names record and field.
        """
        ...


@runtime_checkable
class TrainableTask(Protocol):
    """A task with a training split for baselines."""

    def training(self, root: Path) -> Sequence[Question]:
        """Return the items of the training split; their images need not be there.

        The sequence is empty if the files have no such split, and the split is optional.

        Raises:
            DataError: a file is missing or malformed.
        """
        ...


@runtime_checkable
class StreamingTask(Protocol):
    """A task whose items can be read without keeping them, in memory that does not grow."""

    def stream(self, root: Path) -> Iterator[Any]:
        """Yield the items that ``items`` returns, in their order; those before a fault as well.

        Raises:
            DataError: a file is missing or malformed.
        """
        ...


@runtime_checkable
class VariantTask(Protocol):
    """A task with variants, each a task of its own, typed ``name.suffix``."""

    @property
    def variants(self) -> Mapping[str, Task]:
        """Return suffix → task, whose name is ``name.suffix``."""
        ...


@runtime_checkable
class ProposalTask(Protocol):
    """A task whose items need a detector's proposals."""

    def with_proposals(self, path: Path) -> Task:
        """Return the same task with proposals from a file in the format of docs/proposals.md.

        ``items`` reads the file, and raises a DataError if it is missing or malformed.
        """
        ...
