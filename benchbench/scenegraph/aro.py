"""ARO's two templates: "the X is R the Y" and "the A X and the B Y" (Yüksekgönül et al. 2023).

Names and relations may have several words. X ends at the first "is"; Y begins after the last "the".
The template does not mark where an attribute ends and its noun begins: the attribute is one word,
or two where the first gives the shade of a colour ("light brown").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchbench.scenegraph.graph import Draft
from benchbench.scenegraph.word_classes import (
    COLOURS,
    NEVER_IN_NAMES,
    NEVER_IN_RELATIONS,
    THE_SIDES,
)

if TYPE_CHECKING:
    from benchbench.scenegraph.graph import Graph
    from benchbench.scenegraph.wording import Span

_SHADES = frozenset({"light", "dark", "bright", "pale", "deep", "neon"})

_NO_THINGS = frozenset({("left",), ("right",)})
"""Positions that are not objects: "the dog is on the left"."""


def read(words: tuple[str, ...]) -> Graph | None:
    """Return the graph of a caption of one of the two forms; None for any other caption.

    A full stop at the end is ignored.
    """
    end = len(words) - (words[-1:] == (".",))
    if end < 5 or words[0] != "the":
        return None
    return _relation(words, end) or _attribution(words, end)


def _relation(words: tuple[str, ...], end: int) -> Graph | None:
    """Read "the X is R the Y", and "the X has the Y", which other files of that format have."""
    verb = next((i for i in range(2, end) if words[i] in ("is", "has")), end)
    last = end - 1 - words[:end][::-1].index("the")
    has = verb < end and words[verb] == "has"
    said = (verb, last) if has else (verb + 1, last)
    if not (said[0] < last < end - 1 and (not has or last == verb + 1)):
        return None
    named = {*words[1:verb], *words[last + 1 : end]}
    if not NEVER_IN_NAMES.isdisjoint(named) or not _relates(words[said[0] : last]):
        return None
    if words[last + 1 : end] in _NO_THINGS:
        return None
    draft = Draft(words)
    subject = draft.add_object((0, verb), (1, verb), [])
    thing = draft.add_object((last, end), (last + 1, end), [])
    draft.add_relation(subject, " ".join(words[said[0] : last]), thing, (verb, last))
    return draft.graph()


def _relates(words: tuple[str, ...]) -> bool:
    """Return whether words may be a relation.

    A relation contains no object except sides ("on the back of").
    """
    after = {words[i + 1] for i in range(len(words) - 1) if words[i] == "the"}
    return NEVER_IN_RELATIONS.isdisjoint(words) and after <= THE_SIDES and words[-1] != "the"


def _attribution(words: tuple[str, ...], end: int) -> Graph | None:
    """Read "the A X and the B Y"."""
    joints = [i for i in range(3, end - 3) if words[i] == "and" and words[i + 1] == "the"]
    if len(joints) != 1:
        return None
    draft, halves = Draft(words), ((0, joints[0]), (joints[0] + 1, end))
    for half in halves:
        if not NEVER_IN_NAMES.isdisjoint(words[half[0] + 1 : half[1]]):
            return None
        look = _look(words, half)
        draft.add_object(half, (look[1], half[1]), [look])
    return draft.graph()


def _look(words: tuple[str, ...], half: Span) -> Span:
    first = half[0] + 1
    shaded = words[first] in _SHADES and words[first + 1] in COLOURS and half[1] - first > 2
    return first, first + 1 + shaded
