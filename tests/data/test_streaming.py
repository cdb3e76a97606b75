"""Values that are read one by one are those of json.loads, and faults are named."""

from __future__ import annotations

import json
import math
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchbench.data import streaming
from benchbench.data.streaming import is_list, read_without, stream_field, stream_values
from benchbench.errors import MalformedData, MissingData

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12
)
FORMS: list[dict[str, Any]] = [{}, {"indent": 1}, {"ensure_ascii": False}, {"indent": "\t\r"}]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("json") / "values.json"


@pytest.fixture(autouse=True, scope="module")
def narrow() -> Iterator[None]:
    """A window of five characters, so that every kind of value is cut somewhere."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(streaming, "WINDOW", 5)
        yield


@given(values=st.lists(VALUES, max_size=6), form=st.sampled_from(FORMS))
def test_values_are_those_of_json_loads(path: Path, values: list[Any], form: Any) -> None:
    text = json.dumps(values, **form)
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    assert list(stream_values(path)) == json.loads(text)


@given(before=VALUES, values=st.lists(VALUES, max_size=4), after=VALUES)
def test_a_field_is_streamed_and_the_rest_is_read_without_it(
    path: Path, before: Any, values: list[Any], after: Any
) -> None:
    path.write_text(json.dumps({"a": before, "items": values, "z": after}))
    assert list(stream_field(path, "items")) == values
    assert read_without(path, "items") == {"a": before, "items": [], "z": after}


@pytest.mark.parametrize("again", ["[3]", "null", '"x"'])
def test_a_streamed_field_must_not_repeat(path: Path, again: str) -> None:
    path.write_text(f'{{"a": 0, "items": [1, 2], "a": 1, "items": {again}}}')
    streamed = stream_field(path, "items")
    assert [next(streamed), next(streamed)] == [1, 2]
    with pytest.raises(MalformedData, match=r"values\.json has the field 'items' twice"):
        next(streamed)
    with pytest.raises(MalformedData, match="'items' twice"):
        read_without(path, "items")
    path.write_text('{"items": [{"b": 1, "b": 2}], "a": 0, "a": 1}')
    assert read_without(path, "items") == {"items": [], "a": 1}
    assert list(stream_field(path, "items")) == [{"b": 2}]


def test_odd_but_accepted_forms_are_as_in_json_loads(path: Path) -> None:
    text = '\ufeff [{"a": 1, "a": 2}, NaN, -Infinity, 12345678901234567890123, 1e400, "\\ud83d"] \n'
    path.write_text(text, "utf-8")
    first, nan, *rest = stream_values(path)
    assert first == {"a": 2}
    assert math.isnan(nan)
    assert rest == [-math.inf, 12345678901234567890123, math.inf, "\ud83d"]


FAULTS = [
    "", "[", "[1", "[1,", "[1,]", "[1 2]", "[1]]", "[1] x", '["a', '["\\u12', "[tru", "[-", "[01]",
    '[{"a" 1}]', "[{1: 2}]", '["\t"]', "[" * 100_000, "[" + "9" * 5_000 + "]", "[1e]",
]  # fmt: skip


@pytest.mark.parametrize("text", FAULTS, ids=lambda text: text[:8])
def test_what_json_loads_refuses_is_refused(path: Path, text: str) -> None:
    with pytest.raises((ValueError, RecursionError)):
        json.loads(text)
    path.write_text(text)
    with pytest.raises(MalformedData, match=r"values\.json is not valid JSON \(.*Is it whole\?"):
        list(stream_values(path))


@pytest.mark.parametrize(
    ("text", "place"),
    [("[1, 2, }", 7), ("[" + '"a", ' * 40 + "?]", 201), ("[1] x", 4), ('[{"a": 1}, {"b"; 2}]', 15)],
)
def test_a_fault_is_named_by_its_place(path: Path, text: str, place: int) -> None:
    path.write_text(text)
    with pytest.raises(MalformedData, match=rf"at character {place}\)"):
        list(stream_values(path))


def test_values_before_a_fault_are_yielded(path: Path) -> None:
    path.write_text('[1, "two", ?')
    values = stream_values(path)
    assert [next(values), next(values)] == [1, "two"]
    with pytest.raises(MalformedData):
        next(values)


@pytest.mark.parametrize(
    ("content", "kind"), [({"a": []}, "an object"), ("a", "a string"), (3.5, "3.5"), (None, "null")]
)
def test_something_else_than_a_list_is_named(path: Path, content: Any, kind: str) -> None:
    path.write_text(json.dumps(content))
    assert not is_list(path)
    with pytest.raises(MalformedData, match=f"should hold a list of records, not {kind}"):
        list(stream_values(path))


def test_lines_are_values_and_end_at_line_feeds_alone(tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    path.write_bytes('{"a": "one\u2028two\x85"}\r\n\n [2]'.encode())
    assert list(stream_values(path)) == [{"a": "one\u2028two\x85"}, [2]]
    path.write_text('{"a": 1}\n{"a": ')
    with pytest.raises(MalformedData, match="not valid JSON"):
        list(stream_values(path))


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    with pytest.raises(MissingData, match=r"a\.json"):
        list(stream_values(path))
    path.write_bytes(b'["a", "\xff"]')
    with pytest.raises(MalformedData, match=r"is not valid JSON .*Is it UTF-8"):
        list(stream_values(path))


def test_memory_does_not_grow_with_the_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "WINDOW", 1 << 12)
    path.write_text(json.dumps([{"caption": f"a thing {i}"} for i in range(20_000)]))
    tracemalloc.start()
    n = sum(1 for _ in stream_values(path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert n == 20_000
    assert peak < 200_000 < path.stat().st_size
