"""A published figure, and the reader of files of them."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from benchbench.data.records import TOP, Record, read_utf8
from benchbench.errors import MalformedData
from benchbench.types import ACTIVATIONS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SUFFIX = ".toml"
MODELS = "models"
"""The stem of the file of models; its sections are a file's ``models`` in a user's own file."""
PRINTED = re.compile(r"(?:100(?:\.0+)?|\d{1,2}(?:\.\d+)?)")
"""A share in percent, as printed."""
NEGLIGIBLE = 1e-9
Shown = Literal["", "crops", "whole images"]
_SOURCE = ("title", "short", "address", "seen", MODELS, "table")
_TABLE = ("task", "where", "metric", "by", "columns", "editions", "differs", "harness",
          "activation", "images", "rows")  # fmt: skip
_MODEL = ("title", "names", "activation")


@dataclass(frozen=True, slots=True)
class PublishedModel:
    """A model that figures are printed of."""

    key: str
    title: str
    names: frozenset[str] = frozenset()
    """The names that runs of the same weights have; empty where none is known."""
    activation: str = ""
    """The activation that its weights were trained with; empty where it is unknown."""


@dataclass(frozen=True, slots=True)
class Publication:
    """The paper, thread or repository that prints figures."""

    title: str
    short: str
    """For tables."""
    address: str
    seen: str = ""
    """Where the figures were read, where that is not the publication itself."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A number as it stands in print."""

    task: str
    metric: str
    """The task's metric of the same definition, or, with ``differs``, the nearest one."""
    model: PublishedModel
    printed: str
    """In percent, with the digits of the source."""
    source: Publication
    where: str
    """The table, section or file in the source."""
    by: str = ""
    """The tag that ``group`` is a value of; empty where the figure is of all items."""
    group: str = ""
    editions: tuple[str, ...] = ()
    """The editions that it is of; empty where the source does not say."""
    differs: str = ""
    """How its definition or inputs differ from the task's and the metric's, where they do."""
    harness: str = ""
    """The harness that printed it, where the task knows it (``TaskInfo.harnesses``)."""
    activation: str = ""
    """The activation that it was measured with, where that is known."""
    images: Shown = ""
    """Whether the model was shown crops or whole images, where the source says so."""

    @property
    def share(self) -> float:
        """Return the figure as a share in [0, 1]."""
        return float(self.printed) / 100

    @property
    def digits(self) -> int:
        """Return the number of printed decimals of the percentage."""
        return len(self.printed.partition(".")[2])

    @property
    def bounds(self) -> tuple[float, float]:
        """Return the shares that are printed like this: rounded, or cut after the last digit.

        >>> source, model = Publication("", "", ""), PublishedModel("", "")
        >>> figure = Figure("sugarcrepe", "macro", model, "77.20", source, "Table 1")
        >>> tuple(round(share, 6) for share in figure.bounds)
        (0.77195, 0.7721)
        """
        unit = 10.0 ** -(self.digits + 2)
        return self.share - unit / 2 - NEGLIGIBLE, self.share + unit + NEGLIGIBLE


@lru_cache(maxsize=1)
def published_models() -> Mapping[str, PublishedModel]:
    """Return key → model of the package's own file."""
    path = _folder() / f"{MODELS}{SUFFIX}"
    return _models(Record(path, TOP, _content(path)))


@lru_cache(maxsize=1)
def published_figures() -> tuple[Figure, ...]:
    """Return all figures that ship with the package."""
    paths = sorted(path for path in _folder().glob(f"*{SUFFIX}") if path.stem != MODELS)
    return tuple(figure for path in paths for figure in read_figures(path))


def read_figures(path: Path) -> tuple[Figure, ...]:
    """Read the figures of one source.

    Args:
        path: a TOML file in the format of docs/published.md.

    Raises:
        MissingData: the file does not exist.
        MalformedData: it is not TOML, or a field is missing, unknown or not valid.
    """
    record = Record(path, TOP, _content(path))
    _allow(record, _SOURCE)
    source = Publication(
        record.text("title"), record.text("short"), record.text("address"),
        record.text_if_any("seen") or "",
    )  # fmt: skip
    own = _models(record.record(MODELS)) if record.has(MODELS) else {}
    known = {**published_models(), **own}
    tables = record.records("table")
    return tuple(figure for table in tables for figure in _figures(table, source, known))


def _figures(
    table: Record, source: Publication, models: Mapping[str, PublishedModel]
) -> Iterator[Figure]:
    """Yield the figures of a table, row by row."""
    _allow(table, _TABLE)
    columns = table.texts("columns")
    by = table.text_if_any("by") or ""
    if bool(by) is not table.has("metric"):
        raise table.wrong(
            "metric", "and 'by' belong together: columns are metrics, or groups of by"
        )
    common = _common(table, source)
    rows = table.record("rows")
    for key in rows.names():
        if key not in models:
            raise rows.wrong(key, "is not a published model: add it under [models]")
        printed = rows.values(key)
        if len(printed) != len(columns):
            raise rows.wrong(key, f"should have {len(columns)} figures, not {len(printed)}")
        for column, value in zip(columns, printed, strict=True):
            if value == "":
                continue  # not printed
            figure = replace(common, model=models[key], printed=_printed(rows, key, value))
            yield replace(figure, group=column) if by else replace(figure, metric=column)


def _common(table: Record, source: Publication) -> Figure:
    """Return what all figures of a table have in common; model and number are filled in later."""
    activation = table.text_if_any("activation") or ""
    if activation and activation not in ACTIVATIONS:
        raise table.wrong("activation", f"should be {' or '.join(ACTIVATIONS)}")
    images = table.text_if_any("images") or ""
    if images not in ("", "crops", "whole images"):
        raise table.wrong("images", "should be crops or whole images")
    return Figure(
        task=table.text("task"),
        metric=table.text_if_any("metric") or "",
        model=PublishedModel("", ""),
        printed="",
        source=source,
        where=table.text("where"),
        by=table.text_if_any("by") or "",
        editions=tuple(table.texts("editions")) if table.has("editions") else (),
        differs=table.text_if_any("differs") or "",
        harness=table.text_if_any("harness") or "",
        activation=activation,
        images=cast("Shown", images),
    )


def _printed(rows: Record, key: str, value: Any) -> str:
    """Return a figure as printed, which must be a percentage in quotes."""
    text = rows.checked_text(key, value)
    if not PRINTED.fullmatch(text):
        raise rows.wrong(key, f"should hold percentages from 0 to 100, in quotes, not '{text}'")
    return text


def _models(record: Record) -> dict[str, PublishedModel]:
    """Return the models of a file's sections."""
    found = {}
    for key in record.names():
        model = record.record(key)
        _allow(model, _MODEL)
        activation = model.text_if_any("activation") or ""
        if activation and activation not in ACTIVATIONS:
            raise model.wrong("activation", f"should be {' or '.join(ACTIVATIONS)}")
        names = frozenset(model.texts("names")) if model.has("names") else frozenset()
        found[key] = PublishedModel(key, model.text("title"), names, activation)
    return found


def _allow(record: Record, fields: tuple[str, ...]) -> None:
    """Raise an error for a field that the format does not have."""
    for name in record.names():
        if name not in fields:
            raise record.wrong(name, f"is unknown. Fields: {', '.join(fields)}")


def _content(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(read_utf8(path, "valid TOML"))
    except tomllib.TOMLDecodeError as error:
        raise MalformedData(f"{path} is not valid TOML ({error}). Is it whole?") from error
    except RecursionError as error:
        raise MalformedData(f"{path} is not valid TOML (nested too deeply).") from error


def _folder() -> Path:
    return Path(str(files("benchbench.data.published")))
