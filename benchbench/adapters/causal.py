"""``blind:hf:NAME``: score a caption by its log-probability under a causal language model.

    score = Σ_t log p(token t | those before it)

NAME is a hub's repository (``openai-community/gpt2``) or a local folder. Where the tokenizer has a
token for the beginning (or for the end alone, as GPT-2's) it goes before the caption, so that the
first word counts, too; without one the first token is only a condition. No end is scored:
these models do not end a text where a caption ends. ``blind:hf-mean:NAME`` divides by the number of
tokens scored, which does not favour the short.

Captions are padded on the right and masked: padding has no effect on earlier tokens. Weights are
read as those of ``hf:``. A model whose predictions depend on later tokens is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchbench.adapters.huggingface.checkpoint import read_tokenizer
from benchbench.adapters.pretrained import open_folder, read_pretrained
from benchbench.adapters.text_only import TextOnlyModel, manifest
from benchbench.checkpoints.digests import weights_sha256
from benchbench.devices import inference
from benchbench.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from benchbench.adapters.huggingface.weights import PretrainedModel
    from benchbench.types import LoadOptions, Role

CELLS = 1 << 26
"""Logits in memory at once: 256 MB of float32."""
MAX_CONTEXT = 1 << 20
"""Tokenizers without a limit have one of thirty digits."""


class CausalScorer(TextOnlyModel):
    """A text-only model by a causal language model."""

    def __init__(
        self,
        pretrained: PretrainedModel,
        tokenizer: Any,
        *,
        name: str,
        weights: str,
        mean: bool,
        precision: str,
    ) -> None:
        """Wrap a model on its device and in its precision.

        Args:
            pretrained: a model of transformers, with ``logits``; in eval mode.
            tokenizer: the tokenizer of transformers.
            name: the specification.
            weights: their source.
            mean: whether a score is divided by the number of tokens.
            precision: the precision of the model's arithmetic.
        """
        model = pretrained.model
        self._model, self._tokenizer, self._mean = model, tokenizer, mean
        self.device = str(model.device)
        first = tokenizer.bos_token_id
        first = tokenizer.eos_token_id if first is None else first
        self._start: tuple[int, ...] = () if first is None else (int(first),)
        self.manifest = manifest(
            name,
            architecture=type(model).__name__,
            weights=weights,
            weights_sha256=weights_sha256(model.state_dict()),
            activation=_activation(model.config),
            tokenizer=type(tokenizer).__name__,
            context_length=_context(model.config, tokenizer),
            dtype=precision,
            parameters=sum(each.numel() for each in model.parameters()),
            trained=pretrained.trained,
            settings={
                **pretrained.settings,
                "score": "mean log p" if mean else "sum of log p",
                "begins_with": tokenizer.convert_ids_to_tokens(list(self._start)),
            },
        )

    def token_ids(self, texts: Sequence[str]) -> list[tuple[int, ...]]:
        """Return the ids of each caption, after the token for the beginning."""
        rows = self._tokenizer(list(texts), add_special_tokens=False, verbose=False)["input_ids"]
        return [(*self._start, *row) for row in rows]

    def tokenize(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Return ids, zeros after each caption's end, and the mask of its own: [n, longest]."""
        import torch

        rows = [ids[: self.manifest.context_length] for ids in self.token_ids(texts)]
        longest = max(1, *map(len, rows))
        ids = torch.tensor([[*row, *[0] * (longest - len(row))] for row in rows])
        lengths = torch.tensor([len(row) for row in rows])
        return ids, torch.arange(longest) < lengths[:, None]

    def encode_texts(self, batch: tuple[Tensor, Tensor], role: Role) -> Tensor:
        """Score captions: [n, longest] → [n, 1]."""
        import torch

        ids, own = (each.to(self.device) for each in batch)
        split: Any = torch.split  # untyped
        rows = max(1, CELLS // (ids.shape[1] * _vocabulary(self._model)))
        parts = zip(split(ids, rows), split(own, rows), strict=True)
        return torch.cat([self._scores(*part) for part in parts])

    def _scores(self, ids: Tensor, own: Tensor) -> Tensor:
        """Score captions: [n, length] → [n, 1]."""
        from torch.nn.functional import cross_entropy

        logits = self._model(input_ids=ids, attention_mask=own.long()).logits[:, :-1].float()
        lost = cross_entropy(logits.transpose(1, 2), ids[:, 1:], reduction="none")
        scored = own[:, 1:].cpu()
        total = -lost.cpu().double().masked_fill(~scored, 0).sum(dim=1, keepdim=True)
        n = scored.sum(dim=1, keepdim=True).clamp(min=1)
        return (total / n if self._mean else total).float()


def load(name: str, options: LoadOptions, *, mean: bool) -> CausalScorer:
    """Load a hub's repository or a local folder.

    Raises:
        UsageError: no name, or a path that is not a folder.
        WeightsUnavailable: not cached and not to be downloaded, or parts of it are missing.
        ModelError: no causal language model, or one without all weights; or pickles or code that
            are not trusted.
    """
    from transformers import AutoModelForCausalLM

    family = f"blind:hf{'-mean' * mean}"
    folder, _ = open_folder(name, family, options)
    pretrained = read_pretrained(AutoModelForCausalLM, folder, options)
    tokenizer = read_tokenizer(folder, options)
    if len(tokenizer) > _vocabulary(pretrained.model):
        raise ModelError(
            f"{folder} has a tokenizer of {len(tokenizer):,} tokens and a model of "
            f"{_vocabulary(pretrained.model):,}: they do not belong together."
        )
    _check_causal(pretrained.model, f"{family}:{name}")
    return CausalScorer(
        pretrained,
        tokenizer,
        name=f"{family}:{name}",
        weights=str(folder),
        mean=mean,
        precision=options.precision,
    )


def _check_causal(model: Any, typed: str) -> None:
    """Refuse a model of which another last token changes earlier predictions.

    Raises:
        ModelError: it does.
    """
    import torch

    ids = torch.arange(8, device=model.device)[None] % _vocabulary(model)
    other = ids.clone()
    other[0, -1] = (other[0, -1] + 1) % _vocabulary(model)
    with inference():
        one, two = (model(input_ids=each).logits[:, :-1].float() for each in (ids, other))
    if float((one - two).abs().max()) > 1e-2 * float(one.abs().max()):
        raise ModelError(
            f"{typed} is not a causal language model: later tokens change its predictions, so that "
            "they are not probabilities of a caption. Name a causal one, as gpt2."
        )


def _vocabulary(model: Any) -> int:
    """Return the number of tokens of the embedding: configurations have several names for it."""
    return int(model.get_input_embeddings().num_embeddings)


def _activation(config: Any) -> str:
    """Return the configuration's own name: gelu_new is GPT-2's."""
    named = (getattr(config, name, None) for name in ("hidden_act", "activation_function"))
    return next((each for each in named if isinstance(each, str)), "unknown")


def _context(config: Any, tokenizer: Any) -> int:
    """Return the model's number of positions, or its tokenizer's limit, or ``MAX_CONTEXT``."""
    known = getattr(config, "max_position_embeddings", None) or tokenizer.model_max_length
    return min(int(known), MAX_CONTEXT)
