"""The definition of a scenario: its roles, their poses and positions, and their relations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Span = tuple[int, int]
Zone = Literal["ground", "air", "wall", "water"]

FIRST, SECOND = "first", "second"


@dataclass(frozen=True, slots=True)
class Role:
    """One part in a scenario.

    Roles are placed in order. Everything faces right; then half of the scenes are mirrored.
    """

    cast: str | tuple[str, ...]
    """A principal, or the categories (and props) to choose from."""
    pose: str = "stand"
    """The pose; a category that lacks it has its ordinary pose."""
    parent: int | None = None
    """The role by which this role is placed; None starts the group."""
    at: str = "right"
    """The parent's anchor."""
    by: str = "foot"
    """The role's own anchor, which is placed on the parent's anchor."""
    shift: Span = (0, 0)
    """Least and greatest shift to the right after that, in scene units."""
    rise: Span = (0, 0)
    """Least and greatest shift downwards, in scene units."""
    layer: int = 1
    """The painting order relative to the parent's: positive is later, negative earlier."""
    smaller: int | None = None
    """The least number of levels by which it is smaller than its parent."""
    at_least: int = 0
    """The smallest level that it may have."""
    chance: int = 100
    """The percentage of scenes in which the role is present."""
    owned: bool = False
    """True for the front of its parent's own drawing: a prop of the same size, place and colour."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A kind of scene; its name is the action label."""

    name: str
    roles: tuple[Role, ...]
    relations: tuple[tuple[int, str, int], ...]
    """The annotated relations as (role, predicate, role), one predicate for each ordered pair."""
    pairs: tuple[tuple[str, str], ...]
    """The principals as (first, second), the commonest first."""
    backgrounds: tuple[str, ...]
    swappable: bool = False
    zone: Zone = "ground"
    weight: int = 4
    sizes: bool = False
    """True where principals may be small or large."""


OUTDOORS = ("grass", "park", "beach", "snow", "desert")
TOWN = ("road", "city")
INDOORS = ("room", "kitchen")
