"""Read the tensors of a TorchScript archive without running any of its code.

OpenAI published CLIP as such archives. Their ``data.pkl`` refers to classes that the archive
defines (``__torch__.…``), whose code ``torch.jit.load`` compiles. Here, an object of such a class
keeps only its attributes. The only other types allowed are tensors, their storages, ordered
dictionaries and lists.
"""

from __future__ import annotations

import io
import pickle
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from benchbench.errors import ModelError

if TYPE_CHECKING:
    import zipfile
    from collections.abc import Callable, Mapping

    from torch import Tensor

MARK = "constants.pkl"
"""A file that is in every TorchScript archive, and in none of ``torch.save``."""
STORAGES = {
    "BFloat16Storage": "bfloat16",
    "BoolStorage": "bool",
    "ByteStorage": "uint8",
    "CharStorage": "int8",
    "DoubleStorage": "float64",
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "IntStorage": "int32",
    "LongStorage": "int64",
    "ShortStorage": "int16",
}
MAX_VISITS = 1_000_000


class InertObject:
    """An object of the archive: its attributes without its code."""

    attributes: Mapping[str, Any] = {}

    def __setstate__(self, state: Any) -> None:
        self.attributes = state if isinstance(state, dict) else {}


class ForbiddenGlobal(pickle.UnpicklingError):
    """A pickled global that tensors do not need."""


def read_torchscript(archive: zipfile.ZipFile) -> dict[str, Any]:
    """Return the tensors and numbers of the archive's module, by dotted names.

    Raises:
        ForbiddenGlobal: the archive needs more than tensors; the message names what.
        ModelError: its modules contain each other, or are nested too deeply.
        Exception: any exception of pickle, zipfile or torch, if the file is damaged.
    """
    root = next(n for n in archive.namelist() if n.endswith(MARK)).removesuffix(MARK)
    record = archive.read(f"{root}data.pkl")
    module = _TensorUnpickler(io.BytesIO(record), archive, root).load()
    found: dict[str, Any] = {}
    _collect(module, "", found, [0])
    return found


def _collect(module: Any, prefix: str, found: dict[str, Any], visits: list[int]) -> None:
    """Add the attributes of a module and of its submodules, by dotted names."""
    visits[0] += 1
    if visits[0] > MAX_VISITS or prefix.count(".") > 100:
        raise ModelError("The archive's modules contain each other, or are nested too deeply.")
    if not isinstance(module, InertObject):
        return
    for name, value in module.attributes.items():
        if isinstance(value, InertObject):
            _collect(value, f"{prefix}{name}.", found, visits)
        elif _is_tensor(value) or (isinstance(value, (int, float)) and not isinstance(value, bool)):
            found[f"{prefix}{name}"] = value


def _is_tensor(value: Any) -> bool:
    import torch

    return isinstance(value, torch.Tensor)


class _TensorUnpickler(pickle.Unpickler):
    """An unpickler of tensors and inert objects; any other global is refused by name."""

    def __init__(self, record: io.BytesIO, archive: zipfile.ZipFile, root: str) -> None:
        super().__init__(record)
        self._archive, self._root = archive, root
        self._storages: dict[str, Tensor] = {}

    def find_class(self, module: str, name: str) -> Any:
        if module == "__torch__" or module.startswith("__torch__."):
            return InertObject
        if module == "torch" and name in STORAGES:
            return STORAGES[name]
        if (module, name) in ALLOWED:
            return ALLOWED[module, name]
        raise ForbiddenGlobal(f"{module}.{name}")

    def persistent_load(self, pid: Any) -> Tensor:
        """Return a storage as a flat tensor, by ("storage", kind, key, device, size)."""
        import torch

        _, kind, key, _, _ = pid
        if key not in self._storages:
            content = bytearray(self._archive.read(f"{self._root}data/{key}"))
            dtype = getattr(torch, kind)
            empty = torch.empty(0, dtype=dtype)
            self._storages[key] = torch.frombuffer(content, dtype=dtype) if content else empty
        return self._storages[key]


def _tensor(storage: Tensor, offset: int, size: Any, stride: Any, *_: Any) -> Tensor:
    """Return a view of a storage; torch refuses one that reaches beyond it."""
    return storage.as_strided(tuple(size), tuple(stride), offset)


def _same(value: Any, *_: Any) -> Any:
    return value


ALLOWED: dict[tuple[str, str], Callable[..., Any]] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    **{
        ("torch.jit._pickle", name): _same
        for name in (
            "build_boollist",
            "build_doublelist",
            "build_intlist",
            "build_tensorlist",
            "restore_type_tag",
        )
    },
}
