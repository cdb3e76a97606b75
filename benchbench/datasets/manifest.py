"""The description of a data set: files, sources, checks, licence, citation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from benchbench.types import Arrays, Content

Access = Literal["open", "gated", "manual"]
"""``open``: anybody may download it. ``gated``: with a token of an account that has accepted the
terms. ``manual``: some files have to be requested, and are brought by ``import`` or ``get --from``.
"""
DIGESTS = ("sha256", "sha1", "md5")
"""The kinds of digests that publishers give. SHA-1 and MD5 show damage, not forgery."""


@dataclass(frozen=True, slots=True)
class Source:
    """An address of a file."""

    url: str
    """``https://…``, ``http://…``, ``hf://datasets/ORGANISATION/NAME@REVISION/PATH`` (the Hugging
    Face hub) or ``gdrive://ID`` (Google Drive, through gdown)."""
    note: str = ""
    """What is known of its permanence."""


@dataclass(frozen=True, slots=True)
class File:
    """A published file: one that a task reads, or an archive with a folder of images."""

    path: str
    """Relative to the data set's folder."""
    sources: tuple[Source, ...] = ()
    """In order of preference; empty where the file has to be requested."""
    size: int | None = None
    """Bytes, where the publisher or several independent users state them."""
    digest: str = ""
    """``sha256:HEX``, ``sha1:HEX`` or ``md5:HEX``; empty where none is known."""
    content: Content | Arrays | None = None
    """A check where there is no digest."""
    earlier: tuple[str, ...] = ()
    """Digests of other releases, which ``import`` and ``verify`` accept as well."""


@dataclass(frozen=True, slots=True)
class Made:
    """A file that is made of one of the data set's files, byte for byte the same everywhere."""

    path: str
    """Relative to the data set's folder."""
    of: str
    """The file it is made of, relative to the same folder."""
    digest: str
    """``sha256:HEX``."""
    make: Callable[[Path, Path], None]
    """Takes the path of that file and its own, and writes it whole or not at all."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A flat folder of images, from one archive or several."""

    path: str
    """Relative to the data set's folder; it ends in ``/``."""
    archives: tuple[File, ...]
    images: int
    """The least number of images in it."""
    at_most: int
    """The largest number of files that its archives may hold; more are refused."""
    unpacked: int
    """The largest number of bytes that its files may take; more are refused."""
    like: str = "*.jpg"
    """The pattern of its images' names (``fnmatch``)."""
    parts: tuple[str, ...] = ()
    """Names of folders that others unpack the archives to, where it is more than one."""


@dataclass(frozen=True, slots=True)
class Link:
    """A folder of another data set, linked into this one."""

    path: str
    """The folder's name, in both data sets; it ends in ``/``."""
    dataset: str
    """The other data set, a shared one."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """A data set."""

    name: str
    """As typed."""
    title: str
    licence: str
    citation: str
    homepage: str
    files: tuple[File, ...] = ()
    folders: tuple[Folder, ...] = ()
    shared: bool = False
    """Whether its folders lie at the top of the data root, for other data sets to link."""
    links: tuple[Link, ...] = ()
    made: tuple[Made, ...] = ()
    tasks: tuple[str, ...] = ()
    """The tasks whose data root its folder is."""
    access: Access = "open"
    how: str = ""
    """How to request what is not open: one or two sentences."""
    then: tuple[str, ...] = ()
    """Commands that prepare further files; ``{folder}`` stands for the data set's folder."""

    @property
    def folder(self) -> str:
        """Return the name of its folder under the data root: its own, with ``_`` for ``-``."""
        return self.name.replace("-", "_")

    def place(self, root: Path) -> Path:
        """Return its folder under a data root; the root itself for what others link."""
        return root if self.shared else root / self.folder

    @property
    def size(self) -> int | None:
        """Return the bytes to download, without linked data sets; None where a size is unknown."""
        sizes = [file.size for file in self.downloads]
        return sum(size or 0 for size in sizes) if sizes and all(sizes) else None

    @property
    def downloads(self) -> tuple[File, ...]:
        """Return all files and archives."""
        return self.files + tuple(each for folder in self.folders for each in folder.archives)
