"""Files that are made of a data set's own, on this machine: nothing is downloaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchbench.datasets.content import digest_of
from benchbench.datasets.names import home
from benchbench.errors import MalformedData
from benchbench.files import exists

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from benchbench.datasets.manifest import Dataset, Made


def make(datasets: Sequence[Dataset], root: Path) -> Iterator[tuple[Dataset, Made]]:
    """Make the files of data sets that are not there and whose sources are; yield each.

    Raises:
        MalformedData: a source is not the published file, or what was made of it is not.
        UsageError: a file cannot be written.
    """
    for dataset in datasets:
        folder = home(dataset, root)
        for made in dataset.made:
            place = folder / made.path
            if exists(place) or not exists(folder / made.of):
                continue
            made.make(folder / made.of, place)
            kind, _, digest = made.digest.partition(":")
            if (found := digest_of(place, kind)) != digest:
                place.unlink()
                raise MalformedData(
                    f"{place} came out other than published ({kind} {found[:12]}…, not "
                    f"{digest[:12]}…). Please report this."
                )
            yield dataset, made
