"""The members of the family: start and length of their training, and changes at evaluation.

A member is named by its variant; with ``@START`` behind it where it starts from elsewhere than the
others (``structclip@random``). Its run is in the folder SEED/MEMBER, a hyphen for each colon. One
that is trained again on another device keeps its name: the record tells its runs apart by device
and precision (``outcomes.py``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import TYPE_CHECKING, TypeVar

from benchbench.variants.catalogue import variants

if TYPE_CHECKING:
    from collections.abc import Iterable

AnyPath = TypeVar("AnyPath", bound=PurePath)

STARTS = {"random": "", "captioner": "captioner", "facts": "captioner:locked"}
"""Start → the member whose checkpoint it is; random weights have none. The image tower of "facts"
was told, by scene graphs, who does what to whom, before a text tower learned to caption over it: a
privilege."""
START = "facts"
"""The start of members whose name does not give one."""
BEFORE = {"base": "", "captioner:locked": "base", "captioner": ""}
"""A start → the member whose checkpoint it starts from itself."""
ABLATED = 3
"""Seeds of what exploratory claims alone are of."""
SHIPPED = ("clip", "negclip", "structclip", "msgclip", "scenarioclip", "relclip")
"""Whose weights are bundled, of seed 0."""
PARTS = ("clip", "structclip:knowledge", "structclip:negatives", "structclip")
"""Structure-CLIP's ablation: neither part, each, both."""


@dataclass(frozen=True, slots=True)
class Member:
    """A model to train, or a change of a trained one at evaluation."""

    name: str
    steps: int = 1190
    batch: int = 256
    rate: float = 1e-3
    validations: int = 12
    """At the validation split, in a run."""
    seeds: int = 5
    """Seeds 0, 1, … that are trained: what the confirmatory claims are of has five."""
    of: str = ""
    """Another member, whose weights are evaluated otherwise; nothing is trained then."""
    change: str = ""
    """The change at evaluation: a name of ``controls.CHANGES``."""

    @property
    def variant(self) -> str:
        """Its name in the catalogue."""
        return self.name.partition("@")[0]

    @property
    def start(self) -> str:
        """A name of ``STARTS``."""
        return self.name.partition("@")[2] or START

    @property
    def backbone(self) -> str:
        """The member whose checkpoint it starts from; "" of random weights."""
        return BEFORE[self.name] if self.name in BEFORE else STARTS[self.start]

    @property
    def known(self) -> bool:
        """Whether there is such a variant to be trained."""
        return self.variant in variants()

    @property
    def weights(self) -> str:
        """The member whose weights it has: its own, where it can be trained."""
        return self.name if self.known or not self.of else self.of

    def scaled(self, scale: float) -> Member:
        """Return the same for a share of its steps."""
        return replace(self, steps=max(1, round(self.steps * scale)))

    def in_batches(self, batch: int | None, rate: float | None = None) -> Member:
        """Return the same with as many examples in other batches, and another learning rate.

        >>> Member("clip", steps=10, batch=512).in_batches(64).steps
        80
        """
        size = batch or self.batch
        steps = max(1, round(self.steps * self.batch / size))
        return replace(self, steps=steps, batch=size, rate=rate or self.rate)


def canonical(name: str) -> str:
    """Return a member's name without the start that all have.

    >>> canonical(f"structclip@{START}"), canonical("structclip@random")
    ('structclip', 'structclip@random')
    """
    variant, _, start = name.partition("@")
    return variant if start == START else name


STARTING = (
    Member("base", steps=893, validations=10),
    Member("captioner:locked", steps=893, rate=2e-3, validations=10),
    Member("captioner", steps=893, rate=2e-3, validations=10, seeds=ABLATED),
)
"""The starts of other members, each after its own start."""
MEMBERS = (
    Member("clip"),
    Member("clip:dense"),
    Member("negclip"),
    Member("negclip:dose", seeds=ABLATED),
    Member("negclip:published", seeds=ABLATED),
    Member("structclip"),
    Member("structclip:negatives"),
    Member("structclip:knowledge", seeds=ABLATED),
    Member("structclip:bag", seeds=ABLATED),
    Member("structclip:shuffled", seeds=ABLATED),
    Member("structclip:published", seeds=ABLATED),
    Member("structclip:plain", of="structclip", change="plain"),
    Member("structclip:wrong10", of="structclip", change="10 % wrong parses"),
    Member("structclip:wrong30", of="structclip", change="30 % wrong parses"),
    Member("msgclip"),
    Member("msgclip:contrast"),
    Member("msgclip:oracle", seeds=ABLATED),
    Member("scenarioclip"),
    Member("scenarioclip:shared"),
    Member("scenarioclip:alone", seeds=ABLATED),
    Member("scenarioclip:captions", seeds=ABLATED),
    Member("relclip", steps=1000, batch=64, validations=10),
    Member("relclip:distant", steps=1000, batch=64, validations=10, seeds=ABLATED),
    Member("relclip:grey", of="relclip", change="grey images"),
    Member("relclip:boxes", steps=1000, batch=64, validations=10, seeds=ABLATED),
    *(
        Member(f"{part}@{start}", seeds=ABLATED)
        for start in STARTS
        if start != START
        for part in PARTS
    ),
)
"""By the claims' names; those of the catalogue are trained, the others' weights are ``of``'s."""
BY_NAME = {each.name: each for each in (*STARTING, *MEMBERS)}


def starts_of(chosen: Iterable[Member]) -> tuple[Member, ...]:
    """Return what some members start from, directly or not, in order.

    >>> [each.name for each in starts_of([Member("clip"), Member("clip@random")])]
    ['base', 'captioner:locked']
    """
    names = {each.backbone for each in chosen}
    for each in reversed(STARTING):
        if each.name in names:
            names.add(each.backbone)
    return tuple(each for each in STARTING if each.name in names)


def place(folder: AnyPath, name: str) -> AnyPath:
    """Return a member's run folder among those of its seed."""
    return folder / name.replace(":", "-")
