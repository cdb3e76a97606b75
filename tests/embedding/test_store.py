"""The store of encodings: what is read is what was written, whatever happened in between."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchbench.cache import size_limit
from benchbench.embedding.records import HEADER
from benchbench.embedding.store import Space, Store, key_of
from benchbench.errors import UsageError
from benchbench.types.arrays import Singles

MODEL = {"name": "m", "fingerprint": "f"}


def space(folder: Path) -> Space:
    return Store(folder, 10**9).space(MODEL)


def values(n: int, width: int = 5, seed: int = 0) -> Singles:
    return np.random.default_rng(seed).normal(size=(n, width)).astype(np.float32)


def keys(n: int, start: int = 0) -> list[bytes]:
    return [key_of(str(i)) for i in range(start, start + n)]


def test_what_was_written_is_read(tmp_path: Path) -> None:
    rows = values(100)
    space(tmp_path).write(keys(100), rows)
    there, found = space(tmp_path).read([*keys(3, 200), *keys(100)])
    assert there.tolist() == [False] * 3 + [True] * 100
    assert np.array_equal(found, rows)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.integers(0, 30), max_size=12), max_size=6), st.integers(1, 4))
def test_it_agrees_with_a_dictionary(
    tmp_path_factory: pytest.TempPathFactory, writes: list[list[int]], width: int
) -> None:
    folder = tmp_path_factory.mktemp("store")
    kept: dict[int, None] = {}
    for numbers in writes:
        rows = np.array([[n] * width for n in numbers], np.float32).reshape(-1, width)
        writer = space(folder)
        writer.write([key_of(str(n)) for n in numbers], rows)
        writer.close()
        kept |= dict.fromkeys(numbers)
    wanted = list(range(31))
    there, found = space(folder).read([key_of(str(n)) for n in wanted])
    assert [n for n, yes in zip(wanted, there, strict=True) if yes] == sorted(kept)
    assert found[:, 0].tolist() == sorted(kept) if kept else not len(found)


def test_this_process_finds_what_it_wrote_after_a_refresh(tmp_path: Path) -> None:
    one = space(tmp_path)
    assert not one.read(keys(2))[0].any()
    one.write(keys(2), values(2))
    one.refresh()
    assert one.read(keys(2))[0].all()


@pytest.mark.parametrize("cut", [1, 7, 30, HEADER + 5])
def test_a_record_that_was_cut_off_is_left_out(tmp_path: Path, cut: int) -> None:
    space(tmp_path).write(keys(10), values(10))
    (path,) = tmp_path.glob("*/*.records")
    path.write_bytes(path.read_bytes()[:-cut])
    there, found = space(tmp_path).read(keys(10))
    lost = 1 if cut < 56 else 2
    assert there.tolist() == [True] * (10 - lost) + [False] * lost
    assert np.array_equal(found, values(10)[: 10 - lost])


def test_a_damaged_record_is_never_served_and_its_copy_is(tmp_path: Path) -> None:
    one, rows = space(tmp_path), values(10)
    one.write(keys(10), rows)
    one.close()
    (path,) = tmp_path.glob("*/*.records")
    content = bytearray(path.read_bytes())
    content[HEADER + 3 * 56 + 40] ^= 1
    path.write_bytes(content)
    two = space(tmp_path)
    assert two.read(keys(10))[0].tolist() == [i != 3 for i in range(10)]
    assert not two.read(keys(1, 3))[0].any()
    assert two.damaged == 1  # however often it is read
    two.write(keys(1, 3), rows[3:4])
    two.close()
    three = space(tmp_path)
    there, found = three.read(keys(10))
    assert there.all()
    assert np.array_equal(found, rows)
    assert three.verify() == 1
    assert three.verify() == 0
    assert three.records == 10


def test_every_flipped_byte_is_noticed(tmp_path: Path) -> None:
    space(tmp_path).write(keys(1), values(1))
    (path,) = tmp_path.glob("*/*.records")
    content = path.read_bytes()
    for i in range(HEADER, len(content)):
        path.write_bytes(content[:i] + bytes([content[i] ^ 0x10]) + content[i + 1 :])
        assert not space(tmp_path).read(keys(1))[0].any(), i


def test_other_descriptions_have_other_spaces(tmp_path: Path) -> None:
    store = Store(tmp_path, 10**9)
    store.space(MODEL).write(keys(1), values(1))
    assert not store.space({**MODEL, "role": "object"}).read(keys(1))[0].any()


def _write_many(folder: Path, start: int) -> None:
    one = space(folder)
    for i in range(50):
        one.write(keys(4, start + 4 * i), values(4, seed=start + i))


@pytest.mark.parametrize("processes", [2, 4])
def test_several_processes_write_at_once(tmp_path: Path, processes: int) -> None:
    context = multiprocessing.get_context("fork")
    starts = [200 * i for i in range(processes)]
    running = [context.Process(target=_write_many, args=(tmp_path, start)) for start in starts]
    for process in running:
        process.start()
    for process in running:
        process.join()
        assert process.exitcode == 0
    there, found = space(tmp_path).read(keys(200 * processes))
    assert there.all()
    expected = [values(4, seed=start + i) for start in starts for i in range(50)]
    assert np.array_equal(found, np.concatenate(expected))


KILLED = """
import os, sys
from tests.embedding.test_store import keys, space, values
from pathlib import Path
one = space(Path(sys.argv[1]))
for i in range(100000):
    one.write(keys(4, 4 * i), values(4, seed=i))
    print(i, flush=True)
"""


def test_a_killed_process_loses_nothing_that_it_wrote(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)],
        stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert process.stdout is not None
    last = max(int(process.stdout.readline()) for _ in range(20))
    process.kill()
    process.wait()
    process.stdout.close()
    there, found = space(tmp_path).read(keys(4 * (last + 1)))
    assert there.all()
    assert np.array_equal(found, np.concatenate([values(4, seed=i) for i in range(last + 1)]))


def test_a_full_disk_costs_one_warning_and_values_stay_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path, 10**9)
    one, other = store.space(MODEL), store.space({**MODEL, "role": "object"})
    one.write(keys(3), values(3))
    real = os.write
    monkeypatch.setattr("os.write", lambda handle, content: real(handle, content[:50]))
    with pytest.warns(UserWarning, match="the disk is full") as caught:
        one.write(keys(3, 3), values(3, seed=1))
        other.write(keys(3), values(3))
    assert len(caught) == 1
    monkeypatch.undo()
    one.refresh()
    there, found = one.read(keys(6))
    assert there.all()
    assert np.array_equal(found, np.concatenate([values(3), values(3, seed=1)]))
    assert other.read(keys(3))[0].all()
    assert space(tmp_path).read(keys(6))[0].tolist() == [True] * 3 + [False] * 3


def test_a_folder_that_cannot_be_made_costs_a_warning(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    one = space(tmp_path / "file")
    with pytest.warns(UserWarning, match="cannot be stored"):
        one.write(keys(1), values(1))
    assert one.read(keys(1))[0].all()


def test_old_spaces_make_room_and_used_ones_stay(tmp_path: Path) -> None:
    for i in range(4):
        one = Store(tmp_path, 0).space({"name": str(i)})
        one.write(keys(10), values(10))
        one.close()
        os.utime(one.folder / "space.json", (1000.0 * i, 1000.0 * i))
    size = one.size
    used = Store(tmp_path, 0).space({"name": "0"})
    used.read(keys(1))
    removed = Store(tmp_path, 2 * size).make_room()
    assert [each.described["name"] for each in removed] == ["1", "2"]
    assert {each.described["name"] for each in Store(tmp_path, 0).spaces()} == {"0", "3"}


def test_keys_depend_on_every_part() -> None:
    assert len({key_of("ab"), key_of("a", "b"), key_of("", "ab"), key_of(b"ab", ""), key_of()}) == 5
    assert key_of("\ud800") != key_of("?")


@pytest.mark.parametrize(("typed", "size"), [("500MB", 5 * 10**8), ("2 g", 2 * 10**9), ("7", 7)])
def test_a_limit_is_a_size(typed: str, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCHBENCH_CACHE_LIMIT", typed)
    assert size_limit() == size


def test_a_limit_that_is_not_a_size_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCHBENCH_CACHE_LIMIT", "much")
    with pytest.raises(UsageError, match="'much', which is not a size"):
        size_limit()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 40)), max_size=25))
def test_an_open_space_finds_what_is_added(
    tmp_path_factory: pytest.TempPathFactory, writes: list[tuple[int, int]]
) -> None:
    """By itself and by others: it reads only what is new, however often it looks."""
    folder = tmp_path_factory.mktemp("store")
    reader, writers = space(folder), [space(folder) for _ in range(3)]
    written = 0
    for writer, n in writes:
        writers[writer].write(keys(n, written), values(n, seed=written))
        written += n
        reader.refresh()
        there, found = reader.read(keys(n + 1, written - n))
        assert there.tolist() == [True] * n + [False]
        assert np.array_equal(found, values(n, seed=written - n))
    assert reader.read(keys(written))[0].all()
    lengths = [len(segment.first) for segment in reader._keys.segments]
    assert sum(lengths) == written
    assert all(a > 2 * b for a, b in pairwise(lengths))


def test_an_open_space_survives_that_damaged_records_are_removed(tmp_path: Path) -> None:
    reader, other = space(tmp_path), space(tmp_path)
    other.write(keys(20), values(20))
    assert reader.read(keys(20))[0].all()
    (path,) = tmp_path.glob("*/*.records")
    content = bytearray(path.read_bytes())
    content[HEADER + 40] ^= 1
    path.write_bytes(content)
    assert space(tmp_path).verify() == 1
    there, found = reader.read(keys(20))
    reader.refresh()
    there, found = reader.read(keys(20))
    assert there.tolist() == [False] + [True] * 19
    assert np.array_equal(found, values(20)[1:])


def test_inputs_are_found_in_every_file_at_once_and_one_by_one(tmp_path: Path) -> None:
    for start in (0, 10, 20):
        writer = space(tmp_path)
        writer.write(keys(12, start), values(12, seed=start))  # two of them twice
        writer.close()
    reader, wanted = space(tmp_path), keys(40)
    there, found = reader.read(wanted)
    assert there.tolist() == [True] * 32 + [False] * 8
    singly = [reader.read([key])[1] for key in wanted[:32]]
    assert np.array_equal(found, np.concatenate(singly))
    assert reader.read([])[1].shape == (0, found.shape[1])


def test_keys_that_begin_alike_are_told_apart(tmp_path: Path) -> None:
    alike = [bytes(8) + bytes([i]) * 24 for i in range(5)]
    writer = space(tmp_path)
    writer.write(alike[:4], values(4))
    writer.close()
    there, found = space(tmp_path).read(alike)
    assert there.tolist() == [True] * 4 + [False]
    assert np.array_equal(found, values(4))
