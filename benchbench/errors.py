"""The hierarchy of all errors that the user can fix.

::

    BenchbenchError            the command line turns any of these into a line and exit code 2
    ├── UsageError             an argument or option is not valid
    │   ├── Unsuited           a model that a task is not for: one that answers no questions
    │   ├── UnknownName        no task, model, metric or tag of that name (names the nearest)
    │   └── NotComparable      runs of other items, editions or conditions (exit code 3)
    ├── DataError              a data set does not have its format
    │   ├── MissingData        a file or folder does not exist
    │   │   └── DataUnavailable    it can neither be downloaded nor found where it should be
    │   ├── MalformedData      a file exists but is unreadable, truncated or of the wrong shape
    │   └── ImageError         an image is missing, undecodable, too large, or its crop is empty
    ├── ModelError             a checkpoint cannot be loaded as requested, or failed while it ran
    │   ├── NotStored          an encoding that a worker should have stored is not in the store
    │   ├── OutOfMemory        the device's or the machine's memory ran out: try a smaller batch
    │   └── WeightsUnavailable the weights are neither here nor can they be downloaded
    ├── Regression             a checkpoint under training fails its gate (exit code 1)
    ├── RunError               a run file cannot be written, read or used
    │   └── PartialRun         a run over part of its items was about to be published
    └── ContractError          a task or a model breaks the plugin contract (``benchbench.testing``)

A traceback that reaches a user is a bug. Messages have three parts: the problem, what was found,
and what to type next.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from benchbench.printable import sentence

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class BenchbenchError(Exception):
    """Base class of all errors that the user can fix; its text is one printable line."""

    exit_code = 2
    """The exit code of the command line."""

    def __str__(self) -> str:
        """Return the message on one line."""
        return sentence(super().__str__())


class UsageError(BenchbenchError):
    """An argument or option is not valid."""


class Unsuited(UsageError):  # noqa: N818 - the name states the problem
    """A task is not for models of this kind; in a suite it is left out for them."""


class UnknownName(UsageError):  # noqa: N818 - the name states the problem
    """There is no such name; the message has the nearest one and how to list them all."""

    def __init__(self, kind: str, name: str, known: Iterable[str], hint: str) -> None:
        """Write the message: the unknown ``name``, the nearest of ``known``, then ``hint``."""
        known = sorted(known)
        message = f"Unknown {kind} '{name}'."
        lowered = {each.lower(): each for each in known}
        if near := difflib.get_close_matches(name.lower(), lowered, n=1, cutoff=0.6):
            message += f" Did you mean '{lowered[near[0]]}'?"
        super().__init__(f"{message} {hint}")


class NotComparable(UsageError):  # noqa: N818
    """Runs that cannot be compared; the message lists all their differences."""

    exit_code = 3


class DataError(BenchbenchError):
    """A data set does not have its format."""


class MissingData(DataError):  # noqa: N818
    """A file or folder does not exist."""


class DataUnavailable(MissingData):
    """A file can neither be downloaded nor found where it should be."""


class MalformedData(DataError):  # noqa: N818
    """A file is unreadable, truncated or of the wrong shape."""


class ImageError(DataError):
    """An image is missing, undecodable or too large, or its crop is empty."""


class ModelError(BenchbenchError):
    """A checkpoint cannot be loaded as requested, or failed while it ran."""


class WeightsUnavailable(ModelError):  # noqa: N818
    """The weights are neither on this machine nor can they be downloaded from here."""


class NotStored(ModelError):  # noqa: N818
    """An encoding that a worker should have stored is not in the store."""

    def __init__(self, lacking: object, described: Mapping[str, Any]) -> None:
        """Write the message; ``lacking`` is the image's path, or the caption."""
        super().__init__(
            f"{described.get('name')}: no stored encoding of {str(lacking)!r} "
            f"({described.get('kind')})."
        )
        self.lacking = lacking


class OutOfMemory(ModelError):  # noqa: N818
    """The memory of the device or of the machine ran out."""


class Regression(BenchbenchError):  # noqa: N818
    """A checkpoint under training is worse than its baseline by more than the margin."""

    exit_code = 1


class RunError(BenchbenchError):
    """A run file cannot be written, read or used."""


class PartialRun(RunError):  # noqa: N818
    """A run over part of its items was about to be published."""


class ContractError(BenchbenchError):
    """A task or a model breaks the plugin contract."""

    def __init__(self, message: str, details: Iterable[str] = ()) -> None:
        """Write the message; ``details`` are listed below it."""
        super().__init__(message)
        self.details = tuple(details)

    def __str__(self) -> str:
        """Return the message on one line, and each detail on a line below it."""
        return "\n  - ".join([super().__str__(), *map(sentence, self.details)])
