"""The resumable state of a run: weights, the optimizer's averages and the step, in safetensors.

Nothing else is needed: batches depend on the step alone, and no layer is random. On a CPU a resumed
run equals an uninterrupted one to the bit; on other devices some of torch's gradient sums have no
fixed order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchbench.errors import ModelError, UsageError
from benchbench.variants import weights

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch.optim import Optimizer

    from benchbench.training.plan import Plan

STATE = "state.safetensors"
_MODEL, _OPTIMIZER = "model.", "optimizer."


def save(
    folder: Path,
    model: Any,
    optimizer: Optimizer,
    plan: Plan,
    origin: Mapping[str, Any],
    **numbers: Any,
) -> None:
    """Write the state, replacing the last one only when complete.

    Args:
        folder: the run's.
        model: its weights.
        optimizer: its averages.
        plan: the run's plan; it resumes only with the same one.
        origin: what else it is: the objective's settings, what it started from.
        **numbers: the step, and whatever else is to be remembered.
    """
    tensors = {_MODEL + name: tensor for name, tensor in model.state_dict().items()}
    for number, kept in optimizer.state_dict()["state"].items():
        tensors |= {f"{_OPTIMIZER}{number}.{name}": tensor for name, tensor in kept.items()}
    weights.write(
        folder / STATE, tensors, {"plan": plan.record(), "origin": dict(origin), "numbers": numbers}
    )


def restore(
    folder: Path, model: Any, optimizer: Optimizer, plan: Plan, origin: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Restore the state of a folder's run, if it has one.

    Returns:
        The numbers it was saved with; None where nothing was saved yet.

    Raises:
        UsageError: another plan's; the message says in what.
        ModelError: the file is damaged.
    """
    path = folder / STATE
    if not path.is_file():
        return None
    tensors, record = weights.read(path)
    for part in ("plan", "origin", "numbers"):
        if not isinstance(record.get(part), dict):
            raise ModelError(f"{path} is damaged, or no run's state: it has no {part}.")
    if different := plan.differences(record["plan"]):
        raise UsageError(
            f"{folder} holds a run with other settings ({'; '.join(different)}). Go on with those, "
            "or name another folder: --out."
        )
    known = record["origin"]
    if other := [n for n in {**known, **origin} if known.get(n) != origin.get(n)]:
        said = "; ".join(
            f"{name} {_brief(known.get(name))}, here {_brief(origin.get(name))}" for name in other
        )
        raise UsageError(
            f"{folder} holds a run that began otherwise ({said}): with other options, a backbone "
            "that has changed since, or another version. Name another folder: --out."
        )
    try:
        model.load_state_dict(_under(_MODEL, tensors))
        kept: dict[int, dict[str, Any]] = {}
        for name, tensor in _under(_OPTIMIZER, tensors).items():
            number, _, what = name.partition(".")
            kept.setdefault(int(number), {})[what] = tensor
        optimizer.load_state_dict(optimizer.state_dict() | {"state": kept})
        numbers = {name: record["numbers"][name] for name in ("step", "seconds", "best")}
        return numbers | {"devices": record["numbers"].get("devices", [])}
    except (RuntimeError, KeyError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise ModelError(f"{path} does not fit the run that it says it is of: {reason}") from error


def _brief(value: Any) -> str:
    """Return a recorded value in few words."""
    text = "none" if value is None else str(value)
    return text if len(text) <= 40 else f"{text[:39]}…"


def _under(prefix: str, tensors: dict[str, Any]) -> dict[str, Any]:
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }
