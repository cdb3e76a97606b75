"""The stored encodings of one model in one evaluation, and whether they can be trusted."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from benchbench.adapters.computation import own_code
from benchbench.devices import cpu_instructions
from benchbench.embedding.filling import batch_rows
from benchbench.embedding.store import Store
from benchbench.errors import ModelError, UsageError
from benchbench.types import StoreProgress

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchbench.adapters.computation import Computation
    from benchbench.data.image_facts import ImageFacts
    from benchbench.embedding.store import Space
    from benchbench.types import Progress

NO_DETERMINANTS = ("platform", "threads", "python")
"""Parts of the environment on which an encoding's bits do not depend."""


def arithmetic(
    environment: Mapping[str, str | int], settings: Mapping[str, Any], dtype: str
) -> dict[str, str | int]:
    """Return what determines the bits of an encoding besides the model and its input.

    Args:
        environment: the record of ``describe_environment``.
        settings: an evaluation's settings, with ``device`` and ``batch_size``.
        dtype: the arithmetic of the model: ``fp32``.
    """
    kept = {name: value for name, value in environment.items() if name not in NO_DETERMINANTS}
    return {
        **kept,
        "instructions": cpu_instructions(),
        "device": settings["device"].partition(":")[0],
        "rows": str(batch_rows(settings["device"], settings["batch_size"], dtype)),
    }


def tell_stored(progress: Progress | None, what: str, n: int) -> None:
    """Tell a progress that distinguishes them that n inputs of a stage are stored."""
    if n and isinstance(progress, StoreProgress):
        progress.from_store(what, n)


@dataclass(frozen=True, slots=True)
class Origin:
    """The machine whose stored encodings another one reads."""

    described: Mapping[str, Any]
    """As in ``Stored``, there."""
    environment: Mapping[str, str | int]
    """The versions of everything that computed the encodings."""
    device: str
    batch_size: int


@dataclass(slots=True)
class Stored:
    """The spaces of one model's encodings, one for each kind and role."""

    store: Store | None
    """None where nothing is stored: everything is encoded."""
    described: Mapping[str, Any]
    """Everything about the model and the machine that determines the encodings' bits."""
    found: int = 0
    """The number of inputs whose encodings were taken from the store."""
    is_complete: bool = False
    """Whether an input that is not stored is an error."""
    facts: ImageFacts | None = None
    """What is known of image files, so that those need not be read whose encodings are stored."""
    _spaces: dict[tuple[str, str], Space] = field(default_factory=dict)

    def space(self, kind: str, role: str) -> Space | None:
        """Return the space of a kind and a role, with all that was written so far.

        Args:
            kind: ``images``, ``captions`` or ``pairs``.
            role: what the inputs represent.
        """
        if self.store is None:
            return None
        if (kind, role) not in self._spaces:
            described = {**self.described, "kind": kind, "role": role}
            if kind == "pairs":  # whose batches are not filled up: no rows, and none to depend on
                described.pop("rows", None)
            self._spaces[kind, role] = self.store.space(described)
        space = self._spaces[kind, role]
        space.is_complete = self.is_complete
        space.refresh()
        return space

    def distrust(self, space: Space) -> None:
        """Discard a space whose values are not what the model computes now, with a warning.

        Raises:
            ModelError: nothing is to be computed here.
        """
        if self.is_complete:
            raise ModelError(
                f"Stored encodings of {self.described.get('name', 'this model')} differ from what "
                f"it computes here ({space.folder}). Merge on a machine like the workers'."
            )
        space.remove()
        warnings.warn(
            f"Stored encodings of {self.described.get('name', 'this model')} differ from what it "
            f"computes now: they are removed and computed again ({space.folder}).",
            stacklevel=2,
        )

    def close(self) -> None:
        """Close the files, warn of damaged records, and remove old spaces above the size limit."""
        if self.facts is not None:
            self.facts.save()
        damaged = 0
        for space in self._spaces.values():
            space.close()
            damaged += space.damaged
        if damaged:
            warnings.warn(
                f"{damaged:,} stored encodings are damaged; they were computed again. Remove them: "
                "benchbench cache verify",
                stacklevel=2,
            )
        if self.store is not None:
            self.store.make_room()


def open_store(
    resume: bool,
    computation: Computation,
    environment: Mapping[str, str | int],
    settings: Mapping[str, Any],
    origin: Origin | None = None,
    facts: ImageFacts | None = None,
) -> Stored:
    """Return the stored encodings of this model by this code on this kind of machine.

    There are none where ``resume`` is off, or the model's code could not be identified. ``facts``
    is what is known of image files.

    Raises:
        UsageError: the encodings of ``origin`` are another model's, or by other code.
    """
    fingerprint, parameters = computation.identity
    described = {
        "name": computation.manifest.name,
        "fingerprint": fingerprint,
        "parameters": parameters,
        "code": own_code(),
        **arithmetic(environment, settings, computation.manifest.dtype),
    }
    if origin is not None:
        for what in ("fingerprint", "parameters", "code"):
            if origin.described.get(what) != described[what]:
                other = "version of benchbench" if what == "code" else "checkpoint"
                raise UsageError(
                    f"The stored encodings of {described['name']} were computed by another "
                    f"{other}. Run the workers again: benchbench work"
                )
        return Stored(Store.default(), origin.described, is_complete=True, facts=facts)
    known = resume and computation.is_known
    return Stored(Store.default() if known else None, described, facts=facts)
