"""Merge PEFT adapters (LoRA and kin) into a checkpoint's weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchbench.adapters.huggingface.folder import ADAPTER, Folder, folder_of, refuse_code
from benchbench.checkpoints.containers import read_contents
from benchbench.checkpoints.digests import weights_sha256
from benchbench.errors import ModelError, UsageError, WeightsUnavailable
from benchbench.files import expand_path

if TYPE_CHECKING:
    from torch import Tensor

    from benchbench.types import LoadOptions

INSTALL = 'pip install "benchbench-vl[peft]"'
MAX_NAMES = 5
"""The largest number of weights that an error names of each kind."""


def resolve_adapter(rest: str, options: LoadOptions) -> tuple[Folder, Folder | None]:
    """Return the folders of the typed checkpoint, and of the adapter on top of it, if any.

    ``BASE+ADAPTER`` names both; an adapter alone names its base in its configuration.

    Raises:
        UsageError, WeightsUnavailable: as ``folder_of``; or the part after + is not an adapter.
        ModelError: an adapter that names no base, or a missing one.
    """
    base, plus, adapter = rest.rpartition("+")
    if plus and not expand_path(rest).is_dir():
        found = folder_of(adapter, options)
        if not found.is_adapter:
            raise UsageError(
                f"hf:{rest}: {found} is not an adapter, it has no {ADAPTER}. Type hf:BASE+ADAPTER."
            )
        return folder_of(base, options), found
    folder = folder_of(rest, options)
    return (_base_of(folder, rest, options), folder) if folder.is_adapter else (folder, None)


def _base_of(adapter: Folder, rest: str, options: LoadOptions) -> Folder:
    config = adapter.json(ADAPTER)
    base, revision = config.get("base_model_name_or_path"), config.get("revision")
    if not base:
        raise ModelError(f"{adapter} names no base checkpoint. Type hf:BASE+{rest}.")
    try:
        return folder_of(f"{base}@{revision}" if revision else str(base), options)
    except (UsageError, WeightsUnavailable) as error:
        raise type(error)(
            f"{adapter} belongs to '{base}', which is missing. If its path is another, type "
            f"hf:BASE+{rest}. ({error})"
        ) from error


def merge_adapter(model: Any, adapter: Folder, options: LoadOptions) -> tuple[Any, dict[str, Any]]:
    """Return the model with an adapter merged into its weights, and the adapter's record.

    Raises:
        ModelError: peft is not installed, or the adapter does not fit the model.
        WeightsUnavailable: the adapter's weights are missing.
    """
    try:
        import peft
    except ImportError as error:
        raise ModelError(
            f"{adapter} is a PEFT adapter, and peft is not installed: {INSTALL}"
        ) from error
    refuse_code(adapter, options)
    state = _weights(adapter, options)
    config = peft.PeftConfig.from_pretrained(str(adapter.path))
    config.inference_mode = True
    wrapped = peft.PeftModel(model, config)
    _compare(adapter, set(peft.get_peft_model_state_dict(wrapped)), set(state))
    peft.set_peft_model_state_dict(wrapped, state)
    if not hasattr(wrapped, "merge_and_unload"):
        raise ModelError(
            f"{adapter} is of the kind {config.peft_type}, which cannot be merged. Merge it "
            "where it was trained, and evaluate the result."
        )
    record = {
        "source": adapter.source,
        "kind": str(getattr(config.peft_type, "value", config.peft_type)),
        "config_sha256": adapter.sha256(ADAPTER),
        "weights_sha256": weights_sha256(state),
    }
    return wrapped.merge_and_unload(safe_merge=True), record


def _weights(adapter: Folder, options: LoadOptions) -> dict[str, Tensor]:
    """Read an adapter's tensors."""
    safe, pickled = (adapter.path / f"adapter_model.{kind}" for kind in ("safetensors", "bin"))
    for path in (safe, pickled):
        if path.is_file():
            return dict(read_contents(path, trust_pickle=options.trust_pickle).tree)
    raise WeightsUnavailable(
        f"{adapter} has neither {safe.name} nor {pickled.name}. Copy its weights there."
    )


def _compare(adapter: Folder, wanted: set[str], there: set[str]) -> None:
    """Compare an adapter's names with the model's: peft ignores those that do not fit.

    Raises:
        ModelError: some are missing or unexpected; the message names them.
    """
    found = (("missing", wanted - there), ("not the model's", there - wanted))
    gaps = [f"{len(names)} {what} ({_some(names)})" for what, names in found if names]
    if gaps:
        raise ModelError(
            f"The adapter {adapter} does not fit the model: {'; '.join(gaps)}. Name the checkpoint "
            "that it was trained on: hf:BASE+ADAPTER."
        )


def _some(names: set[str]) -> str:
    more = f", and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return ", ".join(sorted(names)[:MAX_NAMES]) + more
