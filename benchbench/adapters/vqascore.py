"""Captions as questions: ``vqascore:ORG/REPO`` or ``vqascore:PATH``, a model that answers in words.

The score is the logarithm of the probability that the answer to *Does this figure show "…"? Please
answer yes or no.* is *Yes* (Lin et al., *Evaluating Text-to-Visual Generation with Image-to-Text
Generation*, ECCV 2024, §3; the wording is that of t2v_metrics): P("Yes") itself, not its share of
P("Yes") + P("No"). Upstream's LLaVA takes the geometric mean with the token that ends the answer;
the paper's formula, without it, is what is computed here.

A picture goes through the vision tower once, and what the prompts of one picture in a batch begin
with goes through the language model once (``beginnings``), where the model allows it. Prompts are
padded on the right and read at their own last token: for attention that looks back alone, padding
after it changes nothing, whatever the positions are made of. What a picture's placeholder becomes
is learnt from the processor, picture by picture, and put into each prompt's ids; that this equals
the processor's own is checked when a model is loaded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchbench.adapters.prefix_cache import begun, cache_name, groups, read_on
from benchbench.adapters.pretrained import manifest, open_folder, read_filled, read_processor
from benchbench.adapters.prompts import PROBES, Prompts, Run, answer_tokens
from benchbench.errors import ModelError
from benchbench.types import LoadOptions, ModelFamily

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from PIL.Image import Image
    from torch import Tensor

    from benchbench.adapters.huggingface.weights import Filled
    from benchbench.adapters.prefix_cache import Group

QUESTION = 'Does this figure show "{}"? Please answer yes or no.'
ANSWER = "Yes"


@dataclass(frozen=True, slots=True)
class Seen:
    """A picture on its way into prompts."""

    run: Run
    """What its placeholder becomes."""
    inputs: Mapping[str, Tensor]
    """The processor's other tensors: pixels until they are encoded, sizes, grids."""
    features: Tensor | None = None
    """Of the vision tower, in the language model's width; None where it goes along with pairs."""


class Answering:
    """A pair scorer by a generative model's first token."""

    def __init__(
        self,
        filled: Filled,
        processor: Any,
        *,
        name: str,
        weights: str,
        options: LoadOptions,
    ) -> None:
        import torch

        model = filled.model
        self._model = model
        self._prompts = Prompts(processor, QUESTION)
        self._tower = _tower(model)
        self._cache_name = cache_name(model)
        answers = answer_tokens(processor.tokenizer, ANSWER)
        self.device = str(model.device)
        self._yes = torch.tensor(list(answers.values()), device=model.device)
        against = self._against_beginnings()
        self.by_picture = not against
        """Captions of a picture are to stand together in a batch."""
        positions = getattr(model.config.get_text_config(), "max_position_embeddings", 2**31)
        self.manifest = manifest(
            filled,
            processor,
            options,
            name=name,
            weights=weights,
            context_length=int(positions) - self._prompts.longest_run + 1,
            settings={
                "score": f"log P({ANSWER})",
                "prompt": self._prompts.text(["{}"])[0],
                "answer_tokens": answers,
                "pictures_encoded": "once" if self._tower else "with every pair",
                "beginnings_read": f"with every pair: {against}" if against else "once a batch",
            },
        )

    def transform(self, image: Image) -> Seen:
        """The processor's tensors, and what it makes of the placeholder."""
        run, inputs = self._prompts.prepare(image)
        return Seen(run, inputs)

    def encode_images(self, pictures: Sequence[Seen]) -> Sequence[Seen]:
        """Through the vision tower, together where they are of one shape."""
        if self._tower is None:
            return pictures
        shapes = {tuple((k, v.shape) for k, v in seen.inputs.items()) for seen in pictures}
        parts = [pictures] if len(shapes) == 1 else [[seen] for seen in pictures]
        return [seen for part in parts for seen in self._encoded(part)]

    def _encoded(self, pictures: Sequence[Seen]) -> Sequence[Seen]:
        features = self._tower(**self._joined(pictures), return_dict=True).pooler_output
        if len(features) != len(pictures):
            raise ModelError(
                f"{self.manifest.name} makes {len(features)} features of {len(pictures)} pictures."
            )
        kept = [{k: v for k, v in seen.inputs.items() if not _is_pixels(k)} for seen in pictures]
        return [
            Seen(seen.run, rest, each)
            for seen, rest, each in zip(pictures, kept, features, strict=True)
        ]

    def _joined(self, pictures: Sequence[Seen]) -> dict[str, Tensor]:
        """Their tensors, one after the other, on the model's device and in its precision."""
        import torch

        joined = {}
        for name in pictures[0].inputs:
            each = torch.cat([seen.inputs[name] for seen in pictures]).to(self.device)
            joined[name] = each.to(self._model.dtype) if each.is_floating_point() else each
        return joined

    def token_ids(self, texts: Sequence[str]) -> list[tuple[int, ...]]:
        """Ids of the whole prompt, its end first: a cut for length leaves the question whole."""
        return self._prompts.token_ids(texts)

    def tokenize(self, texts: Sequence[str]) -> list[tuple[int, ...]]:
        """Ids of the prompts, cut within the caption where they are too long."""
        return self._prompts.cut(texts, self.manifest.context_length)

    def score(self, features: Sequence[Seen], batch: list[tuple[int, ...]]) -> Tensor:
        """log P(Yes): [n]."""
        import torch

        if not self.by_picture:
            return self._log_yes(self._whole(features, batch))
        found = torch.empty(len(batch), device=self.device)
        pictures, tokens = [id(seen) for seen in features], [len(s.run.ids) for s in features]
        alone: list[int] = []
        for group in groups(batch, pictures, tokens, self._prompts.placeholder):
            if group.pays:
                found[list(group.rows)] = self._log_yes(
                    self._from_beginnings(features, batch, group)
                )
            else:
                alone += group.rows
        if alone:
            some, told = [features[i] for i in alone], [batch[i] for i in alone]
            found[alone] = self._log_yes(self._whole(some, told))
        return found

    def _log_yes(self, logits: Tensor) -> Tensor:
        logs = logits.float().log_softmax(dim=-1)
        return logs[:, self._yes].logsumexp(dim=-1)

    def _whole(self, features: Sequence[Seen], batch: Sequence[Sequence[int]]) -> Tensor:
        """Logits after each prompt, read in one go: [n, vocabulary]."""
        import torch

        told, lengths = self._prompts.assemble(batch, [seen.run for seen in features])
        last = torch.tensor(lengths, device=self.device) - 1
        kept = torch.arange(int(last.min()), int(last.max()) + 1, device=self.device)
        inputs = {**self._moved(told), **self._shown(features)}
        logits = self._model(**inputs, logits_to_keep=kept, use_cache=False).logits
        rows = torch.arange(len(last), device=self.device)
        return logits[rows, last - kept[0]]  # type: ignore[no-any-return]

    def _from_beginnings(
        self, features: Sequence[Seen], batch: Sequence[Sequence[int]], group: Group
    ) -> Tensor:
        """The same of a group's rows, what a picture's prompts begin with being read once."""
        import torch

        pictures = [features[i] for i in group.pictures]
        beginning = [batch[i][: group.length] for i in group.pictures]
        told, _ = self._prompts.assemble(beginning, [seen.run for seen in pictures])
        start = begun(self._model, self._moved(told), self._shown(pictures), self._cache_name)
        runs = [features[i].run for i in group.rows]
        told, lengths = self._prompts.ends([batch[i] for i in group.rows], runs, group.length)
        of_row = torch.tensor(group.of_row, device=self.device)
        ends = torch.tensor(lengths, device=self.device)
        return read_on(self._model, start, of_row, self._moved(told), ends)

    def _shown(self, features: Sequence[Seen]) -> dict[str, Any]:
        """The pictures as the model takes them."""
        shown: dict[str, Any] = self._joined(features)
        if features[0].features is not None:
            shown["mm_encoder_outputs"] = {"image": _towers_output(features)}
        return shown

    def _moved(self, told: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {name: each.to(self.device) for name, each in told.items()}

    def _against_beginnings(self) -> str:
        """Why prompts must be read whole; nothing where going on from a beginning is the same."""
        import torch

        with torch.inference_mode():
            features = [*self.encode_images([self.transform(_noise())])] * len(PROBES)
            batch = self._prompts.cut(PROBES, 2**31)
            same = [0] * len(batch)
            (group,) = groups(batch, same, same, self._prompts.placeholder)
            if not group.pays:
                return "the prompts of a picture begin differently"
            if not self._looks_back(features, batch, group.length):
                return "what follows a token changes what is made of it"
            whole = self._log_yes(self._whole(features, batch))
            try:
                ours = self._log_yes(self._from_beginnings(features, batch, group))
            except (RuntimeError, TypeError, ValueError, LookupError, AttributeError) as error:
                return f"the model does not go on from a cache ({type(error).__name__})"
        off = float((whole - ours).abs().max())
        # Rounding alone moves a logarithm of a probability by some dozens of the least step.
        return "" if off <= 64 * torch.finfo(self._model.dtype).eps else f"off by {off:.1e}"

    def _looks_back(
        self, features: Sequence[Seen], batch: Sequence[Sequence[int]], length: int
    ) -> bool:
        """Whether prompts of a picture are alike at their beginnings' end, whatever follows."""
        import torch

        told, _ = self._prompts.assemble(batch, [seen.run for seen in features])
        end = length + len(features[0].run.ids) - 2
        inputs = {**self._moved(told), **self._shown(features)}
        kept = torch.tensor([end], device=self.device)
        logits = self._model(**inputs, logits_to_keep=kept, use_cache=False).logits.float()
        eps = torch.finfo(self._model.dtype).eps
        return bool((logits - logits[:1]).abs().max() <= 4 * eps * logits.abs().max())


def _noise() -> Image:
    """A picture of nothing."""
    import numpy as np
    from PIL import Image

    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8))


def _is_pixels(name: str) -> bool:
    return name.startswith("pixel")


def _tower(model: Any) -> Any:
    """What encodes pictures by themselves, where the model takes that back; else None."""
    import inspect

    taken = inspect.signature(model.forward).parameters
    return getattr(model, "get_image_features", None) if "mm_encoder_outputs" in taken else None


def _towers_output(features: Sequence[Seen]) -> Any:
    """Features as the vision tower gives them for that many pictures: a list, one a picture."""
    from transformers.modeling_outputs import BaseModelOutputWithPooling

    each: Any = [seen.features for seen in features]
    return BaseModelOutputWithPooling(pooler_output=each)


def load(rest: str, options: LoadOptions) -> Answering:
    """Load ``ORG/REPO`` or a folder.

    Raises:
        UsageError: what was typed names none.
        ModelError: it answers no questions about pictures, or lacks weights.
        WeightsUnavailable: it cannot be read.
    """
    from transformers import AutoModelForImageTextToText

    folder, config = open_folder(rest, "vqascore", options)
    if type(config) not in AutoModelForImageTextToText._model_mapping:
        made = ", ".join(config.architectures or ()) or "no architecture named"
        raise ModelError(
            f"{folder} is of type '{config.model_type}' ({made}), which answers no questions about "
            "pictures. vqascore: takes LLaVA and its kin (AutoModelForImageTextToText)."
        )
    if config.is_encoder_decoder or config.get_text_config().is_encoder_decoder:
        raise ModelError(
            f"{folder} is of type '{config.model_type}', with an encoder and a decoder of its "
            "text; vqascore: takes models whose language model looks back alone."
        )
    return Answering(
        read_filled(AutoModelForImageTextToText, folder, options),
        read_processor(folder, options),
        name=f"vqascore:{rest}",
        weights=str(folder),
        options=options,
    )


FAMILY = ModelFamily(
    name="vqascore",
    usage={
        "vqascore:ORG/REPO": "a model of the hub that answers in words, by its probability of Yes",
        "vqascore:PATH": "the same from a folder",
    },
    load=load,
    options=frozenset({"allow_partial", "trust_pickle", "trust_remote_code"}),
)
