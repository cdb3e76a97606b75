"""The answering protocol: a question about an image, with a list of answers to choose from.

A generative model gets the image and the whole question, and each answer is scored by the
log-probability that the model's own answer begins with it. The best one is the model's choice, so
that nothing is generated and no answer has to be parsed. Publications that generate text and search
it for an answer can differ from this where a model evades the question.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from benchbench.embedding.encoder import first_crops
from benchbench.errors import Unsuited
from benchbench.protocols import ties as tie_rule
from benchbench.protocols.contents import image_content
from benchbench.protocols.protocol import Answers, Events
from benchbench.protocols.stored import by_rows
from benchbench.types import Answered, Prompted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from benchbench.embedding import Encoder
    from benchbench.protocols.stored import Bases
    from benchbench.types import ImageRef, Metric, Model, Outcome, Prompt, Ties


class Answering:
    """The answering protocol (see ``protocol.Protocol``)."""

    judgements: frozenset[str] = frozenset({"answer"})
    pooled: frozenset[str] = frozenset()
    sample_note = ""
    event_tags: frozenset[str] = frozenset()
    item_tags: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()

    def answer(self, items: Sequence[Prompt], model: Model, encoder: Encoder) -> Answers:
        """Score each answer with every question that offers it.

        Raises:
            Unsuited: the model answers no questions.
        """
        if not isinstance(model, Prompted):
            raise Unsuited(
                f"{model.manifest.name} answers no questions: this task is for generative models, "
                "as vqascore:ORG/REPO."
            )
        encoder.check_files(first_crops(item.image for item in items))
        kept = encoder.readable(items)
        scores = [np.empty(len(item.options), dtype=np.float32) for item in kept]
        n_pairs = 0
        for option in dict.fromkeys(option for item in kept for option in item.options):
            asked = [i for i, item in enumerate(kept) if option in item.options]
            blocks = [((kept[i].image,), (kept[i].text,)) for i in asked]
            scored = encoder.pairs(blocks, model.answering(option), option)
            n_pairs += scored.n_pairs
            for i in asked:
                found = scored.take((kept[i].image,), (kept[i].text,))[0, 0]
                scores[i][[each == option for each in kept[i].options]] = found
        outcomes = (
            Answered(item.id, item.cluster, item.tags, item.right, values)
            for item, values in zip(kept, scores, strict=True)
        )
        return Answers(kept, tuple(outcomes), {"pairs": n_pairs})

    def uses_encoder(self, model: Model) -> bool:
        """Return True: embeddings and pair scores alone are compared."""
        return True

    def regions(self, item: Prompt) -> Iterator[ImageRef]:
        """Yield the item's image."""
        yield item.image

    def events(self, outcomes: Sequence[Answered], metric: Metric, ties: Ties) -> Events:
        """Return one event per item."""
        return Events(
            values=np.array(
                [
                    tie_rule.credit(o.scores[None], np.array([o.right], dtype=np.intp), ties)[0]
                    for o in outcomes
                ],
                dtype=np.float64,
            ),
            chance=np.array([1 / len(o.scores) for o in outcomes], dtype=np.float64),
            outcome=np.arange(len(outcomes), dtype=np.intp),
        )

    def counted(self, outcomes: Sequence[Answered]) -> Iterator[str]:
        """Yield how often the first answer was chosen, and how often it is right."""
        first = sum(int(o.scores.argmax()) == 0 for o in outcomes)
        right = sum(o.right == 0 for o in outcomes)
        yield f"first answer chosen {first:,} times, right {right:,} times"

    def remarks(self, outcomes: Sequence[Answered], metrics: Sequence[Metric]) -> Iterator[str]:
        """Yield nothing: the metrics are complete."""
        return iter(())

    def columns(self, outcomes: Sequence[Answered]) -> Mapping[str, Any]:
        """Return the columns ``right`` and ``scores``."""
        import pyarrow as pa

        return {
            "right": pa.array([o.right for o in outcomes], pa.int16()),
            "scores": pa.array([o.scores for o in outcomes], pa.list_(pa.float32())),
        }

    def outcomes(self, columns: Mapping[str, Any], bases: Bases) -> tuple[Outcome, ...]:
        """Return the outcomes stored in columns, row by row (``outcome``)."""
        return by_rows(self.outcome, columns, bases)

    def outcome(self, row: Mapping[str, Any], base: Mapping[str, Any]) -> Outcome:
        """Return the outcome stored in a row.

        Raises:
            ValueError: a score is not finite, or the right answer is not among them.
        """
        scores = np.asarray(row["scores"], dtype=np.float32)
        if not np.isfinite(scores).all():
            raise ValueError("scores that are not finite")
        if not 0 <= row["right"] < len(scores):
            raise ValueError(f"right answer {row['right']} of {len(scores)}")
        return Answered(**base, right=row["right"], scores=scores)

    def content(self, item: Any, root: Path) -> str:
        """Return the digest of the image, the question, its answers and the right one."""
        return image_content(item.image, [item.text, item.options, item.right], root)

    def problems(self, item: Any) -> Iterator[str]:
        """Yield contract violations: no question, no choice, or no right answer."""
        if not item.text.strip():
            yield "has an empty question"
        if len(item.options) < 2 or len(set(item.options)) < len(item.options):
            yield "needs two or more different answers"
        if not 0 <= item.right < len(item.options):
            yield f"right answer {item.right} is not among {len(item.options)}"


PROTOCOL = Answering()
