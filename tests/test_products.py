"""Tests for products whose bits depend on nothing but their factors."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from benchbench import products

TRIAL = "from benchbench.products import *; print(products_are_invariant())"
BUILD = torch.__config__.show()
strict = pytest.mark.skipif(
    os.environ.get(products.VARIABLE) != products.STRICT or "BLAS_INFO=mkl" not in BUILD,
    reason="the strict mode is MKL's, for Intel's processors",
)


@strict
@pytest.mark.parametrize(
    ("mode", "threads", "found"), [("", "1", "True"), ("", "3", "True"), ("OFF", "2", "False")]
)
def test_plain_products_are_found_out(mode: str, threads: str, found: str) -> None:
    told = {**os.environ, "OMP_NUM_THREADS": threads, products.VARIABLE: mode}
    if not mode:
        del told[products.VARIABLE]
    done = subprocess.run(
        [sys.executable, "-c", TRIAL], env=told, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{found}\n"


@pytest.mark.parametrize(
    ("maker", "there", "after"),
    [
        ("vendor_id\t: GenuineIntel", None, "AUTO,STRICT"),
        ("vendor_id\t: AuthenticAMD", None, None),
        ("vendor_id\t: GenuineIntel", "COMPATIBLE", "COMPATIBLE"),
    ],
)
def test_the_mode_is_set_on_intel_alone_and_never_over_the_users(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, maker: str, there: str | None, after: str
) -> None:
    cpu = tmp_path / "cpuinfo"
    cpu.write_text(f"processor\t: 0\n{maker}\n")
    monkeypatch.setattr(products, "CPU", cpu)
    monkeypatch.setenv(products.VARIABLE, there or "")
    if there is None:
        monkeypatch.delenv(products.VARIABLE)
    products.request_strict_products()
    assert os.environ.get(products.VARIABLE) == after


def test_a_system_that_tells_no_processor_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(products, "CPU", tmp_path / "none")
    monkeypatch.setattr("platform.processor", lambda: "arm")
    monkeypatch.delenv(products.VARIABLE, raising=False)
    products.request_strict_products()
    assert products.VARIABLE not in os.environ
