"""Downloads over HTTP that resume, and that are checked before a file gets its name.

Python's own ``urllib`` is used: pooch starts over after each cut, huggingface_hub resumes from its
hub alone, and both name a file before a check of its content could refuse it.

An unfinished ``val2017.zip`` is ``.val2017.zip.part``, beside ``.val2017.zip.part.json`` with its
address and the server's validator. It is resumed by a ``Range`` request. A file without a known
digest is resumed from the same address alone, and only if the server confirms by the validator that
it has not changed. With a digest any source may continue it; where the whole is wrong, it is
downloaded once more from the start.
"""

from __future__ import annotations

import http.client
import json
import os
import time
import urllib.error
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchbench.atomic import os_errors
from benchbench.datasets.content import problem_of
from benchbench.datasets.replies import distrust, refusal, replied, retry_seconds
from benchbench.datasets.sources import address_of, fetch_from_drive, place_of, public_url
from benchbench.errors import DataUnavailable, RunError
from benchbench.files import parse_json

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchbench.datasets.manifest import File
    from benchbench.datasets.replies import Reply
    from benchbench.datasets.sources import Address
    from benchbench.types import Progress

SECONDS = 60.0
"""The longest wait for a connection, and for the next bytes."""
BLOCK = 1 << 18
"""Bytes that are written at once."""
TRIES = 5
"""Attempts at one address without a byte of progress."""
MOST = 1 << 34
"""The largest number of bytes of a file whose size is not known."""
MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Part:
    """An unfinished download."""

    path: Path
    note: Path
    """The file with its address and validator."""

    @classmethod
    def of(cls, place: Path) -> Part:
        """Return the unfinished download of a file."""
        path = place.with_name(f".{place.name}.part")
        return cls(path, path.with_name(f"{path.name}.json"))

    @property
    def size(self) -> int:
        """Return its bytes; 0 where there is none."""
        return self.path.stat().st_size if self.path.is_file() else 0

    def origin(self) -> dict[str, Any]:
        """Return its ``url`` and ``validator``; empty where they are not known."""
        try:
            found = parse_json(self.note.read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def begin(self, url: str, validator: str | None) -> None:
        """Empty it, and note where it comes from."""
        self.path.write_bytes(b"")
        self.note.write_text(json.dumps({"url": url, "validator": validator}), "utf-8")

    def remove(self) -> None:
        """Remove it."""
        self.path.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)


def download(
    file: File, place: Path, mirror: str | None = None, progress: Progress | None = None
) -> None:
    """Download a file from the first of its sources that has it.

    Args:
        file: its description; nothing else gets its name.
        place: where it belongs; its folder need not exist.
        mirror: the prefix of a mirror, in place of the sources' own addresses.
        progress: called as ``progress(name, done, total)``, in megabytes.

    Raises:
        DataUnavailable: no source has the file that is described; the message has each one's
            reason.
        RunError: the disk is full, or the folder cannot be written; or another process downloads
            into the same folder.
    """
    part, reasons = Part.of(place), []
    with os_errors(place):
        place.parent.mkdir(parents=True, exist_ok=True)
        with _alone(place.parent):
            for source in file.sources:
                try:
                    _from(address_of(source, mirror), file, part, progress)
                except DataUnavailable as error:
                    where = f"{mirror}/{place_of(source)}" if mirror else public_url(source)
                    reasons.append(f"{where}: {error}")
                    continue
                part.path.replace(place)
                part.remove()
                return
    named = "; ".join(reasons) or "no source is known"
    raise DataUnavailable(f"{file.path} cannot be downloaded ({named})")


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other processes from downloading into a folder; a lock of a dead process is void.

    Raises:
        RunError: another process does.
    """
    try:
        import fcntl
    except ImportError:  # not on Windows
        yield
        return
    held = os.open(folder, os.O_RDONLY)
    try:
        with suppress(PermissionError):  # a file system without locks
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise RunError(f"Another process downloads into {folder}. Wait for it to end.") from None
    finally:
        os.close(held)


def _from(address: Address, file: File, part: Part, progress: Progress | None) -> None:
    """Download from one address; once more from the start where a file of several parts is wrong.

    Raises:
        DataUnavailable: it does not have the file that is described.
    """
    if not _is_of_use(part, address, file):
        part.remove()
    joined = part.size > 0
    joined |= _complete(address, file, part, progress)
    problem = _problem(part, file)
    if problem and joined:
        part.remove()
        _complete(address, file, part, progress)
        problem = _problem(part, file)
    if problem:
        part.remove()
        raise DataUnavailable(f"it is another file: {problem}")


def _is_of_use(part: Part, address: Address, file: File) -> bool:
    """Return whether an unfinished download may be continued from an address."""
    if not part.size or (file.size is not None and part.size > file.size):
        return False
    origin = part.origin()
    same = origin.get("url") == address.url and bool(origin.get("validator"))
    return same or bool(file.digest)


def _problem(part: Part, file: File) -> str | None:
    """Return how a downloaded file differs; readers go by its own name's ending."""
    name = part.path.name.removeprefix(".").removesuffix(".part")
    named = part.path.with_name(f".checked.{name}")
    part.path.replace(named)
    try:
        return problem_of(named, file)
    finally:
        named.replace(part.path)


def _complete(address: Address, file: File, part: Part, progress: Progress | None) -> bool:
    """Request the rest of a file until it is complete; return whether in several parts.

    Raises:
        DataUnavailable: the server refuses, or sends nothing more in ``TRIES`` attempts.
    """
    if address.is_drive:
        fetch_from_drive(address, part.path)
        return False
    failures, joined = 0, False
    while file.size is None or part.size < file.size:
        before, wait = part.size, 2.0**failures - 1
        try:
            if _continue(address, file, part, progress):
                return joined
            reason = "the connection was cut"
        except urllib.error.HTTPError as error:
            reason = refusal(error, address.gated)
            asked = _after(error, failures, part)
            if asked is None:
                raise DataUnavailable(reason) from None
            wait = asked
        except (OSError, http.client.HTTPException) as error:
            if problem := distrust(error):
                raise DataUnavailable(problem) from None
            reason = str(getattr(error, "reason", None) or error) or type(error).__name__
        joined |= part.size > before
        failures = 0 if part.size > before else failures + 1
        if failures >= TRIES:
            raise DataUnavailable(f"{reason} ({TRIES} attempts)")
        pause(wait)
    return joined


def pause(seconds: float) -> None:
    """Wait before the next attempt."""
    time.sleep(seconds)


def _after(error: urllib.error.HTTPError, failures: int, part: Part) -> float | None:
    """Return how long to wait after a server's error; None where the same request is in vain.

    A part that the server cannot continue (416) is removed.
    """
    if error.code == 416 and part.size:
        part.remove()
        return 0.0
    return retry_seconds(error, failures)


def _continue(address: Address, file: File, part: Part, progress: Progress | None) -> bool:
    """Request the rest of a file once; return whether it is complete.

    Raises:
        DataUnavailable: it is not the file that is described, by length or kind.
        OSError: there is no connection, or the server refuses.
    """
    validator = part.origin().get("validator")
    if part.size and not (validator or file.digest):
        part.remove()
    start = part.size
    headers = {"Range": f"bytes={start}-"} if start else {}
    if start and validator and part.origin().get("url") == address.url:
        headers["If-Range"] = validator
    with replied(address.url, headers, address.secret, SECONDS) as reply:
        _check(reply, file)
        changed = not file.digest and validator != reply.validator
        if not start or not reply.continues(start) or changed:
            with os_errors(part.path):
                part.begin(address.url, reply.validator)
            if start and reply.status == 206:  # another part than requested, or of another file
                return False
        _write(reply, part, _limit(file), _shown(file, reply.total, progress))
        return reply.total in (None, part.size)


def _check(reply: Reply, file: File) -> None:
    """Raise a DataUnavailable where an answer cannot be the file that is described."""
    if file.size is not None and reply.total not in (None, file.size):
        raise DataUnavailable(f"it has {reply.total:,} bytes, not {file.size:,}")
    if (reply.total or 0) > _limit(file):
        raise DataUnavailable(f"it has {reply.total:,} bytes, more than {MOST:,}")
    if reply.encoding:
        raise DataUnavailable(f"it is sent in another form ({reply.encoding:.20})")
    if reply.is_page and not file.digest:
        raise DataUnavailable("the answer is a web page, not the file")


def _limit(file: File) -> int:
    return MOST if file.size is None else file.size


def _shown(file: File, total: int | None, progress: Progress | None) -> Progress:
    """Return a progress whose numbers are megabytes."""
    whole = file.size or total or 0

    def show(name: str, done: int, _: int) -> None:
        if progress and whole:
            progress(name, done // MEGABYTE, max(1, whole // MEGABYTE))

    return show


def _write(reply: Reply, part: Part, limit: int, progress: Progress) -> None:
    """Append an answer to a part.

    Raises:
        DataUnavailable: it is longer than the file that is described.
    """
    name = part.path.name.removeprefix(".").removesuffix(".part")
    with part.path.open("ab") as out:
        while block := reply.read(BLOCK):
            if out.tell() + len(block) > limit:
                part.remove()
                raise DataUnavailable(f"it is longer than {limit:,} bytes")
            with os_errors(part.path):
                out.write(block)
            progress(name, out.tell(), limit)
        with os_errors(part.path):
            out.flush()
