"""Parse captions into scene graphs by the grammar that fits, once per caption."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from benchbench.scenegraph import aro, drawn_captions, freetext
from benchbench.scenegraph.graph import Graph
from benchbench.scenegraph.wording import words_of

if TYPE_CHECKING:
    from collections.abc import Sequence


def parse(caption: str, tagged: Sequence[tuple[str, str]] | None = None) -> Graph:
    """Parse a caption into its scene graph.

    The graph is exact on ARO's templates (``aro``) and on the drawn world's captions
    (``drawn_captions``), in any case and spacing. Other text needs tags, and is read as far as
    ``freetext`` goes. Without tags its graph has no objects.

    Args:
        caption: any text.
        tagged: its words with their tags, from ``find_tagger().tag(caption).tagged`` of
            ``benchbench.data.tagging``; used only where the caption has no known form.

    >>> graph = parse("the parking meter is next to the car")
    >>> [each.name for each in graph.objects], graph.relations[0].predicate
    (['parking meter', 'car'], 'next to')
    >>> parse("Colourless green ideas sleep furiously.").objects
    ()
    """
    words = words_of(caption)
    known = aro.read(words) or drawn_captions.read(words)
    if known is not None:
        return known
    return freetext.read(tagged) if tagged else Graph(words)


@dataclass(frozen=True)
class Caption:
    """A caption that is parsed at most once, however many read its graph."""

    text: str
    tagged: Sequence[tuple[str, str]] | None = field(default=None, compare=False)
    """Its words with Penn tags, where they are known."""

    @cached_property
    def exact(self) -> Graph:
        """The graph by an exact grammar; without objects where the caption has no known form."""
        return parse(self.text)

    @cached_property
    def graph(self) -> Graph:
        """The same; of free text, as far as its tags are read."""
        if self.exact.objects or not self.tagged:
            return self.exact
        return parse(self.text, self.tagged)
