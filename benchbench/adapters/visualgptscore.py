"""``visualgptscore:ORG/REPO``, ``visualgptscore:PATH``: score pairs by log P(caption | image).

VisualGPTScore is the probability that a generative model gives to a caption, token by token, given
the tokens before: its exponent is the mean of the tokens' log-probabilities (Lin et al.,
*Revisiting the Role of Language Priors in Vision-Language Models*, ICML 2024, arXiv 2306.01879).
The score here is that mean, with the token that ends the caption. Runs on tasks of the matching
protocol store the model's own prior of each caption beside the scores (``null_images``), for the
metric ``debiased``.

BLIP's and GIT's decoders read the caption alone, BLIP's behind the token that it was trained with.
Models like LLaVA get a request in their chat template, and the caption is the answer
(``prompted``); the wording is this package's own.
"""

from __future__ import annotations

import typing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from benchbench.adapters.cross_attention_cache import CrossAttentionCache
from benchbench.adapters.null_images import NullImagePrior, describe_null_images, null_images
from benchbench.adapters.prefix_cache import continuations
from benchbench.adapters.pretrained import read_pretrained, read_processor
from benchbench.adapters.prompted import PromptScorer, open_causal
from benchbench.adapters.prompts import Prompts, common_length
from benchbench.adapters.towers import TowerScorer
from benchbench.errors import ModelError
from benchbench.types import LoadOptions, ModelFamily

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from torch import Tensor

    from benchbench.adapters.huggingface.weights import PretrainedModel
    from benchbench.adapters.prefix_cache import PrefixGroup
    from benchbench.adapters.prompted import PromptImage
    from benchbench.adapters.towers import Ids
    from benchbench.types import PairScorer

REQUEST = "Describe this image in one sentence."
SCORE = "mean log P(token)"


def mean_log_probability(logits: Tensor, ids: Tensor, starts: Tensor, ends: Tensor) -> Tensor:
    """Return the mean log-probability of each row's tokens from its start to its end: [n].

    Args:
        logits: [n, tokens, vocabulary], the prediction of each token.
        ids: [n, tokens].
        starts: [n], the first token that counts.
        ends: [n], the first one after them.
    """
    import torch

    logs = logits.float().log_softmax(dim=-1).gather(-1, ids[..., None])[..., 0]
    at = torch.arange(ids.shape[1], device=ids.device)
    counts = (at >= starts[:, None]) & (at < ends[:, None])
    return torch.where(counts, logs, 0.0).sum(dim=1) / counts.sum(dim=1)


class Captioner(typing.Protocol):
    """An architecture whose decoder reads captions alone, and images apart."""

    context_length: int
    first: str
    """The token before a caption, for the manifest."""

    def encode(self, pixels: Tensor) -> Sequence[Any]:
        """Encode images: [n, 3, height, width] → n features."""
        ...

    def logits(self, features: Sequence[Any], ids: Ids) -> Tensor:
        """Return the prediction after each token of captions: [n, tokens, vocabulary]."""
        ...


class Blip:
    """``BlipForConditionalGeneration``: captions attend to the patches of an image.

    The first token is the decoder's own, [DEC], as in training and in ``generate``; the processor
    gives [CLS].
    """

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self._model = model
        self._first = int(model.config.text_config.bos_token_id)
        self._shared = CrossAttentionCache(model.text_decoder)
        self.context_length = int(model.config.text_config.max_position_embeddings)
        self.first = f"[DEC] ({self._first})"

    def encode(self, pixels: Tensor) -> Sequence[Any]:
        """Return the patches of each image: [tokens, width]."""
        return list(self._model.vision_model(pixel_values=pixels).last_hidden_state)

    def logits(self, features: Sequence[Any], ids: Ids) -> Tensor:
        """Return the prediction after each token of captions: [n, tokens, vocabulary]."""
        tokens = ids["input_ids"].clone()
        tokens[:, 0] = self._first
        with self._shared.of(features) as patches:
            read = self._model.text_decoder(
                input_ids=tokens,
                attention_mask=ids["attention_mask"],
                encoder_hidden_states=patches,
                use_cache=False,
            )
        return read.logits  # type: ignore[no-any-return]


class Git:
    """``GitForCausalLM``: an image's patches, and then the caption, in one decoder."""

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self._model = model
        self.context_length = int(model.config.max_position_embeddings)
        self.first = str(tokenizer.cls_token)

    def encode(self, pixels: Tensor) -> Sequence[Any]:
        """Return the images themselves: the model encodes them with every pair."""
        return list(pixels)

    def logits(self, features: Sequence[Any], ids: Ids) -> Tensor:
        """Return the prediction after each token of captions: [n, tokens, vocabulary]."""
        import torch

        read = self._model(**ids, pixel_values=torch.stack(list(features)), use_cache=False)
        return read.logits[:, -ids["input_ids"].shape[1] :]  # type: ignore[no-any-return]


ARCHITECTURES: Mapping[str, tuple[str, Callable[[Any, Any], Captioner]]] = {
    "blip": ("BlipForConditionalGeneration", Blip),
    "git": ("GitForCausalLM", Git),
}
"""Type of model → its class in transformers, and our wrapper."""


class CaptionScorer(TowerScorer):
    """A pair scorer by the mean log-probability of a caption's tokens in a captioner's decoder."""

    _towers: Captioner

    def score(self, features: Sequence[Any], batch: Ids) -> Tensor:
        """Score pairs by the mean log-probability of the tokens after the first: [n]."""
        import torch

        ids = {name: each.to(self.device) for name, each in batch.items()}
        logits, tokens = self._towers.logits(features, ids)[:, :-1], ids["input_ids"][:, 1:]
        ends = ids["attention_mask"][:, 1:].sum(dim=1)
        return mean_log_probability(logits, tokens, torch.zeros_like(ends), ends)

    def prior_scorer(self) -> PairScorer:
        """Return the same model as a scorer of captions by its own prior."""
        return NullImagePrior(self, null_images(self._processor))


class ReplyScorer(PromptScorer):
    """A pair scorer by the mean log-probability of a caption as the answer to a prompt."""

    def __init__(
        self,
        pretrained: PretrainedModel,
        processor: Any,
        *,
        name: str,
        weights: str,
        options: LoadOptions,
    ) -> None:
        super().__init__(pretrained, processor, Prompts(processor, REQUEST, replies=True))
        self._opening = self._prompts.opening()
        self._require_causal(weights)
        settings = {
            "score": SCORE,
            "prompt": self._prompts.text(["{}"])[0],
            "prior": describe_null_images(processor),
        }
        self.manifest = self._describe(options, settings, name=name, weights=weights)

    def prior_scorer(self) -> PairScorer:
        """Return the same model as a scorer of captions by its own prior."""
        return NullImagePrior(self, null_images(self._processor))

    def _require_causal(self, weights: str) -> None:
        """Check that no token is predicted from itself or from what follows.

        Raises:
            ModelError: one is.
        """
        import torch

        with torch.inference_mode():
            features, batch = self._samples()
            if not self._is_causal(features, batch, len(self._opening)):
                raise ModelError(
                    f"In {weights}, what follows a token changes what is made of it, so that a "
                    "caption's probability cannot be read token by token. visualgptscore: takes "
                    "only models whose attention to the answer is causal."
                )

    def _starts(self, batch: Sequence[Sequence[int]]) -> list[int]:
        """Return the number of the first token of each reply."""
        return [common_length(self._opening, ids) for ids in batch]

    def _groups(
        self, features: Sequence[PromptImage], batch: Sequence[Sequence[int]]
    ) -> Iterator[PrefixGroup]:
        """Yield groups whose prefixes end before the token that predicts the reply's first."""
        starts = self._starts(batch)
        for group in super()._groups(features, batch):
            length = min(group.length, min(starts[row] for row in group.rows) - 1)
            enough = length > batch[group.rows[0]].index(self._prompts.placeholder)
            yield replace(group, length=length if enough else 0)

    def _score_whole(
        self, features: Sequence[PromptImage], batch: Sequence[Sequence[int]]
    ) -> Tensor:
        import torch

        prompts, lengths = self._prompts.assemble(batch, [image.tokens for image in features])
        starts = [
            start + len(image.tokens.ids) - 1
            for start, image in zip(self._starts(batch), features, strict=True)
        ]
        first = min(starts)
        inputs = {**self._to_device(prompts), **self._image_inputs(features)}
        kept = torch.arange(first - 1, max(lengths) - 1, device=self.device)
        logits = self._model(**inputs, logits_to_keep=kept, use_cache=False).logits
        begins, ends = (torch.tensor(each, device=self.device) for each in (starts, lengths))
        ids = inputs["input_ids"][:, first:]
        return mean_log_probability(logits, ids, begins - first, ends - first)

    def _score_group(
        self, features: Sequence[PromptImage], batch: Sequence[Sequence[int]], group: PrefixGroup
    ) -> Tensor:
        import torch

        start, of_row, inputs, lengths = self._read_group(features, batch, group)
        ids = inputs["input_ids"][:, 1:]
        begins = torch.tensor(self._starts([batch[row] for row in group.rows]), device=self.device)
        begins, ends = begins - group.length - 1, lengths - 1
        predicting = torch.arange(ids.shape[1], device=self.device)
        parts = [
            mean_log_probability(logits, ids[rows], begins[rows], ends[rows])
            for rows, logits in continuations(
                self._model, start, of_row, inputs, lambda rows: predicting
            )
        ]
        return torch.cat(parts)


def load(rest: str, options: LoadOptions) -> CaptionScorer | ReplyScorer:
    """Load ``ORG/REPO`` or a folder.

    Raises:
        UsageError: neither a repository nor a folder was typed.
        ModelError: the model captions no images, lacks weights, or its attention is not causal.
        WeightsUnavailable: the checkpoint cannot be read.
    """
    import transformers

    folder, config = open_causal(rest, "visualgptscore", "writes no text about images", options)
    name, weights = f"visualgptscore:{rest}", str(folder)
    processor = read_processor(folder, options)
    if config.model_type not in ARCHITECTURES:
        kind = transformers.AutoModelForImageTextToText
        pretrained = read_pretrained(kind, folder, options)
        return ReplyScorer(pretrained, processor, name=name, weights=weights, options=options)
    architecture, captioner = ARCHITECTURES[config.model_type]
    pretrained = read_pretrained(getattr(transformers, architecture), folder, options)
    towers = captioner(pretrained.model, processor.tokenizer)
    settings = {
        "score": SCORE,
        "first_token": towers.first,
        "prior": describe_null_images(processor),
    }
    return CaptionScorer(
        pretrained, processor, towers, settings, name=name, weights=weights, options=options
    )


FAMILY = ModelFamily(
    name="visualgptscore",
    usage={
        "visualgptscore:ORG/REPO": "a generative model of the hub, by P(caption | image)",
        "visualgptscore:PATH": "the same from a folder",
    },
    load=load,
    options=frozenset({"allow_partial", "trust_pickle", "trust_remote_code"}),
)
