"""Draw colours, patterns and sizes of objects, without bias.

In training, and mostly in the other splits, an object gets an attribute that training may draw with
its category. The principals get attributes that both of them may have, and exchange them between
twins, so that each order is drawn exactly as often. Test splits also draw held-out attributes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchbench.scenes.casting import CAST_FIRST, CAST_SECOND, parts, scenario_flags
from benchbench.scenes.holdout import seen_colours, seen_patterns

if TYPE_CHECKING:
    from benchbench.scenes.dice import Dice
    from benchbench.types.arrays import Flags, Ints


_PLAIN_PERCENT = 60
_UNSEEN_PERCENT = 75


@dataclass(frozen=True, slots=True)
class Appearance:
    """The colour and the pattern of each object, [scenes, slots] each."""

    colour: Ints
    pattern: Ints


def draw_sizes(roll: Dice, shape: tuple[int, ...], varied: Flags) -> Ints:
    """Draw sizes of the given shape: 15 percent small and 15 percent large.

    Scenarios that do not vary sizes have medium objects only.
    """
    drawn = [roll.below(f"size {role}", 100) for role in range(shape[1])]
    size = [np.where(d < 15, 1, np.where(d < 30, 2, 0)) for d in drawn]
    return np.where(varied[:, None], np.stack(size, axis=1), 0)


def draw_appearance(
    category: Ints, scenario: Ints, own: Dice, twin: Dice, odd: Flags, training: bool
) -> Appearance:
    """Draw the colour and the pattern of every slot.

    Args:
        category: [scenes, slots]; slots without an object are coloured too, without effect.
        scenario: [scenes]; decides which slots are the principals.
        own: dice of each scene.
        twin: dice of each pair of twins.
        odd: [scenes], true for the second of the twins.
        training: whether held-out pairs are left out altogether.
    """
    free = np.zeros(len(category), dtype=np.bool_) if training else own.chance("free", 40)
    rows, (first, second) = np.arange(len(category)), principals(scenario)
    mates = category[rows, first], category[rows, second]
    turned = odd & ~scenario_flags()[1][scenario]
    out = []
    for name, allowed in (("colour", seen_colours()), ("pattern", seen_patterns())):
        value = np.stack(
            [
                _pick(allowed[category[:, w]] | free[:, None], own, f"{name} {w}", name)
                for w in range(category.shape[1])
            ],
            axis=1,
        )
        one, other = _shared(allowed, mates, twin, name, training)
        value[rows, first] = np.where(turned, other, one)
        value[rows, second] = np.where(turned, one, other)
        out.append(value)
    return Appearance(*out)


def principals(scenario: Ints) -> tuple[Ints, Ints]:
    """Return the roles that a scenario's first and second principal play, [scenes] each."""
    table = parts()
    playing = table.there & ~table.owned
    first = np.argmax(playing & (table.cast == CAST_FIRST), axis=1)
    second = np.argmax(playing & (table.cast == CAST_SECOND), axis=1)
    return first[scenario], second[scenario]


def _shared(
    allowed: Flags, mates: tuple[Ints, Ints], twin: Dice, name: str, training: bool
) -> tuple[Ints, Ints]:
    """Draw two different values that both principals may have, so that they can exchange them.

    Outside training, where both lack the same values, one of the two is often such a value.
    """
    both = allowed[mates[0]] & allowed[mates[1]]
    alike = (allowed[mates[0]] == allowed[mates[1]]).all(axis=1) & ~both.all(axis=1)
    unseen = alike & (not training) & twin.chance(f"unseen {name}", _UNSEEN_PERCENT)
    one = _pick(np.where(unseen[:, None], ~both, both), twin, f"one {name}", name)
    taken = np.arange(both.shape[1]) == one[:, None]
    rest = both & ~taken if name == "colour" else both
    other = _pick(rest, twin, f"other {name}", name)
    swap = twin.chance(f"swap {name}", 50)
    return np.where(swap, other, one), np.where(swap, one, other)


def _pick(allowed: Flags, roll: Dice, stream: str, name: str) -> Ints:
    """Draw one of the allowed values in each row; plain is more likely than any pattern."""
    count = allowed.sum(axis=1)
    rank = roll.below(stream, np.maximum(count, 1))
    value = np.argmax(np.cumsum(allowed, axis=1) > rank[:, None], axis=1)
    if name == "colour":
        return np.asarray(value)
    plain = allowed[:, 0] & roll.chance(f"plain {stream}", _PLAIN_PERCENT)
    return np.where(plain, 0, value)
