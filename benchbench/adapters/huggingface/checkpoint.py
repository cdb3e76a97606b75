"""Read model, image processor and tokenizer from a folder in transformers' format.

Where a tokenizer's vocabulary is missing, transformers silently creates an empty one; here that is
an error, and so are weights that do not match the model (``weights.py``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from benchbench.adapters.huggingface.folder import CONFIG, VOCABULARIES, Folder, refuse_code
from benchbench.adapters.huggingface.lora import merge_adapter
from benchbench.adapters.huggingface.towers import Towers, towers_of
from benchbench.adapters.huggingface.weights import load_errors, read_model
from benchbench.checkpoints.vocabularies import is_empty
from benchbench.errors import ModelError, WeightsUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchbench.types import LoadOptions


@dataclass(frozen=True, slots=True)
class TransformersCheckpoint:
    """The parts of a dual encoder in a folder."""

    folder: Folder
    config: Mapping[str, Any]
    """``config.json``."""
    model: Any
    """In fp32, on the CPU."""
    processor: Any
    """The image processor."""
    tokenizer: Any
    towers: Towers
    trained: bool = True
    """False if no weight came from the file."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """For the manifest."""

    def positions(self) -> int | None:
        """Return the text tower's number of positions; None without a position embedding table."""
        table = self._table("position_embedding", "position_embeddings")
        if table is None or table.padding_idx is None:
            return table and int(table.num_embeddings)
        # RoBERTa's positions begin after padding_idx.
        return int(table.num_embeddings - table.padding_idx - 1)

    def vocabulary(self) -> int | None:
        """Return the text tower's vocabulary size; None without a token embedding table."""
        table = self._table("token_embedding", "word_embeddings")
        return table and int(table.num_embeddings)

    def _table(self, *names: str) -> Any:
        """Return the text tower's embedding of one of these names."""
        from torch.nn import Embedding

        tower = getattr(self.model, "text_model", None) or getattr(self.model, "text_encoder", None)
        for name, module in tower.named_modules() if tower else ():
            if isinstance(module, Embedding) and name.rpartition(".")[2] in names:
                return module
        return None


def load_checkpoint(
    folder: Folder, adapter: Folder | None, options: LoadOptions
) -> TransformersCheckpoint:
    """Load the checkpoint of a dual encoder, with an adapter merged into it.

    Raises:
        WeightsUnavailable: a part is missing or damaged.
        UnknownName: the model type is not supported (it is not in the table of towers).
        ModelError: code or pickles that are not trusted, or weights that do not fit the model.
    """
    if folder.is_adapter:
        raise ModelError(f"{folder} is an adapter itself. Name the checkpoint that it belongs to.")
    config = folder.json(CONFIG)
    refuse_code(folder, options)
    own_code = options.trust_remote_code and "AutoModel" in (config.get("auto_map") or {})
    name, towers = ("AutoModel", Towers()) if own_code else towers_of(config, str(folder))
    pretrained = read_model(class_of(name, folder), folder, options)
    model, settings = pretrained.model, dict(pretrained.settings)
    if own_code:
        settings["code_sha256"] = folder.sha256("*.py")
    if adapter is not None:
        with load_errors(f"the adapter {adapter}"):
            model, settings["adapter"] = merge_adapter(model, adapter, options)
    return TransformersCheckpoint(
        folder,
        config,
        model,
        read_image_processor(folder, options),
        read_tokenizer(folder, options),
        towers,
        trained=pretrained.trained,
        settings=settings,
    )


def read_image_processor(folder: Folder, options: LoadOptions) -> Any:
    """Read the image processor, on torchvision if possible: transformers' choice since 5.0.

    Earlier releases choose Pillow for most, whose resizing differs in the last digits; the manifest
    names the backend.
    """
    import transformers

    auto: Any = transformers.AutoImageProcessor
    new = int(transformers.__version__.partition(".")[0]) >= 5
    backend = {"backend": "torchvision"} if new else {}
    with load_errors(f"the image processor of {folder}"):
        return auto.from_pretrained(
            folder.path, trust_remote_code=options.trust_remote_code, **backend
        )


def read_tokenizer(folder: Folder, options: LoadOptions) -> Any:
    """Read the tokenizer.

    Raises:
        WeightsUnavailable: its files are missing (transformers would make up an empty one).
    """
    from transformers import AutoTokenizer

    found = {path.name for pattern in VOCABULARIES for path in folder.path.glob(pattern)}
    if not found - {"tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"}:
        raise WeightsUnavailable(
            f"{folder} has no tokenizer: no tokenizer.json, vocabulary or *.model file. Copy the "
            "tokenizer files of the checkpoint that it was fine-tuned from."
        )
    with load_errors(f"the tokenizer of {folder}"):
        tokenizer: Any = AutoTokenizer.from_pretrained(
            folder.path, trust_remote_code=options.trust_remote_code
        )
    if is_empty(tokenizer):
        raise WeightsUnavailable(
            f"The tokenizer of {folder} has no vocabulary: {type(tokenizer).__name__} finds none "
            f"in {', '.join(sorted(found))}. Copy the tokenizer files of the checkpoint that it "
            "was fine-tuned from."
        )
    return tokenizer


def class_of(name: str, folder: Folder) -> Any:
    """Return a class of transformers by its name.

    Raises:
        ModelError: the installed version lacks it.
    """
    import transformers

    kind = getattr(transformers, name, None)
    if kind is None:
        raise ModelError(
            f"{folder} needs {name}, which transformers {transformers.__version__} does not have: "
            "pip install --upgrade transformers"
        )
    return kind
