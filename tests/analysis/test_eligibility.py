"""Each rule of a public leaderboard refuses what it is for, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from benchbench.analysis.eligibility import ineligible
from tests.analysis.example_runs import changed, made

if TYPE_CHECKING:
    from benchbench.types import Run

ENVIRONMENT = {"benchbench": "1.0", "torch": "2.5", "python": "3.11", "platform": "Linux"}


def sound(name: str = "mine", accuracy: float = 0.6, **fields: Any) -> Run:
    """A run that may join: of its own weights, recorded whole."""
    run = made(name, accuracy)
    model = replace(run.model, weights_sha256=f"{sum(map(ord, name)):064x}")
    given = {"edition": "scenes-v2", "environment": ENVIRONMENT, "model": model, **fields}
    return changed(run, **given)


def of_model(run: Run, **fields: Any) -> Run:
    return changed(run, model=replace(run.model, **fields))


def test_a_sound_run_is_eligible_beside_others() -> None:
    others = [sound("other"), changed(sound(), task="vg-attribution"), sound(edition="official")]
    assert not list(ineligible(sound(), others))
    assert not list(ineligible(sound(edition="official-2023-11-18"), []))


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (of_model(sound(), trained=False), "its weights are random"),
        (sound(edition="custom-x-00000000"), "not an official edition"),
        (sound(edition="scenes-v1"), "nor the drawn world of this version"),
        (sound(edition="official-2"), "not an official edition"),
        (sound(seal=""), "no seal"),
        (sound(settings={"imported": {"reader": "x"}}), "it was imported"),
        (of_model(sound(), activation="unknown", tokenizer=""), "activation, tokenizer"),
        (of_model(sound(), weights_sha256="0"), "does not say: weights_sha256"),
        (sound(environment={"torch": "2.5"}), "benchbench, python, platform"),
        (sound(data_sha256="x"), "no digest of its data"),
        (sound(task_version=99), "of version 99 of the task"),
        (sound(task="no-such-task"), "Unknown task"),
        (sound(counts=replace(sound().counts, items_in_edition=1000)), "has 360 of 1,000 items"),
    ],
)
def test_what_is_refused(run: Run, said: str) -> None:
    (reason,) = ineligible(run, [])
    assert said in reason


def test_imported_runs_are_accepted_where_that_is_said() -> None:
    run = of_model(sound(settings={"imported": {"reader": "x"}}), architecture="unknown")
    assert not list(ineligible(run, [], imported=True))


def test_a_model_is_there_once_under_any_name() -> None:
    run = sound()
    again = of_model(run, name="renamed")
    (reason,) = ineligible(again, [run])
    assert "this model is there as mine" in reason
    (reason,) = ineligible(run, [run])
    assert "this model is there (" in reason
    (reason,) = ineligible(of_model(run, weights_sha256="f" * 64), [run])
    assert "another model has its name" in reason


def test_outcomes_without_a_score_are_refused() -> None:
    (reason,) = ineligible(sound(outcomes=()), [])
    assert reason == "its outcomes give no score (NaN)"
