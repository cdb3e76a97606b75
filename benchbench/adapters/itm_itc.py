"""``itm-itc:ORG/REPO``: score pairs by the matching head plus the contrastive head of a BLIP.

Also ``itm-itc:PATH``, for a folder. ``itm`` documents the score.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchbench.adapters.itm import ITM_ITC, load_with_rule
from benchbench.types import LoadOptions, ModelFamily

if TYPE_CHECKING:
    from benchbench.adapters.itm import MatchingScorer


def load(rest: str, options: LoadOptions) -> MatchingScorer:
    """Load ``ORG/REPO`` or a folder; errors are those of ``load_with_rule``."""
    return load_with_rule(ITM_ITC, rest, options)


FAMILY = ModelFamily(
    name="itm-itc",
    usage={
        "itm-itc:ORG/REPO": "as itm, plus the contrastive towers' cosine, as in BLIP's retrieval",
        "itm-itc:PATH": "the same from a folder",
    },
    load=load,
    options=frozenset({"allow_partial", "trust_pickle"}),
)
