"""VALSE: eleven objects of records with votes; the third of each is not valid."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.suites import dump, photograph

if TYPE_CHECKING:
    from pathlib import Path

PIECES = {
    "existence": "existence",
    "plurals": "plurals",
    "counting-hard": "counting",
    "counting-small-quant": "counting",
    "counting-adversarial": "counting",
    "relations": "relations",
    "action-replacement": "actions",
    "actant-swap": "actions",
    "coreference-standard": "coreference",
    "coreference-hard": "coreference",
    "foil-it": "noun phrases",
}
VOTES = (3, 2, 1, 2)


def write(root: Path) -> None:
    """Write four records a piece, of which three are valid."""
    for piece, phenomenon in PIECES.items():
        records = {
            f"{phenomenon}_test_{2 * i}": {
                "dataset": "drawn",
                "image_file": photograph(root / "valse" / "images" / f"{piece}_{i}.jpg").name,
                "linguistic_phenomena": phenomenon,
                "caption": f"There are exactly {i} people of {piece}.",
                "foil": f"There are exactly {i + 2} people of {piece}.",
                "mturk": {"foil": 3 - votes, "caption": votes, "other": 0},
            }
            for i, votes in enumerate(VOTES)
        }
        dump(root / "valse" / f"{piece}.json", records)
