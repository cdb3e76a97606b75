"""Who is trained on a GPU, from which start, with which batch and for how long.

A member is named by its variant, with ``@START`` behind it where it starts from elsewhere than the
others. Its run is in the folder SEED/MEMBER, a hyphen for each colon.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from benchbench.variants.catalogue import variants

if TYPE_CHECKING:
    from pathlib import Path

STARTS = {"random": "", "captioner": "captioner", "facts": "base"}
"""Start → the variant whose checkpoint it is; random weights have none."""
START = "captioner"
"""Of members whose name tells of none."""


@dataclass(frozen=True, slots=True)
class Member:
    """What is trained."""

    name: str
    steps: int = 6000
    batch: int = 512
    rate: float = 1e-3
    looks: int = 60
    """At the validation split, in a run."""

    @property
    def variant(self) -> str:
        """Its name in the catalogue."""
        return self.name.partition("@")[0]

    @property
    def start(self) -> str:
        """A name of ``STARTS``."""
        return self.name.partition("@")[2] or START

    def scaled(self, scale: float) -> Member:
        """The same for a share of its steps."""
        return replace(self, steps=max(1, round(self.steps * scale)))


def _member(name: str) -> Member:
    """A variant with its settings: whole scenes with all their pairs come in smaller batches."""
    if any("pairs" in view for view in variants()[name].views):
        return Member(name, steps=4000, batch=64, looks=40)
    return Member(name)


STARTING = tuple(Member(name, looks=20) for name in STARTS.values() if name)
"""What others start from."""
MEMBERS = tuple(_member(name) for name in variants() if name not in STARTS.values())


def place(folder: Path, name: str) -> Path:
    """A member's run folder among those of its seed."""
    return folder / name.replace(":", "-")
