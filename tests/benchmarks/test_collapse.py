"""The bundled MSG-CLIP is on the way to a one-bit code by its printed loss; NegCLIP is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from click.testing import CliRunner

from benchmarks import collapse

if TYPE_CHECKING:
    from pathlib import Path


def test_the_printed_loss_collapses_and_its_baseline_does_not(tmp_path: Path) -> None:
    figure = tmp_path / "figure.svg"
    done = CliRunner().invoke(
        collapse.main, ["negclip", "msgclip", "--scenes", "24", "--svg", str(figure)]
    )
    assert done.exit_code == 0, done.output
    rows = {line.split()[0]: line.split()[1:] for line in done.output.splitlines()[2:]}
    assert float(rows["msgclip"][1]) > 0.7 > 0.3 > float(rows["negclip"][1])
    assert figure.read_text("utf-8").count(">negclip<") == 1


def test_other_models_are_one_error() -> None:
    for name in ("nosuch", "blind:chance"):
        done = CliRunner().invoke(collapse.main, [name])
        assert (done.exit_code, done.output.count("\n")) == (2, 1)


def test_a_row_of_the_figure_has_the_shares_of_its_bins() -> None:
    cosines = np.array([-1.0] * 3 + [0.01] * 6)
    found = collapse.draw_figure([collapse.Cosines("m", cosines, 0.5)])
    heights = [float(each.split('"')[0]) for each in found.split(' height="')[1:]]
    assert sorted(heights)[-2:] == [(collapse.PANEL - 20) / 2, collapse.PANEL - 20]
