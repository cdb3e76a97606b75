"""All scenarios, and the bystanders of each background."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchbench.scenes.everyday_scenarios import EVERYDAY
from benchbench.scenes.outdoor_scenarios import OUTINGS
from benchbench.scenes.swappable_scenarios import SWAPPABLE

if TYPE_CHECKING:
    from benchbench.scenes.scenario import Scenario

FIXED: tuple[Scenario, ...] = OUTINGS + EVERYDAY

SCENARIOS: tuple[Scenario, ...] = SWAPPABLE + FIXED

ROLES = max(len(scenario.roles) for scenario in SCENARIOS)

EXTRAS: dict[str, tuple[str, ...]] = {
    "grass": (
        "tree",
        "flower",
        "rock",
        "dog",
        "sheep",
        "cow",
        "ball",
        "fence",
        "bench",
        "cat",
        "horse",
    ),
    "park": ("tree", "bench", "flower", "dog", "ball", "bike", "lamp", "cat", "sign"),
    "beach": ("umbrella", "ball", "chair", "surfboard", "bag", "bottle", "dog", "person", "rock"),
    "snow": ("tree", "sled", "rock", "dog", "house", "hat", "fence", "person"),
    "desert": ("rock", "cart", "flower", "sign", "horse", "truck", "bag"),
    "road": ("car", "sign", "bus", "truck", "motorcycle", "bike", "tree", "person", "skateboard"),
    "city": (
        "car",
        "bike",
        "sign",
        "lamp",
        "person",
        "bench",
        "bag",
        "motorcycle",
        "dog",
        "bus",
        "skateboard",
    ),
    "room": (
        "chair",
        "lamp",
        "book",
        "vase",
        "box",
        "ball",
        "cat",
        "bag",
        "guitar",
        "phone",
        "clock",
        "table",
    ),
    "kitchen": (
        "cup",
        "bottle",
        "bowl",
        "chair",
        "apple",
        "banana",
        "vase",
        "box",
        "cat",
        "cake",
        "pizza",
        "bag",
    ),
    "sea": ("boat", "bird", "surfboard", "boat"),
    "sky": ("bird", "kite", "airplane"),
}
"""The bystanders of each background, the commonest first."""
