"""Record the finished pieces of an unfinished edition, so that a stopped drawing continues.

A piece is some files of the edition: a batch of images, all images of a folder, the annotations of
a part. When its files are written, a note beside the edition's folder gets the digests of their
bytes and their entries for ``edition.json``. A noted piece is used again only where all its files
still have those bytes.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbench.scenes.edition.plan import WrittenFiles

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

EDITION, NOTES = "edition", "notes"


@dataclass(frozen=True, slots=True)
class Pieces:
    """A folder that an edition is made in."""

    work: Path

    @property
    def edition(self) -> Path:
        """Return the edition's own folder."""
        return self.work / EDITION

    @property
    def notes(self) -> Path:
        """Return the folder of notes."""
        return self.work / NOTES

    def make(self, name: str, write: Callable[[], WrittenFiles]) -> WrittenFiles:
        """Return the counts and digests of a piece.

        Its files are written first where they are missing.

        Args:
            name: the piece's name, unique in the edition.
            write: writes the files and folders of ``WrittenFiles.digests`` into the edition's
                folder.
        """
        if (said := self.finished(name)) is not None:
            return WrittenFiles(said["counts"], said["digests"])
        out = write()
        paths = [path for top in out.digests for path in _files(self.edition / top)]
        files = {path: out.sha256.get(path) or _sha256(path) for path in paths}
        self.note(name, files, {"counts": out.counts, "digests": out.digests})
        return out

    def note(self, name: str, files: Mapping[Path, str], said: Mapping[str, Any]) -> None:
        """Note that a piece is finished.

        Args:
            name: the piece's name.
            files: paths in the edition's folder → SHA-256 of the bytes.
            said: further content of the note.
        """
        within = {path.relative_to(self.edition).as_posix(): sha for path, sha in files.items()}
        content = {"files": within, **said}
        note = self._note(name)
        partial = note.with_suffix(".part")
        partial.write_text(json.dumps(content), "utf-8")
        partial.replace(note)

    def finished(self, name: str) -> dict[str, Any] | None:
        """Return the note of a piece whose files all have their noted bytes; otherwise None."""
        try:
            said: dict[str, Any] = json.loads(self._note(name).read_text("utf-8"))
            whole = all(_sha256(self.edition / p) == digest for p, digest in said["files"].items())
        except (OSError, ValueError, KeyError):  # no note yet, or a file is gone: made anew
            return None
        return said if whole else None

    def _note(self, name: str) -> Path:
        return self.notes / f"{name.replace('/', '-')}.json"


def _files(path: Path) -> list[Path]:
    """Return the files of a file or folder; a folder within it is a piece of its own."""
    return sorted(filter(Path.is_file, path.iterdir())) if path.is_dir() else [path]


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
