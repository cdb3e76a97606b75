"""Assemble prompts with an image and a caption as token ids, from a processor's parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchbench.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from PIL.Image import Image
    from torch import Tensor

SAMPLE_PROMPTS = ("a", "the horses, left of 2 men", "Is it?")
"""Captions to find and check a processor's template with."""


@dataclass(frozen=True, slots=True)
class ImageTokens:
    """The tokens of an image's placeholder."""

    ids: tuple[int, ...]
    marks: Mapping[str, tuple[tuple[int, ...], int]]
    """Further tensors parallel to the ids (token types): values of the image, and elsewhere."""


class Prompts:
    """Captions in a template, by a processor; with its chat template, if it has one.

    Where captions are ``replies``, they follow the whole prompt as the model's answer, to the token
    that ends it.
    """

    def __init__(self, processor: Any, template: str, *, replies: bool = False) -> None:
        from PIL import Image

        self._processor = processor
        self._template = template
        self._end = _end_token(processor.tokenizer) if replies else None
        self._plain = self._ids(SAMPLE_PROMPTS)
        self.placeholder = self._find_placeholder()
        self._tail = common_length(*(ids[::-1] for ids in self._plain))
        grey = Image.new("RGB", (64, 48), (127, 127, 127))
        tokens, _ = self.prepare(grey)
        self.longest_image = len(tokens.ids)
        self._check(grey, tokens)

    def text(self, captions: Sequence[str]) -> list[str]:
        """Return prompts as strings, one placeholder in each, and replies behind them."""
        if self._end is None:
            return [self._prompt(self._template.replace("{}", caption)) for caption in captions]
        prompt = self._prompt(self._template)
        space = "" if prompt[-1:].isspace() else " "
        return [f"{prompt}{space}{caption}{self._end}" for caption in captions]

    def _prompt(self, question: str) -> str:
        processor = self._processor
        if getattr(processor, "chat_template", None) is None:
            return f"{getattr(processor, 'image_token', '<image>')}\n{question}"
        content = [{"type": "image"}, {"type": "text", "text": question}]
        text = processor.apply_chat_template(
            [{"role": "user", "content": content}], add_generation_prompt=True, tokenize=False
        )
        return str(text)

    def _ids(self, captions: Sequence[str]) -> list[tuple[int, ...]]:
        return self._tokenize(self.text(captions))

    def _tokenize(self, texts: Sequence[str]) -> list[tuple[int, ...]]:
        rows = self._processor.tokenizer(list(texts), truncation=False, verbose=False)
        return [tuple(ids) for ids in rows["input_ids"]]

    def opening(self) -> tuple[int, ...]:
        """Return the ids of the prompt before a reply, one placeholder among them."""
        return self._tokenize([self._prompt(self._template)])[0]

    def _find_placeholder(self) -> int:
        """Return the id in an image's place: the processor's, or its tokenizer's."""
        token = getattr(self._processor, "image_token", "<image>")
        number = self._processor.tokenizer.convert_tokens_to_ids(str(token))
        if not isinstance(number, int) or any(ids.count(number) != 1 for ids in self._plain):
            raise ModelError(
                f"The prompts of {type(self._processor).__name__} have no single place for "
                "an image, so that captions cannot be put into questions. Give the processor "
                "a chat template with one image."
            )
        return number

    def prepare(self, image: Image) -> tuple[ImageTokens, dict[str, Tensor]]:
        """Return the tokens of an image's placeholder, and the image's own tensors."""
        prepared = dict(
            self._processor(
                images=image, text=self.text(SAMPLE_PROMPTS[:1])[0], return_tensors="pt"
            )
        )
        ids = prepared.pop("input_ids")
        prepared.pop("attention_mask", None)
        plain, full = self._plain[0], tuple(ids[0].tolist())
        start = plain.index(self.placeholder)
        end = len(full) - (len(plain) - start - 1)
        marks = {}
        for name in [name for name, each in prepared.items() if each.shape == ids.shape]:
            values = tuple(prepared.pop(name)[0].tolist())
            marks[name] = (values[start:end], values[-1])
        return ImageTokens(full[start:end], marks), prepared

    def _check(self, image: Image, tokens: ImageTokens) -> None:
        """Compare assembled ids with the processor's own.

        Raises:
            ModelError: they differ.
        """
        for caption, plain in zip(SAMPLE_PROMPTS, self._plain, strict=True):
            text = self.text([caption])[0]
            own = self._processor(images=image, text=text, return_tensors="pt")
            inputs, _ = self.assemble([plain], [tokens])
            if any(
                inputs[name].tolist() != own[name].tolist() for name in ("input_ids", *tokens.marks)
            ):
                raise ModelError(
                    f"{type(self._processor).__name__} tokenizes an image and a prompt together "
                    "otherwise than apart. Such models cannot be evaluated yet."
                )

    def token_ids(self, captions: Sequence[str]) -> list[tuple[int, ...]]:
        """Return ids with the template's end first: truncation cuts the caption alone."""
        rows = self._rows(captions)
        return [ids[len(ids) - self._tail :] + ids[: len(ids) - self._tail] for ids in rows]

    def cut(self, captions: Sequence[str], longest: int) -> list[tuple[int, ...]]:
        """Return ids in their order; those of more than ``longest`` lack the caption's end."""
        room = longest - self._tail
        return [
            ids if len(ids) <= longest else ids[:room] + ids[len(ids) - self._tail :]
            for ids in self._rows(captions)
        ]

    def _rows(self, captions: Sequence[str]) -> list[tuple[int, ...]]:
        """Return the ids of prompts, each with one placeholder.

        Raises:
            ModelError: a caption contains the placeholder.
        """
        rows = self._ids(captions)
        for caption, ids in zip(captions, rows, strict=True):
            if ids.count(self.placeholder) != 1:
                raise ModelError(
                    f"The caption {caption!r} contains the model's own token for an image. Remove "
                    "the token."
                )
        return rows

    def assemble(
        self, prompts: Sequence[Sequence[int]], images: Sequence[ImageTokens]
    ) -> tuple[dict[str, Tensor], list[int]]:
        """Return ids, mask and marks of prompt i with image i, by their names, and the lengths.

        Tensors are [n, longest], padded on the right.
        """
        whole = [self._insert(ids, tokens.ids) for ids, tokens in zip(prompts, images, strict=True)]
        lengths = [len(ids) for ids in whole]
        padding = self._processor.tokenizer.pad_token_id or 0
        inputs = {"input_ids": _pad(whole, padding), "attention_mask": _mask(lengths)}
        for name in images[0].marks:
            rows = []
            for ids, tokens in zip(prompts, images, strict=True):
                inside, outside = tokens.marks[name]
                before = ids.index(self.placeholder)
                after = len(ids) - before - 1
                rows.append([outside] * before + list(inside) + [outside] * after)
            inputs[name] = _pad(rows, 0)
        return inputs, lengths

    def ends(
        self, prompts: Sequence[Sequence[int]], images: Sequence[ImageTokens], start: int
    ) -> tuple[dict[str, Tensor], list[int]]:
        """Return the same of what follows a prefix of ``start`` ids with an image."""
        rows = [ids[start:] for ids in prompts]
        lengths = [len(ids) for ids in rows]
        padding = self._processor.tokenizer.pad_token_id or 0
        inputs = {"input_ids": _pad(rows, padding), "attention_mask": _mask(lengths)}
        for name in images[0].marks:
            beyond = [
                [tokens.marks[name][1]] * n for tokens, n in zip(images, lengths, strict=True)
            ]
            inputs[name] = _pad(beyond, 0)
        return inputs, lengths

    def _insert(self, ids: Sequence[int], tokens: Sequence[int]) -> list[int]:
        at = ids.index(self.placeholder)
        return [*ids[:at], *tokens, *ids[at + 1 :]]


def _end_token(tokenizer: Any) -> str:
    """Return the token that ends an answer.

    Raises:
        ModelError: the tokenizer has none.
    """
    if tokenizer.eos_token is None:
        raise ModelError(
            f"{type(tokenizer).__name__} has no token that ends an answer (eos_token), so that the "
            "probability of a whole caption is unknown. Give the tokenizer one."
        )
    return str(tokenizer.eos_token)


def _mask(lengths: Sequence[int]) -> Tensor:
    """Return 1 where a row has a token: [n, longest]."""
    import torch

    return (torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]).long()


def _pad(rows: Sequence[Sequence[int]], value: int) -> Tensor:
    """Pad rows on the right: [n, longest]."""
    import torch

    longest = max(map(len, rows))
    return torch.tensor([[*row, *[value] * (longest - len(row))] for row in rows])


def common_length(*rows: Sequence[int]) -> int:
    """Return the number of ids with which all rows begin."""
    n = 0
    for column in zip(*rows, strict=False):
        if len(set(column)) > 1:
            break
        n += 1
    return n


def answer_tokens(tokenizer: Any, answer: str) -> dict[str, int]:
    """Return the tokens that are a whole answer, with a space before it or without: token → id.

    Which of the two follows a prompt depends on tokenizer and template; their probabilities add up.
    Where a vocabulary has the answer in lower case alone, that is taken.

    Raises:
        ModelError: the answer is not a single token.
    """
    vocabulary = tokenizer.get_vocab()
    for spelling in (answer, answer.lower()):
        found = {t: i for t, i in vocabulary.items() if t.lstrip("▁Ġ ") == spelling}
        if found:
            return dict(sorted(found.items()))
    raise ModelError(
        f"{type(tokenizer).__name__} has no single token for '{answer}'. "
        "It cannot be scored by one."
    )
