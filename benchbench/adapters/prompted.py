"""Models of images and prompts in transformers, whose language model is decoder-only.

The vision tower encodes each image once. Where the model allows it, the prompt prefix that an
image's captions share is computed once per batch (``prefix_cache``). Prompts are padded on the
right and read at their own tokens: with causal attention, padding after them has no effect,
whatever the positional embedding. The processor expands each image's placeholder once, and the
expansion is inserted into each prompt's ids; loading a model checks that these are the ids that the
processor itself returns.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchbench.adapters.prefix_cache import cache_name, prefix_groups, read_prefixes
from benchbench.adapters.pretrained import manifest, open_folder
from benchbench.adapters.prompts import SAMPLE_PROMPTS, ImageTokens, Prompts
from benchbench.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from PIL.Image import Image
    from torch import Tensor

    from benchbench.adapters.huggingface.folder import Folder
    from benchbench.adapters.huggingface.weights import PretrainedModel
    from benchbench.adapters.prefix_cache import PrefixCache, PrefixGroup
    from benchbench.types import LoadOptions, ModelManifest


@dataclass(frozen=True, slots=True)
class PromptImage:
    """A preprocessed image that can be inserted into prompts."""

    tokens: ImageTokens
    """The tokens that its placeholder expands to."""
    inputs: Mapping[str, Tensor]
    """The processor's other tensors: pixels before encoding, sizes, grids."""
    features: Tensor | None = None
    """The vision tower's output, in the language model's width; None if it runs for every pair."""


class PromptScorer(ABC):
    """A pair scorer by a generative model's probabilities of what follows a prompt, or is in it."""

    manifest: ModelManifest

    def __init__(self, pretrained: PretrainedModel, processor: Any, prompts: Prompts) -> None:
        self._pretrained = pretrained
        self._model = pretrained.model
        self._processor = processor
        self._prompts = prompts
        self._tower = _tower(self._model)
        self._cache_name = cache_name(self._model)
        self.device = str(self._model.device)
        self.by_image = False
        """Whether captions of an image should be in one batch."""

    def _describe(
        self, options: LoadOptions, settings: Mapping[str, Any], **fields: str
    ) -> ModelManifest:
        """Check how prompts can be read, and return the manifest.

        Args:
            options: how the model was loaded.
            settings: the scorer's own settings.
            fields: ``name`` and ``weights``.
        """
        against = self._prefix_problem()
        self.by_image = not against
        config = self._model.config.get_text_config()
        positions = getattr(config, "max_position_embeddings", 2**31)
        return manifest(
            self._pretrained,
            self._processor,
            options,
            **fields,
            context_length=int(positions) - self._prompts.longest_image + 1,
            settings={
                **settings,
                "pictures_encoded": "once" if self._tower else "with every pair",
                "beginnings_read": f"with every pair: {against}" if against else "once a batch",
            },
        )

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
                "images. Such models cannot be evaluated yet."
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
        """Score pairs: [n]; where an image's prompts share a prefix, that is computed once."""
        import torch

        if not self.by_image:
            return self._score_whole(features, batch)
        found = torch.empty(len(batch), device=self.device)
        alone: list[int] = []
        for group in self._groups(features, batch):
            if group.saves_work:
                found[list(group.rows)] = self._score_group(features, batch, group)
            else:
                alone += group.rows
        if alone:
            some, prompts = [features[i] for i in alone], [batch[i] for i in alone]
            found[alone] = self._score_whole(some, prompts)
        return found

    def _groups(
        self, features: Sequence[PromptImage], batch: Sequence[Sequence[int]]
    ) -> Iterator[PrefixGroup]:
        """Yield the prompts that share a prefix apart from the image."""
        keys, tokens = [id(image) for image in features], [len(s.tokens.ids) for s in features]
        return prefix_groups(batch, keys, tokens, self._prompts.placeholder)

    @abstractmethod
    def _score_whole(
        self, features: Sequence[PromptImage], batch: Sequence[Sequence[int]]
    ) -> Tensor:
        """Score pairs, each prompt computed whole: [n]."""

    @abstractmethod
    def _score_group(
        self, features: Sequence[PromptImage], batch: Sequence[Sequence[int]], group: PrefixGroup
    ) -> Tensor:
        """Score the pairs of a group, each image's prefix computed once: [rows]."""

    def _read_group(
        self, features: Sequence[PromptImage], batch: Sequence[Sequence[int]], group: PrefixGroup
    ) -> tuple[PrefixCache, Tensor, dict[str, Tensor], Tensor]:
        """Compute a group's prefixes; return the arguments of ``continue_prefixes`` but the model.

        They are the keys and values, each row's prefix, and the remainders with their lengths.
        """
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
        return start, of_row, self._to_device(prompts), torch.tensor(lengths, device=self.device)

    def _image_inputs(self, features: Sequence[PromptImage]) -> dict[str, Any]:
        """Return the images as the model's arguments."""
        inputs: dict[str, Any] = self._join(features)
        if features[0].features is not None:
            inputs["mm_encoder_outputs"] = {"image": _tower_output(features)}
        return inputs

    def _to_device(self, prompts: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {name: each.to(self.device) for name, each in prompts.items()}

    def _samples(self) -> tuple[list[PromptImage], list[tuple[int, ...]]]:
        """Return an image of noise with each of the sample captions."""
        features = [*self.encode_images([self.transform(_noise())])] * len(SAMPLE_PROMPTS)
        return features, self._prompts.cut(SAMPLE_PROMPTS, 2**31)

    def _prefix_problem(self) -> str:
        """Return why prompts must be read without a cache; "" where a prefix changes nothing.

        Manifests store the reason: a change of its wording changes model fingerprints.
        """
        import torch

        with torch.inference_mode():
            features, batch = self._samples()
            (group,) = self._groups(features, batch)
            if not group.saves_work:
                return "the prompts of a picture begin differently"
            if not self._is_causal(features, batch, group.length):
                return "what follows a token changes what is made of it"
            whole = self._score_whole(features, batch)
            try:
                ours = self._score_group(features, batch, group)
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


def open_causal(rest: str, family: str, does: str, options: LoadOptions) -> tuple[Folder, Any]:
    """Open a checkpoint of images and prompts with a decoder-only language model.

    Args:
        rest: what was typed after ``family:``.
        family: for errors.
        does: what another model lacks, for errors: "answers no questions about images".
        options: for ``trust_remote_code``.

    Returns:
        The folder and its configuration.

    Raises:
        UsageError: neither a repository nor a folder was typed.
        ModelError: the model is of another kind.
        WeightsUnavailable: the configuration cannot be read.
    """
    from transformers import AutoModelForImageTextToText

    folder, config = open_folder(rest, family, options)
    if type(config) not in AutoModelForImageTextToText._model_mapping:
        made = ", ".join(config.architectures or ()) or "no architecture named"
        raise ModelError(
            f"{folder} is of type '{config.model_type}' ({made}), which {does}. {family}: takes "
            "models like LLaVA (AutoModelForImageTextToText)."
        )
    if config.is_encoder_decoder or config.get_text_config().is_encoder_decoder:
        raise ModelError(
            f"{folder} is of type '{config.model_type}', with an encoder and a decoder of its "
            f"text. {family}: takes only models whose language model is causal (decoder-only)."
        )
    return folder, config
