"""``vqascore:ORG/REPO``, ``vqascore:PATH``: score pairs by a generative model's P(Yes) (VQAScore).

The score of an image and a caption is log P("Yes") for the question *Does this figure show "…"?
Please answer yes or no.* (Lin et al., *Evaluating Text-to-Visual Generation with Image-to-Text
Generation*, ECCV 2024, §3). The wording is that of the authors' package, t2v_metrics. P("Yes") is
not divided by P("Yes") + P("No"). For LLaVA, t2v_metrics takes the geometric mean with the
probability of the token that ends the answer; the paper's formula, used here, has no such token.

The vision tower encodes each image once. Where the model allows it, the prompt prefix that an
image's captions share is computed once per batch (``prefix_cache``). Prompts are padded on the
right and scored at their own last token: with causal attention, padding after it has no effect,
whatever the positional embedding. The processor expands each image's placeholder once, and the
expansion is inserted into each prompt's ids; loading a model checks that these are the ids that the
processor itself returns.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchbench.adapters.prefix_cache import (
    cache_name,
    continue_prefixes,
    prefix_groups,
    read_prefixes,
)
from benchbench.adapters.pretrained import manifest, open_folder, read_pretrained, read_processor
from benchbench.adapters.prompts import SAMPLE_PROMPTS, ImageTokens, Prompts, answer_tokens
from benchbench.errors import ModelError
from benchbench.types import LoadOptions, ModelFamily

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from PIL.Image import Image
    from torch import Tensor

    from benchbench.adapters.huggingface.weights import PretrainedModel
    from benchbench.adapters.prefix_cache import PrefixGroup

QUESTION = 'Does this figure show "{}"? Please answer yes or no.'
ANSWER = "Yes"
LIKELY = math.log(0.5)
"""The score above which the answer is Yes rather than anything else."""


@dataclass(frozen=True, slots=True)
class PromptImage:
    """A preprocessed image that can be inserted into prompts."""

    tokens: ImageTokens
    """The tokens that its placeholder expands to."""
    inputs: Mapping[str, Tensor]
    """The processor's other tensors: pixels before encoding, sizes, grids."""
    features: Tensor | None = None
    """The vision tower's output, in the language model's width; None if it runs for every pair."""


class AnswerScorer:
    """A pair scorer: log-probability that a generative model's answer starts with Yes."""

    def __init__(
        self,
        pretrained: PretrainedModel,
        processor: Any,
        *,
        name: str,
        weights: str,
        options: LoadOptions,
    ) -> None:
        import torch

        model = pretrained.model
        self._model = model
        self._processor = processor
        self.threshold: float | None = LIKELY
        self._prompts = Prompts(processor, QUESTION)
        self._tower = _tower(model)
        self._cache_name = cache_name(model)
        answers = answer_tokens(processor.tokenizer, ANSWER)
        self.device = str(model.device)
        self._yes = torch.tensor(list(answers.values()), device=model.device)
        against = self._prefix_problem()
        self.by_image = not against
        """Whether captions of an image should be in one batch."""
        positions = getattr(model.config.get_text_config(), "max_position_embeddings", 2**31)
        self.manifest = manifest(
            pretrained,
            processor,
            options,
            name=name,
            weights=weights,
            context_length=int(positions) - self._prompts.longest_image + 1,
            settings={
                "score": f"log P({ANSWER})",
                "prompt": self._prompts.text(["{}"])[0],
                "answer_tokens": answers,
                "pictures_encoded": "once" if self._tower else "with every pair",
                "beginnings_read": f"with every pair: {against}" if against else "once a batch",
            },
        )

    def answering(self, answer: str) -> AnswerScorer:
        """Return a scorer of whole questions by the log-probability of this answer, a single token.

        Raises:
            ModelError: the answer is no single token.
        """
        import torch

        other = copy.copy(self)
        other.threshold = None
        other._prompts = Prompts(self._processor, "{}")
        tokens = answer_tokens(self._processor.tokenizer, answer)
        other._yes = torch.tensor(list(tokens.values()), device=self._model.device)
        other.by_image = not other._prefix_problem()
        return other

    def transform(self, image: Image) -> PromptImage:
        """Preprocess an image: the processor's tensors, and the tokens of the placeholder."""
        run, inputs = self._prompts.prepare(image)
        return PromptImage(run, inputs)

    def encode_images(self, images: Sequence[PromptImage]) -> Sequence[PromptImage]:
        """Encode images by the vision tower, in one batch where they have one shape."""
        if self._tower is None:
            return images
        shapes = {tuple((k, v.shape) for k, v in image.inputs.items()) for image in images}
        parts = [images] if len(shapes) == 1 else [[each] for each in images]
        return [image for part in parts for image in self._encode(part)]

    def _encode(self, images: Sequence[PromptImage]) -> Sequence[PromptImage]:
        features = self._tower(**self._join(images), return_dict=True).pooler_output
        if len(features) != len(images):
            raise ModelError(
                f"{self.manifest.name} returns {len(features)} features for {len(images)} "
                "images, so that vqascore: cannot evaluate it."
            )
        kept = [{k: v for k, v in image.inputs.items() if not _is_pixels(k)} for image in images]
        return [
            PromptImage(image.tokens, rest, each)
            for image, rest, each in zip(images, kept, features, strict=True)
        ]

    def _join(self, images: Sequence[PromptImage]) -> dict[str, Tensor]:
        """Concatenate the images' tensors, on the model's device and in its precision."""
        import torch

        joined = {}
        for name in images[0].inputs:
            each = torch.cat([image.inputs[name] for image in images]).to(self.device)
            joined[name] = each.to(self._model.dtype) if each.is_floating_point() else each
        return joined

    def token_ids(self, texts: Sequence[str]) -> list[tuple[int, ...]]:
        """Return whole prompts' ids, those after the caption first: truncation cuts the caption."""
        return self._prompts.token_ids(texts)

    def tokenize(self, texts: Sequence[str]) -> list[tuple[int, ...]]:
        """Return the ids of prompts, cut within the caption where they are too long."""
        return self._prompts.cut(texts, self.manifest.context_length)

    def score(self, features: Sequence[PromptImage], batch: list[tuple[int, ...]]) -> Tensor:
        """Score pairs by log P(Yes): [n]."""
        import torch

        if not self.by_image:
            return self._log_yes(self._full_logits(features, batch))
        found = torch.empty(len(batch), device=self.device)
        keys, tokens = [id(image) for image in features], [len(s.tokens.ids) for s in features]
        alone: list[int] = []
        for group in prefix_groups(batch, keys, tokens, self._prompts.placeholder):
            if group.saves_work:
                found[list(group.rows)] = self._log_yes(self._prefix_logits(features, batch, group))
            else:
                alone += group.rows
        if alone:
            some, prompts = [features[i] for i in alone], [batch[i] for i in alone]
            found[alone] = self._log_yes(self._full_logits(some, prompts))
        return found

    def _log_yes(self, logits: Tensor) -> Tensor:
        logs = logits.float().log_softmax(dim=-1)
        return logs[:, self._yes].logsumexp(dim=-1)

    def _full_logits(
        self, features: Sequence[PromptImage], batch: Sequence[Sequence[int]]
    ) -> Tensor:
        """Return the logits after each prompt, without a cache: [n, vocabulary]."""
        import torch

        prompts, lengths = self._prompts.assemble(batch, [image.tokens for image in features])
        last = torch.tensor(lengths, device=self.device) - 1
        kept = torch.arange(int(last.min()), int(last.max()) + 1, device=self.device)
        inputs = {**self._to_device(prompts), **self._image_inputs(features)}
        logits = self._model(**inputs, logits_to_keep=kept, use_cache=False).logits
        rows = torch.arange(len(last), device=self.device)
        return logits[rows, last - kept[0]]  # type: ignore[no-any-return]

    def _prefix_logits(
        self, features: Sequence[PromptImage], batch: Sequence[Sequence[int]], group: PrefixGroup
    ) -> Tensor:
        """Return the logits after each prompt of a group, computing each image's prefix once."""
        import torch

        images = [features[i] for i in group.images]
        prefixes = [batch[i][: group.length] for i in group.images]
        prompts, _ = self._prompts.assemble(prefixes, [image.tokens for image in images])
        start = read_prefixes(
            self._model, self._to_device(prompts), self._image_inputs(images), self._cache_name
        )
        tokens = [features[i].tokens for i in group.rows]
        prompts, lengths = self._prompts.ends([batch[i] for i in group.rows], tokens, group.length)
        of_row = torch.tensor(group.of_row, device=self.device)
        ends = torch.tensor(lengths, device=self.device)
        return continue_prefixes(self._model, start, of_row, self._to_device(prompts), ends)

    def _image_inputs(self, features: Sequence[PromptImage]) -> dict[str, Any]:
        """Return the images as the model's arguments."""
        inputs: dict[str, Any] = self._join(features)
        if features[0].features is not None:
            inputs["mm_encoder_outputs"] = {"image": _tower_output(features)}
        return inputs

    def _to_device(self, prompts: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {name: each.to(self.device) for name, each in prompts.items()}

    def _prefix_problem(self) -> str:
        """Return why prompts must be read without a cache; "" where a prefix changes nothing.

        Manifests store the reason: a change of its wording changes model fingerprints.
        """
        import torch

        with torch.inference_mode():
            features = [*self.encode_images([self.transform(_noise())])] * len(SAMPLE_PROMPTS)
            batch = self._prompts.cut(SAMPLE_PROMPTS, 2**31)
            same = [0] * len(batch)
            (group,) = prefix_groups(batch, same, same, self._prompts.placeholder)
            if not group.saves_work:
                return "the prompts of a picture begin differently"
            if not self._is_causal(features, batch, group.length):
                return "what follows a token changes what is made of it"
            whole = self._log_yes(self._full_logits(features, batch))
            try:
                ours = self._log_yes(self._prefix_logits(features, batch, group))
            except (RuntimeError, TypeError, ValueError, LookupError, AttributeError) as error:
                return f"the model does not go on from a cache ({type(error).__name__})"
        off = float((whole - ours).abs().max())
        # Rounding alone changes a log-probability by some dozens of machine epsilons.
        return "" if off <= 64 * torch.finfo(self._model.dtype).eps else f"off by {off:.1e}"

    def _is_causal(
        self, features: Sequence[PromptImage], batch: Sequence[Sequence[int]], length: int
    ) -> bool:
        """Return whether attention is causal: what follows a prefix does not change its logits."""
        import torch

        prompts, _ = self._prompts.assemble(batch, [image.tokens for image in features])
        end = length + len(features[0].tokens.ids) - 2
        inputs = {**self._to_device(prompts), **self._image_inputs(features)}
        kept = torch.tensor([end], device=self.device)
        logits = self._model(**inputs, logits_to_keep=kept, use_cache=False).logits.float()
        eps = torch.finfo(self._model.dtype).eps
        return bool((logits - logits[:1]).abs().max() <= 4 * eps * logits.abs().max())


def _noise() -> Image:
    """Return an image of noise."""
    import numpy as np
    from PIL import Image

    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8))


def _is_pixels(name: str) -> bool:
    return name.startswith("pixel")


def _tower(model: Any) -> Any:
    """Return the method that encodes images, where ``forward`` takes its result; else None."""
    import inspect

    taken = inspect.signature(model.forward).parameters
    return getattr(model, "get_image_features", None) if "mm_encoder_outputs" in taken else None


def _tower_output(features: Sequence[PromptImage]) -> Any:
    """Return features in the form of the vision tower's output: a list, one entry per image."""
    from transformers.modeling_outputs import BaseModelOutputWithPooling

    each: Any = [image.features for image in features]
    return BaseModelOutputWithPooling(pooler_output=each)


def load(rest: str, options: LoadOptions) -> AnswerScorer:
    """Load ``ORG/REPO`` or a folder.

    Raises:
        UsageError: neither a repository nor a folder was typed.
        ModelError: the model answers no questions about images, or lacks weights.
        WeightsUnavailable: the checkpoint cannot be read.
    """
    from transformers import AutoModelForImageTextToText

    folder, config = open_folder(rest, "vqascore", options)
    if type(config) not in AutoModelForImageTextToText._model_mapping:
        made = ", ".join(config.architectures or ()) or "no architecture named"
        raise ModelError(
            f"{folder} is of type '{config.model_type}' ({made}), which answers no questions about "
            "images. vqascore: takes models like LLaVA (AutoModelForImageTextToText)."
        )
    if config.is_encoder_decoder or config.get_text_config().is_encoder_decoder:
        raise ModelError(
            f"{folder} is of type '{config.model_type}', with an encoder and a decoder of its "
            "text. vqascore: takes only models whose language model is causal (decoder-only)."
        )
    return AnswerScorer(
        read_pretrained(AutoModelForImageTextToText, folder, options),
        read_processor(folder, options),
        name=f"vqascore:{rest}",
        weights=str(folder),
        options=options,
    )


FAMILY = ModelFamily(
    name="vqascore",
    usage={
        "vqascore:ORG/REPO": "a generative model of the hub, by its probability of Yes (VQAScore)",
        "vqascore:PATH": "the same from a folder",
    },
    load=load,
    options=frozenset({"allow_partial", "trust_pickle", "trust_remote_code"}),
)
