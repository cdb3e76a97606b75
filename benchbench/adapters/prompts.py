"""A question about a picture as token ids, put together from what a processor does to its parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchbench.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from PIL.Image import Image
    from torch import Tensor

PROBES = ("a", "the horses, left of 2 men", "Is it?")
"""Captions that a processor's prompts are learnt from, and checked on."""


@dataclass(frozen=True, slots=True)
class Run:
    """What a picture's placeholder becomes."""

    ids: tuple[int, ...]
    marks: Mapping[str, tuple[tuple[int, ...], int]]
    """Further tensors in parallel to the ids (types of tokens): values here, and elsewhere."""


class Prompts:
    """Captions in a template, by a processor: with its chat template, where it has one."""

    def __init__(self, processor: Any, template: str) -> None:
        from PIL import Image

        self._processor = processor
        self._template = template
        self._plain = self._ids(PROBES)
        self.placeholder = self._find_placeholder()
        self._tail = shared(*(ids[::-1] for ids in self._plain))
        grey = Image.new("RGB", (64, 48), (127, 127, 127))
        run, _ = self.prepare(grey)
        self.longest_run = len(run.ids)
        self._check(grey, run)

    def text(self, captions: Sequence[str]) -> list[str]:
        """The prompts as strings, one placeholder in each."""
        return [self._prompt(self._template.replace("{}", caption)) for caption in captions]

    def _prompt(self, question: str) -> str:
        processor = self._processor
        if getattr(processor, "chat_template", None) is None:
            return f"{getattr(processor, 'image_token', '<image>')}\n{question}"
        content = [{"type": "image"}, {"type": "text", "text": question}]
        said = processor.apply_chat_template(
            [{"role": "user", "content": content}], add_generation_prompt=True, tokenize=False
        )
        return str(said)

    def _ids(self, captions: Sequence[str]) -> list[tuple[int, ...]]:
        rows = self._processor.tokenizer(self.text(captions), truncation=False, verbose=False)
        return [tuple(ids) for ids in rows["input_ids"]]

    def _find_placeholder(self) -> int:
        """The id that stands for a picture: the processor's, or its tokenizer's."""
        token = getattr(self._processor, "image_token", "<image>")
        number = self._processor.tokenizer.convert_tokens_to_ids(str(token))
        if not isinstance(number, int) or any(ids.count(number) != 1 for ids in self._plain):
            raise ModelError(
                f"The prompts of {type(self._processor).__name__} have no single place for a "
                "picture, so that captions cannot be put to it as questions."
            )
        return number

    def prepare(self, image: Image) -> tuple[Run, dict[str, Tensor]]:
        """What the placeholder becomes for a picture, and the picture's own tensors."""
        made = dict(
            self._processor(images=image, text=self.text(PROBES[:1])[0], return_tensors="pt")
        )
        ids = made.pop("input_ids")
        made.pop("attention_mask", None)
        plain, full = self._plain[0], tuple(ids[0].tolist())
        start = plain.index(self.placeholder)
        end = len(full) - (len(plain) - start - 1)
        marks = {}
        for name in [name for name, each in made.items() if each.shape == ids.shape]:
            values = tuple(made.pop(name)[0].tolist())
            marks[name] = (values[start:end], values[-1])
        return Run(full[start:end], marks), made

    def _check(self, image: Image, run: Run) -> None:
        """Hold what is put together against the processor's own ids."""
        for caption, plain in zip(PROBES, self._plain, strict=True):
            text = self.text([caption])[0]
            own = self._processor(images=image, text=text, return_tensors="pt")
            told, _ = self.assemble([plain], [run])
            if any(told[name].tolist() != own[name].tolist() for name in ("input_ids", *run.marks)):
                raise ModelError(
                    f"{type(self._processor).__name__} makes of a picture and a prompt what cannot "
                    "be put together from its parts; such models cannot be asked yet."
                )

    def token_ids(self, captions: Sequence[str]) -> list[tuple[int, ...]]:
        """Ids with the template's end moved to the front: what is cut off is the caption's."""
        return [ids[len(ids) - self._tail :] + ids[: -self._tail] for ids in self._asked(captions)]

    def cut(self, captions: Sequence[str], longest: int) -> list[tuple[int, ...]]:
        """Ids in their order; those of more than ``longest`` lack the end of the caption."""
        room = longest - self._tail
        return [
            ids if len(ids) <= longest else ids[:room] + ids[len(ids) - self._tail :]
            for ids in self._asked(captions)
        ]

    def _asked(self, captions: Sequence[str]) -> list[tuple[int, ...]]:
        """Ids of prompts, each with one placeholder."""
        rows = self._ids(captions)
        for caption, ids in zip(captions, rows, strict=True):
            if ids.count(self.placeholder) != 1:
                raise ModelError(
                    f"The caption {caption!r} holds the model's own token for a picture."
                )
        return rows

    def assemble(
        self, prompts: Sequence[Sequence[int]], runs: Sequence[Run]
    ) -> tuple[dict[str, Tensor], list[int]]:
        """Prompt i with picture i: ``input_ids``, ``attention_mask`` and marks, and the lengths.

        Tensors are [n, longest], padded on the right.
        """
        whole = [self._filled(ids, run.ids) for ids, run in zip(prompts, runs, strict=True)]
        lengths = [len(ids) for ids in whole]
        padding = self._processor.tokenizer.pad_token_id or 0
        told = {"input_ids": _padded(whole, padding), "attention_mask": _mask(lengths)}
        for name in runs[0].marks:
            rows = []
            for ids, run in zip(prompts, runs, strict=True):
                inside, outside = run.marks[name]
                before = ids.index(self.placeholder)
                after = len(ids) - before - 1
                rows.append([outside] * before + list(inside) + [outside] * after)
            told[name] = _padded(rows, 0)
        return told, lengths

    def ends(
        self, prompts: Sequence[Sequence[int]], runs: Sequence[Run], start: int
    ) -> tuple[dict[str, Tensor], list[int]]:
        """What follows a beginning of ``start`` ids with a picture; else as ``assemble``."""
        rows = [ids[start:] for ids in prompts]
        lengths = [len(ids) for ids in rows]
        padding = self._processor.tokenizer.pad_token_id or 0
        told = {"input_ids": _padded(rows, padding), "attention_mask": _mask(lengths)}
        for name in runs[0].marks:
            beyond = [[run.marks[name][1]] * n for run, n in zip(runs, lengths, strict=True)]
            told[name] = _padded(beyond, 0)
        return told, lengths

    def _filled(self, ids: Sequence[int], run: Sequence[int]) -> list[int]:
        at = ids.index(self.placeholder)
        return [*ids[:at], *run, *ids[at + 1 :]]


def _mask(lengths: Sequence[int]) -> Tensor:
    """[n, longest]: 1 where a row has a token."""
    import torch

    return (torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]).long()


def _padded(rows: Sequence[Sequence[int]], value: int) -> Tensor:
    """[n, longest]."""
    import torch

    longest = max(map(len, rows))
    return torch.tensor([[*row, *[value] * (longest - len(row))] for row in rows])


def shared(*rows: Sequence[int]) -> int:
    """How many ids all rows begin with."""
    n = 0
    for column in zip(*rows, strict=False):
        if len(set(column)) > 1:
            break
        n += 1
    return n


def answer_tokens(tokenizer: Any, answer: str) -> dict[str, int]:
    """The tokens that are an answer by themselves, a space before it or not: token → id.

    Which of the two follows a prompt depends on tokenizer and template; their probabilities add up.
    Of a vocabulary that knows the answer in lower case alone, that is taken.

    Raises:
        ModelError: the answer is no single token.
    """
    vocabulary = tokenizer.get_vocab()
    for spelling in (answer, answer.lower()):
        found = {t: i for t, i in vocabulary.items() if t.lstrip("▁Ġ ") == spelling}
        if found:
            return dict(sorted(found.items()))
    raise ModelError(f"{type(tokenizer).__name__} has no single token for '{answer}'.")
