"""Adapters on top of a checkpoint (LoRA and kin), merged into its weights: the package peft."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchbench.adapters.huggingface.folder import ADAPTER, Folder, folder_of, refuse_code
from benchbench.checkpoints.containers import read_contents
from benchbench.checkpoints.digests import weights_sha256
from benchbench.errors import ModelError, UsageError, WeightsUnavailable
from benchbench.files import expanded

if TYPE_CHECKING:
    from torch import Tensor

    from benchbench.types import LoadOptions

INSTALL = 'pip install "benchbench-vl[peft]"'
NAMED = 5
"""Weights that an error names of each kind."""


def with_adapter(rest: str, options: LoadOptions) -> tuple[Folder, Folder | None]:
    """The checkpoint that was typed, and the adapter on top of it.

    ``BASE+ADAPTER`` names both; an adapter alone names its base itself.

    Raises:
        UsageError, WeightsUnavailable: as ``folder_of``; or what follows the + is no adapter.
        ModelError: an adapter that names no base, or one that is not there.
    """

    base, plus, adapter = rest.rpartition("+")
    if plus and not expanded(rest).is_dir():
        found = folder_of(adapter, options)
        if not found.is_adapter:
            raise UsageError(f"hf:{rest}: {found} is no adapter, it has no {ADAPTER}.")
        return folder_of(base, options), found
    folder = folder_of(rest, options)
    return (_base_of(folder, rest, options), folder) if folder.is_adapter else (folder, None)


def _base_of(adapter: Folder, rest: str, options: LoadOptions) -> Folder:
    config = adapter.json(ADAPTER)
    base, revision = config.get("base_model_name_or_path"), config.get("revision")
    if not base:
        raise ModelError(f"{adapter} names no checkpoint to add it to. Type hf:BASE+{rest}.")
    try:
        return folder_of(f"{base}@{revision}" if revision else str(base), options)
    except (UsageError, WeightsUnavailable) as error:
        raise type(error)(
            f"{adapter} belongs to '{base}', which is not here. If that lies elsewhere, type "
            f"hf:BASE+{rest}. ({error})"
        ) from error


def merged(model: Any, adapter: Folder, options: LoadOptions) -> tuple[Any, dict[str, Any]]:
    """The model with an adapter's differences added to its weights, and what is recorded of them.

    Raises:
        ModelError: peft is not installed, or the adapter does not fit the model.
        WeightsUnavailable: the adapter's weights are not there.
    """
    try:
        import peft
    except ImportError as error:
        raise ModelError(f"{adapter} is a PEFT adapter: {INSTALL}") from error
    refuse_code(adapter, options)
    state = _weights(adapter, options)
    config = peft.PeftConfig.from_pretrained(str(adapter.path))
    config.inference_mode = True
    wrapped = peft.PeftModel(model, config)
    _compare(adapter, set(peft.get_peft_model_state_dict(wrapped)), set(state))
    peft.set_peft_model_state_dict(wrapped, state)
    if not hasattr(wrapped, "merge_and_unload"):
        raise ModelError(f"{adapter} is of the kind {config.peft_type}, which cannot be merged.")
    record = {
        "source": adapter.source,
        "kind": str(getattr(config.peft_type, "value", config.peft_type)),
        "config_sha256": adapter.sha256(ADAPTER),
        "weights_sha256": weights_sha256(state),
    }
    return wrapped.merge_and_unload(safe_merge=True), record


def _weights(adapter: Folder, options: LoadOptions) -> dict[str, Tensor]:
    """An adapter's tensors."""
    safe, pickled = (adapter.path / f"adapter_model.{kind}" for kind in ("safetensors", "bin"))
    for path in (safe, pickled):
        if path.is_file():
            return dict(read_contents(path, trust_pickle=options.trust_pickle).tree)
    raise WeightsUnavailable(f"{adapter} has neither {safe.name} nor {pickled.name}.")


def _compare(adapter: Folder, wanted: set[str], there: set[str]) -> None:
    """Hold an adapter to the model: peft passes over what does not fit.

    Raises:
        ModelError: naming what is missing and what has no place.
    """
    found = (("missing", wanted - there), ("not the model's", there - wanted))
    said = [f"{len(names)} {what} ({_some(names)})" for what, names in found if names]
    if said:
        raise ModelError(f"The adapter {adapter} does not fit the model: {'; '.join(said)}.")


def _some(names: set[str]) -> str:
    more = f", and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(sorted(names)[:NAMED]) + more
