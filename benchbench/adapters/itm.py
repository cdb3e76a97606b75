"""``itm:ORG/REPO``, ``itm:PATH``: score pairs by the matching head of a BLIP or BLIP-2.

The head separates a match from no match (Li et al., *BLIP*, ICML 2022, §3.2). The score is the
log-odds of a match, its logit minus the other: the softmax's order without its saturation at 1, so
that likely pairs do not tie. ``itm-itc:`` scores as BLIP's own retrieval and ARO's BLIP rows do:
the logit of a match plus the cosine of the contrastive towers (``evaluation`` of
salesforce/BLIP's train_retrieval.py, ``run_scores_batched`` of ARO's blip_models.py). Both of them
take the best k by cosine first; here every pair is scored.

BLIP's head was trained with the token [ENC] before the caption. transformers puts [CLS] there
(its issue 25629), and the tokenizers of the published checkpoints lack the other;
here it is [ENC], if the embeddings have a row for it. Upstream cuts captions at 35 tokens;
here they are cut where positions end.
"""

from __future__ import annotations

import typing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchbench.adapters.cross_attention_cache import CrossAttentionCache, distinct_objects
from benchbench.adapters.pretrained import open_folder, read_pretrained, read_processor
from benchbench.adapters.towers import TowerScorer
from benchbench.types import LoadOptions, ModelFamily

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from torch import Tensor

    from benchbench.adapters.huggingface.weights import PretrainedModel
    from benchbench.adapters.towers import Ids


class MatchingModel(typing.Protocol):
    """An architecture with a matching head and a contrastive one."""

    def encode(self, pixels: Tensor) -> Sequence[Any]:
        """Encode images: [n, 3, height, width] → n features."""
        ...

    def match(self, features: Sequence[Any], ids: Ids) -> Tensor:
        """Return the logits of no match and of a match: [n, 2]."""
        ...

    def cosine(self, features: Sequence[Any], ids: Ids) -> Tensor:
        """Return the similarity by the contrastive towers: [n]."""
        ...


class Blip:
    """``BlipForImageTextRetrieval``: captions attend to the patches of an image."""

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self._model = model
        self._enc = enc_token_id(model, tokenizer)
        self._shared = CrossAttentionCache(model.text_encoder)
        self.context_length = int(model.config.text_config.max_position_embeddings)
        self.first = "[CLS]" if self._enc is None else f"[ENC] ({self._enc})"

    def encode(self, pixels: Tensor) -> Sequence[Any]:
        """Return the patches of each image: [tokens, width]."""
        return list(self._model.vision_model(pixel_values=pixels).last_hidden_state)

    def match(self, features: Sequence[Any], ids: Ids) -> Tensor:
        """Return the logits of no match and of a match: [n, 2]."""
        tokens = ids["input_ids"]
        if self._enc is not None:
            tokens = tokens.clone()
            tokens[:, 0] = self._enc
        with self._shared.of(features) as patches:
            read = self._model.text_encoder(
                input_ids=tokens,
                attention_mask=ids["attention_mask"],
                encoder_hidden_states=patches,
            )
        return self._model.itm_head(read.last_hidden_state[:, 0])  # type: ignore[no-any-return]

    def cosine(self, features: Sequence[Any], ids: Ids) -> Tensor:
        """Return the similarity by the contrastive towers: [n]."""
        import torch

        read = self._model.text_encoder(**ids).last_hidden_state[:, 0]
        distinct, which = distinct_objects(features)
        images = self._model.vision_proj(torch.stack([patches[0] for patches in distinct]))
        return torch.cosine_similarity(self._model.text_proj(read), images[which], dim=-1)


class Blip2:
    """``Blip2ForImageTextRetrieval``: the captions' tokens beside queries that attend to patches.

    Logits are the mean over queries, cosines those of the best query, as in LAVIS.
    """

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self._model = model
        self._shared = CrossAttentionCache(model.qformer)
        self.context_length = int(model.config.qformer_config.max_position_embeddings)
        self.first = "[CLS]"

    def encode(self, pixels: Tensor) -> Sequence[Any]:
        """Return the patches of each image: [tokens, width]."""
        return list(self._model.vision_model(pixel_values=pixels).last_hidden_state)

    def match(self, features: Sequence[Any], ids: Ids) -> Tensor:
        """Return the logits of no match and of a match: [n, 2]."""
        import torch

        queries = self._model.query_tokens.expand(len(features), -1, -1)
        seen = ids["attention_mask"].new_ones(queries.shape[:2])
        with self._shared.of(features) as patches:
            read = self._model.qformer(
                query_embeds=self._model.embeddings(
                    input_ids=ids["input_ids"], query_embeds=queries
                ),
                query_length=queries.shape[1],
                attention_mask=torch.cat([seen, ids["attention_mask"]], dim=1),
                encoder_hidden_states=patches,
            ).last_hidden_state[:, : queries.shape[1]]
        head = self._model.itm_head
        return head(read.to(head.weight.dtype)).mean(dim=1)  # type: ignore[no-any-return]

    def cosine(self, features: Sequence[Any], ids: Ids) -> Tensor:
        """Return the similarity by the contrastive towers: [n]."""
        import torch

        model = self._model
        distinct, which = distinct_objects(features)
        queries = model.query_tokens.expand(len(distinct), -1, -1)
        seen = model.qformer(query_embeds=queries, encoder_hidden_states=torch.stack(distinct))
        read = model.qformer(
            query_embeds=model.embeddings(input_ids=ids["input_ids"]),
            query_length=0,
            attention_mask=ids["attention_mask"],
        ).last_hidden_state[:, :1]
        dtype = model.vision_projection.weight.dtype
        images = model.vision_projection(seen.last_hidden_state.to(dtype))[which]
        captions = model.text_projection(read.to(dtype))
        return torch.cosine_similarity(captions, images, dim=-1).amax(dim=1)


def enc_token_id(model: Any, tokenizer: Any) -> int | None:
    """Return the id of [ENC]; None where the model has no row for it.

    Upstream adds [DEC] and then [ENC] to BERT's vocabulary (``init_tokenizer`` of BLIP's blip.py).
    """
    rows = int(model.config.text_config.vocab_size)
    if "[ENC]" in tokenizer.get_vocab():
        return int(tokenizer.convert_tokens_to_ids("[ENC]"))
    return rows - 1 if rows == len(tokenizer) + 2 else None


@dataclass(frozen=True, slots=True)
class ScoreRule:
    """A formula for a pair's score."""

    family: str
    description: str
    """For the manifest."""
    score: Callable[[MatchingModel, Sequence[Any], Ids], Tensor]
    threshold: float | None = None
    """The score above which the head calls a pair a match; None where the score does not tell."""


def _log_odds(towers: MatchingModel, features: Sequence[Any], ids: Ids) -> Tensor:
    logits = towers.match(features, ids).float()
    return logits[:, 1] - logits[:, 0]


def _logit_and_cosine(towers: MatchingModel, features: Sequence[Any], ids: Ids) -> Tensor:
    logits = towers.match(features, ids).float()
    return logits[:, 1] + towers.cosine(features, ids).float()


ITM = ScoreRule("itm", "log-odds of a match", _log_odds, threshold=0.0)
ITM_ITC = ScoreRule(
    "itm-itc", "logit of a match + cosine of the contrastive towers", _logit_and_cosine
)

ARCHITECTURES: Mapping[str, tuple[str, Callable[[Any, Any], Any]]] = {
    "blip": ("BlipForImageTextRetrieval", Blip),
    "blip-2": ("Blip2ForImageTextRetrieval", Blip2),
}
"""Type of model → its class in transformers, and our wrapper."""


class MatchingScorer(TowerScorer):
    """A pair scorer by a matching head."""

    _towers: MatchingModel

    def __init__(self, pretrained: PretrainedModel, processor: Any, rule: ScoreRule, **of: Any):
        """Prepare to score by a rule; ``of`` holds the keyword arguments of ``TowerScorer``."""
        model = pretrained.model
        towers = ARCHITECTURES[model.config.model_type][1](model, processor.tokenizer)
        settings = {"score": rule.description, "first_token": towers.first}
        super().__init__(pretrained, processor, towers, settings, **of)
        self._rule = rule
        self.threshold = rule.threshold

    def score(self, features: Sequence[Any], batch: Ids) -> Tensor:
        """Score pairs by the rule: [n]."""
        ids = {name: each.to(self.device) for name, each in batch.items()}
        return self._rule.score(self._towers, features, ids)


def load_with_rule(rule: ScoreRule, rest: str, options: LoadOptions) -> MatchingScorer:
    """Load a checkpoint with a matching head, scored by a rule.

    Raises:
        UsageError: neither a repository nor a folder was typed.
        ModelError: the checkpoint is of another architecture, or lacks weights.
        WeightsUnavailable: the checkpoint cannot be read.
    """
    import transformers

    folder, config = open_folder(rest, rule.family, options, ARCHITECTURES)
    kind = getattr(transformers, ARCHITECTURES[config.model_type][0])
    return MatchingScorer(
        read_pretrained(kind, folder, options),
        read_processor(folder, options),
        rule,
        name=f"{rule.family}:{rest}",
        weights=str(folder),
        options=options,
    )


def load(rest: str, options: LoadOptions) -> MatchingScorer:
    """Load ``ORG/REPO`` or a folder, scored by log-odds; raises as ``load_with_rule``."""
    return load_with_rule(ITM, rest, options)


FAMILY = ModelFamily(
    name="itm",
    usage={
        "itm:ORG/REPO": "a BLIP or BLIP-2 of the hub, by the log-odds of its matching head",
        "itm:PATH": "the same from a folder",
    },
    load=load,
    options=frozenset({"allow_partial", "trust_pickle"}),
)
