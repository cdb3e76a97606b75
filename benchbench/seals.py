"""The seal of a run: a digest over its header and outcomes, independent of the file's encoding.

It covers what a reader decodes (texts, integers, the bits of floats, the header as sorted JSON) and
none of Parquet's own bytes, so that a file rewritten by another version of pyarrow still verifies.
It reveals damage and careless edits. It is not a signature: a person who changes a run can seal it
again.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy.typing as npt
    import pyarrow as pa


def seal(header: Mapping[str, Any], columns: Mapping[str, pa.Array]) -> str:
    """Return the digest of a run's header and columns: SHA-256, in hexadecimal.

    Args:
        header: the header without the seal itself.
        columns: name → values, in the order of the items.

    Raises:
        ValueError: a column has a type that runs do not have.
    """
    digest = hashlib.sha256(b"benchbench run\n")
    for part in _parts(header, columns):
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()


def _parts(header: Mapping[str, Any], columns: Mapping[str, pa.Array]) -> Iterator[bytes]:
    yield _as_json(json.loads(json.dumps(header)))  # keys become text, tuples lists, as when read
    for name in sorted(columns):
        yield name.encode()
        yield from _values(columns[name])


def _values(column: pa.Array) -> Iterator[bytes]:
    """Yield a column's type and values; for lists their lengths, then their values."""
    import pyarrow as pa

    kind = column.type
    if pa.types.is_list(kind) and not pa.types.is_string(kind.value_type):
        yield b"list"
        yield np.diff(numbers(column.offsets)).astype("<i8").tobytes()
        yield from _values(column.flatten())
    elif pa.types.is_string(kind) or pa.types.is_list(kind):
        yield b"text"
        yield _as_json(column.to_pylist())
    elif pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        yield b"integers"
        yield numbers(column).astype("<i8").tobytes()
    elif pa.types.is_floating(kind):
        yield f"floats of {kind.bit_width} bits".encode()
        yield numbers(column).astype(f"<f{kind.bit_width // 8}").tobytes()
    else:
        raise ValueError(f"a column of {kind}")


def numbers(column: pa.Array) -> npt.NDArray[Any]:
    """Return a column of numbers or flags without nulls as an array.

    By DLPack: ``to_numpy`` imports pandas, which takes half a second.
    """
    import pyarrow as pa

    if pa.types.is_boolean(column.type):
        return np.from_dlpack(column.cast(pa.int8())).astype(bool)
    return np.from_dlpack(column)


def _as_json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
