"""Read the properties in an image file's header, before any pixel is decoded.

Images are decoded as upstream loaders do it (``benchbench.data.images.decode``). The properties
that decoding ignores are counted here, for a run's record. An example is a photograph that a viewer
turns upright: models get it as the camera saved it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

DECODING = (
    "Images are decoded by Pillow's convert('RGB') and nothing else, as upstream loaders do: the "
    "EXIF orientation of JPEG, PNG and WebP is not applied, alpha is dropped, of several frames "
    "the first is shown, and of over 8 bits a channel 8 are kept (grey ones are clipped at 255)."
)
"""A statement for the card of every task."""

ORIENTATION, UPRIGHT = 0x0112, 1
SHORT, LONG = 3, 4
ENTRY = 12
"""Bytes of an entry of an EXIF directory."""


@dataclass(frozen=True, slots=True)
class Header:
    """The header of one file."""

    size: tuple[int, int]
    """Width and height in pixels."""
    oriented: bool
    """Whether it has an EXIF orientation other than upright, which decoding does not apply."""
    transparent: bool
    """Whether it has an alpha channel, or a transparent colour."""
    animated: bool
    """Whether it has several frames."""
    deep: bool
    """Whether a channel has more than 8 bits."""


def header_of(image: ImageFile) -> Header:
    """Return the header of an opened image; nothing is decoded."""
    return Header(
        size=image.size,
        oriented=2 <= orientation(image.info.get("exif", b"")) <= 8,
        transparent=image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info,
        animated=_is_animated(image),
        deep=_is_deep(image),
    )


def orientation(exif: bytes) -> int:
    """Return the orientation in the first directory of an EXIF block; 1 where there is none.

    A malformed block has none: viewers ignore it, too. TIFF files have no such block, and Pillow
    applies the orientation that they have.
    """
    block = exif.removeprefix(b"Exif\0\0")
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(block[:4])
    if order is None or len(block) < 8:
        return UPRIGHT
    (start,) = struct.unpack_from(f"{order}I", block, 4)
    if start + 2 > len(block):
        return UPRIGHT
    (count,) = struct.unpack_from(f"{order}H", block, start)
    for at in range(start + 2, min(start + 2 + ENTRY * count, len(block) - ENTRY + 1), ENTRY):
        tag, kind = struct.unpack_from(f"{order}HH", block, at)
        if tag == ORIENTATION and kind in (SHORT, LONG):
            return int(
                struct.unpack_from(order + ("H" if kind == SHORT else "I"), block, at + 8)[0]
            )
    return UPRIGHT


def _is_animated(image: ImageFile) -> bool:
    """Return whether there is a second frame; a file that is broken there has none."""
    try:
        return bool(getattr(image, "is_animated", False))
    except (OSError, SyntaxError, ValueError, IndexError, struct.error):
        return False


def _is_deep(image: ImageFile) -> bool:
    """Return whether a channel has more than 8 bits.

    The mode decides. Where Pillow reads 16 bits into 8, the form of the pixels in the file decides.
    """
    stored = str(image.tile[0][3]) if image.format in ("PNG", "TIFF") and image.tile else ""
    return image.mode in ("I", "F") or image.mode.startswith("I;16") or ";16" in stored
