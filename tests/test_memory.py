"""Tests for memory that is freed and taken again."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from benchbench import memory

BLOCK = 40 * 2**20
"""Bytes: above the 32 MB from which glibc gives a block back to the system by default."""
TRIAL = """
import resource
from benchbench.memory import reuse_memory

def take():
    size = {size}
    assert len(b"x" * size) == size

def new_pages():
    take()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(4):
        take()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()

with reuse_memory():
    inside, kept = new_pages(), resident()
left = resident()
print(inside, new_pages(), kept, left)
"""
glibc = pytest.mark.skipif(memory._library() is None, reason="the C library is not glibc")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """Put a list of calls in the place of the C library."""
    calls: list[tuple[int, ...]] = []
    library = SimpleNamespace(
        mallopt=lambda *each: calls.append(each), malloc_trim=lambda kept: calls.append((kept,))
    )
    monkeypatch.setattr(memory, "_library", lambda: library)
    for name in (*memory.VARIABLES, "GLIBC_TUNABLES"):
        monkeypatch.delenv(name, raising=False)
    return calls


@glibc
def test_a_large_block_is_taken_again_inside_alone_and_given_back_at_the_end() -> None:
    done = subprocess.run(  # this process's heap has been used
        [sys.executable, "-c", TRIAL.format(size=BLOCK)], capture_output=True, text=True, check=True
    )
    inside, outside, kept, left = map(int, done.stdout.split())
    assert inside * 10 < outside
    assert kept - left > 0.9 * BLOCK


def test_the_first_sets_and_the_last_resets(asked: list[tuple[int, ...]]) -> None:
    with memory.reuse_memory():
        there = asked.copy()
        with pytest.raises(ValueError, match="inner"), memory.reuse_memory():
            raise ValueError("inner")
        assert asked == there == list(memory.REUSED.items())
    assert asked[len(there) :] == [*memory.USUAL.items(), (0,)]


@pytest.mark.parametrize(
    ("name", "value", "left_alone"),
    [
        ("MALLOC_TRIM_THRESHOLD_", "1", True),
        ("GLIBC_TUNABLES", "glibc.rtld.nns=2:glibc.malloc.mmap_max=1", True),
        ("GLIBC_TUNABLES", "glibc.rtld.nns=2", False),
    ],
)
def test_the_users_own_settings_stay(
    asked: list[tuple[int, ...]],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    value: str,
    left_alone: bool,
) -> None:
    monkeypatch.setenv(name, value)
    with memory.reuse_memory():
        assert bool(asked) is not left_alone
    assert bool(asked) is not left_alone


@pytest.mark.parametrize(("system", "functions"), [("darwin", "all"), ("linux", "none")])
def test_other_c_libraries_are_left_alone(
    monkeypatch: pytest.MonkeyPatch, system: str, functions: str
) -> None:
    library: Any = SimpleNamespace(**dict.fromkeys(["mallopt", "malloc_trim"]))
    if functions == "all":
        library.gnu_get_libc_version = None
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr("ctypes.CDLL", lambda _: library)
    memory._library.cache_clear()
    try:
        with memory.reuse_memory():
            pass
    finally:
        memory._library.cache_clear()
