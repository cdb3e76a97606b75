"""What a scenario is: who takes part, in which pose, where each stands, and what that is called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Span = tuple[int, int]
Zone = Literal["ground", "air", "wall", "water"]

FIRST, SECOND = "first", "second"


@dataclass(frozen=True, slots=True)
class Role:
    """One part in a scenario. Roles are placed in order; everything faces right, then all is
    mirrored in half of the scenes."""

    cast: str | tuple[str, ...]
    """A principal, or the categories (and props) to choose from."""
    pose: str = "stand"
    """Where a category has no such pose, its ordinary one."""
    parent: int | None = None
    """The role that it is placed by; None starts the group."""
    at: str = "right"
    """The parent's anchor …"""
    by: str = "foot"
    """… on which this anchor of its own comes to lie."""
    shift: Span = (0, 0)
    """Then moved right by so many scene units."""
    rise: Span = (0, 0)
    """And down by so many."""
    layer: int = 1
    """Painted so much after (or before) its parent."""
    smaller: int | None = None
    """At least so many levels smaller than its parent."""
    at_least: int = 0
    """The smallest level it may have."""
    chance: int = 100
    """Present in so many of a hundred scenes."""
    owned: bool = False
    """The front of its parent's own drawing: same size, place and colour; a prop."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A kind of scene; its name is the action label."""

    name: str
    roles: tuple[Role, ...]
    relations: tuple[tuple[int, str, int], ...]
    """(role, predicate, role): what is annotated, one predicate for each ordered pair."""
    pairs: tuple[tuple[str, str], ...]
    """(first, second), the commonest first."""
    backgrounds: tuple[str, ...]
    swappable: bool = False
    zone: Zone = "ground"
    weight: int = 4
    sizes: bool = False
    """Principals may be small or large."""


OUTDOORS = ("grass", "park", "beach", "snow", "desert")
TOWN = ("road", "city")
INDOORS = ("room", "kitchen")
