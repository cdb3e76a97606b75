"""Everything a user can put right, in one hierarchy.

::

    BenchbenchError            the command line turns any of these into a line and exit code 2
    ├── UsageError             what was typed or passed cannot be meant
    │   ├── UnknownName        no task, model, metric or tag of that name (says what is there)
    │   └── NotComparable      runs of other items, editions or conditions (exit code 3)
    ├── DataError              a data set is not what its format promises
    │   ├── MissingData        a file or folder is not there
    │   ├── MalformedData      a file is there but unreadable, truncated or of the wrong shape
    │   └── ImageError         a picture is missing, undecodable, too large, or its crop is empty
    ├── ModelError             a checkpoint cannot be loaded as asked, or broke while it ran
    │   └── WeightsUnavailable the weights are neither here nor to be fetched
    ├── Regression             a checkpoint under training fails its gate (exit code 1)
    ├── RunError               a run file cannot be written, read or used
    │   └── PartialRun         a run over part of its items was about to be published
    └── ContractError          a task or a model breaks the plugin contract (``benchbench.testing``)

A traceback that reaches a user is a bug. Messages say what is wrong, what is there, and what to
type next.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from benchbench.printable import sentence

if TYPE_CHECKING:
    from collections.abc import Iterable


class BenchbenchError(Exception):
    """Base of all errors that the user can put right; as text it is one line, fit to be printed."""

    exit_code = 2
    """What the command line leaves with."""

    def __str__(self) -> str:
        """Return the message on one line."""
        return sentence(super().__str__())


class UsageError(BenchbenchError):
    """What was typed or passed cannot be meant."""


class UnknownName(UsageError):  # noqa: N818 - reads as what is wrong
    """No such name; the message carries the nearest one and how to list them all."""

    def __init__(self, kind: str, name: str, known: Iterable[str], hint: str) -> None:
        """Say that ``name`` is no ``kind``; suggest the nearest of ``known``, then ``hint``."""
        known = sorted(known)
        message = f"Unknown {kind} '{name}'."
        lowered = {each.lower(): each for each in known}
        if near := difflib.get_close_matches(name.lower(), lowered, n=1, cutoff=0.6):
            message += f" Did you mean '{lowered[near[0]]}'?"
        super().__init__(f"{message} {hint}")


class NotComparable(UsageError):  # noqa: N818
    """Runs that do not compare; the message lists all in which they differ."""

    exit_code = 3


class DataError(BenchbenchError):
    """A data set is not what its format promises."""


class MissingData(DataError):  # noqa: N818
    """A file or folder is not there."""


class MalformedData(DataError):  # noqa: N818
    """A file is unreadable, truncated or of the wrong shape."""


class ImageError(DataError):
    """A picture is missing, undecodable or too large, or its crop is empty."""


class ModelError(BenchbenchError):
    """A checkpoint cannot be loaded as asked, or broke while it ran."""


class WeightsUnavailable(ModelError):  # noqa: N818
    """The weights are neither on this machine nor to be fetched from here."""


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
        """Say what is broken; ``details`` are listed below it."""
        super().__init__(message)
        self.details = tuple(details)

    def __str__(self) -> str:
        """Return the message on one line, and each of the details on one below it."""
        return "\n  - ".join([super().__str__(), *map(sentence, self.details)])
