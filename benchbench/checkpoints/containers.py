"""Read a file of weights by its bytes, whatever its name, without running any code in it.

The formats are safetensors, archives of ``torch.save`` (zip, and the older plain pickle), read with
``weights_only=True``, and TorchScript archives, read as records. A file that needs unpickling is
refused, and the error names the object; ``--trust-pickle`` allows it.
"""

from __future__ import annotations

import re
import struct
import zipfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from benchbench.checkpoints.torchscript import MARK, ForbiddenGlobal, read_torchscript
from benchbench.errors import ModelError, WeightsUnavailable
from benchbench.failures import first_line
from benchbench.files import require_regular, require_regular_entries

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

SAFETENSORS, TORCH, LEGACY, SCRIPT = (
    "safetensors", "torch.save", "torch.save, older format", "TorchScript",
)  # fmt: skip
FOREIGN = {
    b"version https://git-lfs": "a pointer of Git LFS, not the file itself: run git lfs pull",
    b"<": "a web page or XML, not weights: the download went wrong",
    b"{": "JSON, not weights: name the file beside it that has them",
    b"\x1f\x8b": "compressed by gzip: unpack it",
    b"\x93NUMPY": "a NumPy array: save a state dict, best as safetensors",
    b"\x89HDF": "an HDF5 file: save a state dict, best as safetensors",
    b"GGUF": "a GGUF file: convert it to safetensors",
}
"""First bytes → what the file is instead."""
INFLATION = 4
SPARE_BYTES = 64 * 2**20
"""The most that an archive may unpack to is ``INFLATION`` times its own size and ``SPARE_BYTES``:
weights hardly compress."""


@dataclass(frozen=True, slots=True)
class Contents:
    """A file's contents."""

    tree: Any
    """A mapping, or any other object that was saved."""
    container: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    """The metadata in the header of safetensors."""
    unpickled: bool = False
    """Whether code of the file may have run."""


def read_contents(path: Path, *, trust_pickle: bool = False) -> Contents:
    """Read a file of weights into memory, or map it.

    Raises:
        WeightsUnavailable: there is no such file, or it cannot be read.
        ModelError: the file is empty, truncated, damaged, of another format, or more than tensors.
    """
    head = _head(path)
    if _is_safetensors(head):
        contents: Contents = _guard(_read_safetensors, path, path)
        return contents
    if head.startswith(b"PK"):
        return _read_archive(path, trust_pickle)
    check_weights(path)
    return _read_pickle(path, trust_pickle, LEGACY)


def check_weights(path: Path) -> None:
    """Refuse a file that is something else than weights, by its first bytes.

    Raises:
        WeightsUnavailable: there is no such file, or it cannot be read.
        ModelError: it is empty, a pointer of Git LFS, a web page or another format.
    """
    head = _head(path)
    for first, what in FOREIGN.items():
        if head.startswith(first) and not _is_safetensors(head):
            raise ModelError(f"{path} is {what}.")


def check_folder(folder: Path) -> None:
    """Refuse a folder with a pipe or device, on which open_clip or transformers would wait.

    Raises:
        ModelError: an entry is not a regular file; the message names it.
    """
    try:
        require_regular_entries(folder)
    except OSError as error:
        raise ModelError(f"Cannot read {error.filename}: {error.strerror}.") from error


def header_of(path: Path) -> dict[str, str]:
    """Return the metadata of a safetensors file; empty for any other."""
    if not _is_safetensors(_head(path)):
        return {}
    from safetensors import safe_open

    def metadata(path: Path) -> dict[str, str]:
        with safe_open(path, framework="pt") as file:
            return file.metadata() or {}

    found: dict[str, str] = _guard(metadata, path, path)
    return found


def _head(path: Path) -> bytes:
    try:
        require_regular(path)
        with path.open("rb") as file:
            head = file.read(64)
    except FileNotFoundError:
        raise WeightsUnavailable(f"There is no file {path}.") from None
    except OSError as error:
        raise WeightsUnavailable(f"Cannot read {path}: {error.strerror or error}.") from error
    if not head:
        raise ModelError(f"{path} is empty (0 bytes). Save or download it again.")
    return head


def _is_safetensors(head: bytes) -> bool:
    """Return whether a file begins with eight bytes of a header's length, then JSON."""
    return len(head) > 9 and head[8:9] == b"{" and struct.unpack("<Q", head[:8])[0] < 2**32


def _read_safetensors(path: Path) -> Contents:
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return Contents(tensors, SAFETENSORS, file.metadata() or {})


def _read_archive(path: Path, trust_pickle: bool) -> Contents:
    with _guard(zipfile.ZipFile, path, path) as archive:
        names = archive.namelist()
        claimed = sum(each.file_size for each in archive.infolist())
        if claimed > INFLATION * path.stat().st_size + SPARE_BYTES:
            raise ModelError(
                f"{path} is refused: it would unpack to {claimed:,} bytes, far more than its own "
                "size. Save its weights as safetensors."
            )
        if any(name.rpartition("/")[2] == MARK for name in names):
            return Contents(_guard(read_torchscript, archive, path), SCRIPT)
    if not any(name.rpartition("/")[2] == "data.pkl" for name in names):
        some = ", ".join(names[:3]) or "nothing"
        raise ModelError(
            f"{path} is a zip archive, but not of torch.save: it holds {some}. Unpack it, and name "
            "the file of weights."
        )
    return _read_pickle(path, trust_pickle, TORCH)


def _read_pickle(path: Path, trust: bool, container: str) -> Contents:
    import torch

    def load(path: Path) -> Any:
        return torch.load(
            path, map_location="cpu", weights_only=not trust, mmap=container == TORCH or None
        )

    return Contents(_guard(load, path, path), container, unpickled=trust)


def _guard(read: Callable[[Any], Any], source: Any, path: Path) -> Any:
    """Call a reader; turn whatever an untrusted file makes it raise into one error."""
    try:
        return read(source)
    except ModelError:
        raise
    except MemoryError as error:
        raise ModelError(f"{path} does not fit into memory, by the sizes in its header.") from error
    except Exception as error:
        raise _refusal(error, path) from error


def _refusal(error: Exception, path: Path) -> ModelError:
    """Return the error for a file with more than tensors, or for a damaged one."""
    text = str(error)
    wanted = re.search(r"GLOBAL `?([\w.]+)", text)
    if isinstance(error, ForbiddenGlobal):
        return ModelError(
            f"{path} is refused: its TorchScript archive needs {text}, which is not a part of a "
            "tensor. No code of it was run. Save its state dict alone, best as safetensors."
        )
    if wanted or ".tar format" in text:
        needs = f"needs {wanted[1]}" if wanted else "needs unpickling (an old tar archive)"
        return ModelError(
            f"{path} is refused: to be read, it {needs}, which may run any code. No code of it was "
            "run. Save its state dict alone, best as safetensors; or, if you trust its source, add "
            "--trust-pickle."
        )
    reason = text.rpartition("WeightsUnpickler error: ")[2] if "Unpickler" in text else text
    detail = first_line(Exception(reason)) or type(error).__name__
    # Numbers of bytes that torch's unpickler does not know tell a reader nothing.
    told = "" if re.fullmatch(r"(Unsupported operand )?\d+", detail) else f" ({detail})"
    return ModelError(
        f"{path} holds no weights that can be read: it is truncated, damaged or of another "
        f"format{told}. Download or save it again."
    )
