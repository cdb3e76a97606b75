"""``vqascore:ORG/REPO``, ``vqascore:PATH``: score pairs by a generative model's P(Yes) (VQAScore).

The score of an image and a caption is log P("Yes") for the question *Does this figure show "…"?
Please answer yes or no.* (Lin et al., *Evaluating Text-to-Visual Generation with Image-to-Text
Generation*, ECCV 2024, §3). The wording is that of the authors' package, t2v_metrics. P("Yes") is
not divided by P("Yes") + P("No"). For LLaVA, t2v_metrics takes the geometric mean with the
probability of the token that ends the answer; the paper's formula, used here, has no such token.

``prompted`` tells how images and prompts are read.
"""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING, Any

from benchbench.adapters.prefix_cache import continue_prefixes
from benchbench.adapters.pretrained import read_pretrained, read_processor
from benchbench.adapters.prompted import PromptScorer, open_causal
from benchbench.adapters.prompts import Prompts, answer_tokens
from benchbench.types import LoadOptions, ModelFamily

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from benchbench.adapters.huggingface.weights import PretrainedModel
    from benchbench.adapters.prefix_cache import PrefixGroup
    from benchbench.adapters.prompted import PromptImage

QUESTION = 'Does this figure show "{}"? Please answer yes or no.'
ANSWER = "Yes"
LIKELY = math.log(0.5)
"""The score above which the answer is Yes rather than anything else."""


class AnswerScorer(PromptScorer):
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

        super().__init__(pretrained, processor, Prompts(processor, QUESTION))
        self.threshold: float | None = LIKELY
        answers = answer_tokens(processor.tokenizer, ANSWER)
        self._yes = torch.tensor(list(answers.values()), device=self.device)
        settings = {
            "score": f"log P({ANSWER})",
            "prompt": self._prompts.text(["{}"])[0],
            "answer_tokens": answers,
        }
        self.manifest = self._describe(options, settings, name=name, weights=weights)

    def answering(self, answer: str) -> AnswerScorer:
        """Return a scorer of whole questions by the log-probability of this answer, a single token.

        Raises:
            ModelError: the answer is not a single token.
        """
        import torch

        other = copy.copy(self)
        other.threshold = None
        other._prompts = Prompts(self._processor, "{}")
        tokens = answer_tokens(self._processor.tokenizer, answer)
        other._yes = torch.tensor(list(tokens.values()), device=self.device)
        other.by_image = not other._prefix_problem()
        return other

    def _score_whole(
        self, features: Sequence[PromptImage], batch: Sequence[Sequence[int]]
    ) -> Tensor:
        import torch

        prompts, lengths = self._prompts.assemble(batch, [image.tokens for image in features])
        last = torch.tensor(lengths, device=self.device) - 1
        kept = torch.arange(int(last.min()), int(last.max()) + 1, device=self.device)
        inputs = {**self._to_device(prompts), **self._image_inputs(features)}
        logits = self._model(**inputs, logits_to_keep=kept, use_cache=False).logits
        rows = torch.arange(len(last), device=self.device)
        return self._log_yes(logits[rows, last - kept[0]])

    def _score_group(
        self, features: Sequence[PromptImage], batch: Sequence[Sequence[int]], group: PrefixGroup
    ) -> Tensor:
        return self._log_yes(
            continue_prefixes(self._model, *self._read_group(features, batch, group))
        )

    def _log_yes(self, logits: Tensor) -> Tensor:
        logs = logits.float().log_softmax(dim=-1)
        return logs[:, self._yes].logsumexp(dim=-1)


def load(rest: str, options: LoadOptions) -> AnswerScorer:
    """Load ``ORG/REPO`` or a folder.

    Raises:
        UsageError: neither a repository nor a folder was typed.
        ModelError: the model answers no questions about images, or lacks weights.
        WeightsUnavailable: the checkpoint cannot be read.
    """
    from transformers import AutoModelForImageTextToText

    does = "answers no questions about images"
    folder, _ = open_causal(rest, "vqascore", does, options)
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
