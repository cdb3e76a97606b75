"""The content of items, apart from their names: a digest that is equal where two items are.

Releases of a suite drop, add and renumber items, so that neither an item's place nor its id tells
whether it is the same. Its images, its captions and which of them are true do.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from benchbench.data.records import NAMES
from benchbench.files import name_below

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Any

    from benchbench.protocols.protocol import Protocol
    from benchbench.types import ImageRef, Item, Question

LENGTH = 16
"""Hexadecimal digits of a digest: 64 bits, so that 100,000 items collide by chance once in four
billion suites."""
_ENCODER = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"))


def with_contents(
    protocol: Protocol, items: Sequence[Question], outcomes: Sequence[Any], root: Path
) -> tuple[Any, ...]:
    """Return the outcomes of some items, each with the digest of its item's content.

    Args:
        protocol: the protocol of the items.
        items: the items.
        outcomes: one per item, in their order.
        root: the data root, from which image files are named.
    """
    digests = [protocol.content(item, root) for item in items]
    return tuple(
        replace(each, content=digest) for each, digest in zip(outcomes, digests, strict=True)
    )


def matching_content(item: Item, root: Path) -> str:
    """Return the digest of an item's images with their captions, and of its false captions.

    The order of images and of captions does not count; an image without a caption of its own has an
    empty one. Images are named by file and crop: bytes are not read.
    """
    named = [_named(ref, root) for ref in item.images]
    own = [item.captions[i] if i >= 0 else "" for i in item.target]
    true = sorted([*name, text] for name, text in zip(named, own, strict=True))
    false = sorted(text for i, text in enumerate(item.captions) if i not in item.target)
    return _digest([true, false])


def image_content(image: ImageRef, rest: object, root: Path) -> str:
    """Return the digest of an image, and of what else an item consists of, as JSON has it."""
    return _digest([_named(image, root), rest])


def _named(ref: ImageRef, root: Path) -> list[str]:
    """Return the image's file, from the data root, and its crop."""
    return [_name(ref.path, root), json.dumps(ref.box)]


_name = lru_cache(maxsize=NAMES)(name_below)


def _digest(content: object) -> str:
    return hashlib.sha256(_ENCODER.encode(content).encode()).hexdigest()[:LENGTH]
