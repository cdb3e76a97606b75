"""Archive finished and stopped runs in a few small files, and unpack them again.

One tar stream, cut into pieces. What is finished comes first: its best checkpoint, in float16, and
its log. Of a run that was stopped the whole state is carried, or nothing: a best checkpoint alone
could be taken for the run's last word.
"""

from __future__ import annotations

import io
import json
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from safetensors import safe_open

from benchbench.errors import UsageError
from benchbench.training.log import LOG
from benchbench.training.loop import BEST
from benchbench.training.state import STATE
from benchbench.variants import weights

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

PIECE, MAX_RUNS = 16 * 2**20, 64 * 2**20
"""Bytes of a file, and of all together: four files, where eight are allowed."""
NAME = "results.tar"
INDEX_FILE = "carried.json"
COLLECTED_FILE = "collected.json"
_BLOCK = 10_240
"""Bytes that tar rounds a stream up to."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run's folder, and what it is called in the archive."""

    name: str
    """``0/structclip-negatives``."""
    folder: Path

    @property
    def finished(self) -> bool:
        """Whether its best checkpoint is final: in float16, as ``finish`` writes it.

        A run writes its first best checkpoint shortly before its first state.
        """
        return not self.stopped and _is_half(self.folder / BEST)

    @property
    def stopped(self) -> bool:
        """Whether it has a state from which training resumes."""
        return (self.folder / STATE).is_file()

    def files(self) -> list[Path]:
        """Return the files of the run that an archive holds."""
        names = (LOG, BEST, STATE) if self.stopped else (LOG, BEST)
        return [self.folder / name for name in names if (self.folder / name).is_file()]

    @property
    def bytes(self) -> int:
        """The size of these files in a tar file."""
        return sum(1024 + -(-path.stat().st_size // 512) * 512 for path in self.files())


def _is_half(path: Path) -> bool:
    """Return whether a checkpoint is there, and holds no float32."""
    if not path.is_file():
        return False
    with safe_open(path, "pt") as file:
        return all(file.get_slice(name).get_dtype() != "F32" for name in file.keys())  # noqa: SIM118


def finish(folder: Path) -> None:
    """Convert a run's best checkpoint to float16, and remove the state to resume from."""
    path = folder / BEST
    tensors, record = weights.read(path)
    half = {
        name: each.to(torch.float16) if each.is_floating_point() else each
        for name, each in tensors.items()
    }
    weights.write(path, half, record)
    (folder / STATE).unlink(missing_ok=True)


def carry(runs: Iterable[Run], out: Path, said: dict[str, Any], most: int = MAX_RUNS) -> list[str]:
    """Write the pieces, and nothing else, into a folder.

    Args:
        runs: finished and stopped ones, those that matter most first.
        out: the folder; older pieces in it are replaced.
        said: what is to be known of them, as JSON.
        most: bytes of all pieces.

    Returns:
        A line for each run that is lost, as there is no room for it.
    """
    there = list(runs)
    ordered = [run for run in there if run.finished] + [run for run in there if run.stopped]
    room, kept, lost = most - _BLOCK - 64 * 1024, list[Run](), list[str]()
    for run in ordered:
        if run.bytes <= room:
            room -= run.bytes
            kept.append(run)
        else:
            what = "its weights are" if run.finished else "it begins anew: its state is"
            lost.append(f"{run.name} is lost, {what} of {run.bytes:,} bytes, and {room:,} are left")
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        told = said | {"lost": lost, "runs": {run.name: run.stopped for run in kept}}
        line = json.dumps(told, sort_keys=True).encode()
        header = tarfile.TarInfo(INDEX_FILE)
        header.size = len(line)
        archive.addfile(header, io.BytesIO(line))
        for run in kept:
            for path in run.files():
                archive.add(path, f"{run.name}/{path.name}", recursive=False, filter=_without_owner)
    _cut(stream.getvalue(), out)
    return lost


def collect(work: Path, out: Path, last: Collection[str] = (), most: int = MAX_RUNS) -> list[str]:
    """Write finished runs that were not collected before, as many as there is room for.

    Training may go on meanwhile: a machine that is lent for a quarter of an hour leaves more behind
    in several calls than in one.

    Args:
        work: the folder of runs; what was collected is remembered there.
        out: the folder of pieces.
        last: names of run folders that come after all others.
        most: bytes of all pieces.

    Returns:
        The runs' names.
    """
    memory = work / COLLECTED_FILE
    before = set(json.loads(memory.read_text("utf-8"))) if memory.is_file() else set()
    folders = [path for path in sorted(work.glob("[0-9]*/*")) if path.is_dir()]
    runs = [Run(f"{path.parent.name}/{path.name}", path) for path in folders]
    found = [run for run in runs if run.finished and run.name not in before]
    kept, room = [], most - _BLOCK - 64 * 1024
    for run in sorted(found, key=lambda run: run.folder.name in last):
        if run.bytes <= room:
            room -= run.bytes
            kept.append(run)
    carry(kept, out, {}, most)
    names = [run.name for run in kept]
    memory.write_text(json.dumps(sorted(before | set(names))), "utf-8")
    return names


def _without_owner(header: tarfile.TarInfo) -> tarfile.TarInfo:
    """Return the header without the names and ids of the file's owner, and without its time."""
    header.uid = header.gid = header.mtime = 0
    header.uname = header.gname = ""
    return header


def _cut(whole: bytes, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for old in out.glob(f"{NAME}.*"):
        old.unlink()
    for number, start in enumerate(range(0, len(whole), PIECE)):
        (out / f"{NAME}.{number}").write_bytes(whole[start : start + PIECE])


def unpack(out: Path, work: Path) -> dict[str, Any]:
    """Unpack pieces into a folder of runs: ``WORK/SEED/MEMBER``.

    Runs that are there already, and finished, are left alone.

    Args:
        out: the folder of pieces.
        work: the folder of runs.

    Returns:
        What was said of them.

    Raises:
        UsageError: there are no pieces, one is missing, or they are not an archive of ours.
    """
    pieces = sorted(out.glob(f"{NAME}.*"), key=lambda path: int(path.suffix[1:]))
    if [path.suffix for path in pieces] != [f".{number}" for number in range(len(pieces))]:
        raise UsageError(f"Pieces of {out} are missing: there are {[p.name for p in pieces]}.")
    if not pieces:
        raise UsageError(f"{out} holds no {NAME}.0. Name the folder that family_gpu wrote: --from.")
    stream = io.BytesIO(b"".join(path.read_bytes() for path in pieces))
    try:
        with tarfile.open(fileobj=stream) as archive:
            return _unpacked(archive, work)
    except (tarfile.TarError, KeyError, ValueError) as error:
        raise UsageError(f"The pieces in {out} are no whole archive of runs: {error}.") from error


def _unpacked(archive: tarfile.TarFile, work: Path) -> dict[str, Any]:
    handle = archive.extractfile(INDEX_FILE)
    if handle is None:
        raise KeyError(INDEX_FILE)
    said: dict[str, Any] = json.loads(handle.read())
    there = [name for name in said["runs"] if Run(name, work / name).finished]
    for member in archive.getmembers():
        run, _, name = member.name.rpartition("/")
        if run in said["runs"] and run not in there and name in (LOG, BEST, STATE):
            archive.extract(member, work, filter="data")
    return said
