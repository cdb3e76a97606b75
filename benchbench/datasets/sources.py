"""Sources as addresses that can be requested: the hub with its token, mirrors, Google Drive.

A mirror is a prefix under which files lie by host and path, as ``wget --force-directories`` writes
them: ``https://example.org/a/b.zip`` is ``PREFIX/example.org/a/b.zip``.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from benchbench.errors import DataUnavailable, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from benchbench.datasets.manifest import Source

MIRROR_VARIABLE = "BENCHBENCH_MIRROR"
HUB, DRIVE = "hf://datasets/", "gdrive://"
HUB_HOST = "https://huggingface.co"


@dataclass(frozen=True, slots=True)
class Address:
    """An address to request."""

    url: str
    secret: str = ""
    """The value of ``Authorization``, for this host alone."""
    gated: bool = False
    """Whether a refusal means that a token is missing."""

    @property
    def is_drive(self) -> bool:
        """Return whether it is Google Drive's, which only gdown can request."""
        return self.url.startswith(DRIVE)


def mirror_of(passed: str | None = None) -> str | None:
    """Return the prefix of a mirror: the one that was passed, or the variable BENCHBENCH_MIRROR.

    Raises:
        UsageError: it is not an address.
    """
    mirror = passed if passed is not None else os.environ.get(MIRROR_VARIABLE)
    if mirror is None or (passed is None and not mirror):
        return None
    try:
        parts = urlsplit(mirror)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.netloc or _unsafe(mirror):
        raise UsageError(f"A mirror should be an address (https://…), not '{mirror}'.")
    return mirror.rstrip("/")


def _unsafe(text: str) -> bool:
    return any(not " " < character < "\x7f" for character in text)


def public_url(source: Source) -> str:
    """Return the address of a source for people and other programs.

    >>> from benchbench.datasets.manifest import Source
    >>> public_url(Source("hf://datasets/facebook/winoground@main/data/images.zip"))
    'https://huggingface.co/datasets/facebook/winoground/resolve/main/data/images.zip'
    """
    if source.url.startswith(HUB):
        name, _, rest = source.url.removeprefix(HUB).partition("@")
        revision, _, path = rest.partition("/")
        return f"{HUB_HOST}/datasets/{name}/resolve/{revision}/{path}"
    if source.url.startswith(DRIVE):
        return f"https://drive.google.com/uc?id={source.url.removeprefix(DRIVE)}"
    return source.url


def place_of(source: Source) -> str:
    """Return where a mirror has a source: host and path.

    >>> from benchbench.datasets.manifest import Source
    >>> place_of(Source("https://example.org/a/b.zip")), place_of(Source("gdrive://1k"))
    ('example.org/a/b.zip', 'drive.google.com/1k')
    """
    if source.url.startswith(DRIVE):
        return f"drive.google.com/{source.url.removeprefix(DRIVE)}"
    parts = urlsplit(public_url(source))
    return f"{parts.netloc}{parts.path}"


def address_of(source: Source, mirror: str | None) -> Address:
    """Return the address to request for a source.

    Args:
        source: the source.
        mirror: a prefix; nothing but the mirror is requested then.

    Raises:
        DataUnavailable: the hub is switched off.
    """
    if mirror is not None:
        return Address(f"{mirror}/{place_of(source)}")
    if not source.url.startswith(HUB):
        return Address(source.url)
    from huggingface_hub import get_token
    from huggingface_hub.constants import ENDPOINT, HF_HUB_OFFLINE

    if HF_HUB_OFFLINE:
        raise DataUnavailable("the hub is switched off (HF_HUB_OFFLINE)")
    token = get_token()
    url = public_url(source).replace(HUB_HOST, ENDPOINT, 1)
    return Address(url, f"Bearer {token}" if token else "", gated=True)


def fetch_from_drive(address: Address, place: Path) -> None:
    """Download a file from Google Drive, by gdown; it resumes an earlier part.

    Raises:
        DataUnavailable: gdown is not installed, or fails.
    """
    try:
        import gdown
    except ImportError:
        raise DataUnavailable(
            "Google Drive needs gdown. Type: pip install 'benchbench-vl[drive]'"
        ) from None
    try:
        gdown.download(
            id=address.url.removeprefix(DRIVE), output=str(place), quiet=True, resume=True
        )
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataUnavailable(f"Google Drive: {reason:.300}") from error
    if not place.is_file():
        raise DataUnavailable("Google Drive sent nothing")
