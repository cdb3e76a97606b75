"""BLIP and BLIP-2 by both heads: ``itm-itc:ORG/REPO`` or ``itm-itc:PATH``; see ``itm``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchbench.adapters.itm import ITM_ITC, load_with_rule
from benchbench.types import LoadOptions, ModelFamily

if TYPE_CHECKING:
    from benchbench.adapters.itm import Matcher


def load(rest: str, options: LoadOptions) -> Matcher:
    """Load ``ORG/REPO`` or a folder, scored by logit and cosine; raises as ``load_with_rule``."""
    return load_with_rule(ITM_ITC, rest, options)


FAMILY = ModelFamily(
    name="itm-itc",
    usage={
        "itm-itc:ORG/REPO": "the same, the contrastive towers' cosine added, as BLIP's retrieval",
        "itm-itc:PATH": "the same from a folder",
    },
    load=load,
    options=frozenset({"allow_partial", "trust_pickle"}),
)
