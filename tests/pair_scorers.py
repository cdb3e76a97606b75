"""Tiny random models of transformers in folders, with tokenizers made here; and a plain scorer."""

from __future__ import annotations

import hashlib
import string
from typing import TYPE_CHECKING, Any

import torch

from benchbench.types import ModelManifest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from PIL.Image import Image

WORDS = "a the is to left right of and on in beside inside red green blue square circle bar dog"
SPREAD = 0.4
"""Of random weights: enough for pictures and captions to make a difference."""


def _words() -> Any:
    """BERT's kind of tokenizer: words that it knows, letters otherwise."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    letters = [*string.ascii_lowercase, *string.digits, *string.punctuation]
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS.split(), *letters]
    tokens += [f"##{letter}" for letter in letters]
    vocabulary = {token: i for i, token in enumerate(dict.fromkeys(tokens))}
    inner = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    inner.normalizer = normalizers.BertNormalizer()
    inner.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    inner.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    named = {"unk_token": "[UNK]", "pad_token": "[PAD]", "cls_token": "[CLS]"}
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, sep_token="[SEP]", model_max_length=512, **named
    )


def _bytes() -> Any:
    """A byte-level tokenizer without merges, but with answers."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    tokens = ["<pad>", "<s>", "</s>", "<unk>", "<image>", "Yes", "ĠYes", "No"]
    tokens += sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: i for i, token in enumerate(tokens)}
    inner = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    named = {"unk_token": "<unk>", "pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>"}
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, additional_special_tokens=["<image>"], **named
    )


def _saved(model: Any, processor: Any, folder: Path) -> Path:
    from transformers.utils import logging

    logging.disable_progress_bar()
    model.save_pretrained(folder)
    logging.enable_progress_bar()
    processor.save_pretrained(folder)
    return folder


LAYERS = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
HEADS = {"num_attention_heads": 2, "initializer_range": SPREAD}


def save_blip(folder: Path) -> Path:
    """``BlipForImageTextRetrieval``, its two rows beyond the tokenizer as in published ones."""
    from transformers import (
        BlipConfig,
        BlipForImageTextRetrieval,
        BlipImageProcessor,
        BlipProcessor,
    )

    tokenizer = _words()
    text = {"vocab_size": len(tokenizer) + 2, "encoder_hidden_size": 32, "projection_dim": 16}
    text |= {"max_position_embeddings": 64, "bos_token_id": len(tokenizer), "pad_token_id": 0}
    config = BlipConfig(
        text_config={**LAYERS, **HEADS, **text},
        vision_config={**LAYERS, **HEADS, "image_size": 32, "patch_size": 8},
        image_text_hidden_size=16,
        initializer_range=SPREAD,
    )
    torch.manual_seed(0)
    model = BlipForImageTextRetrieval(config)
    pictures = BlipImageProcessor(size={"height": 32, "width": 32})
    return _saved(model, BlipProcessor(pictures, tokenizer), folder)


def save_blip2(folder: Path) -> Path:
    """``Blip2ForImageTextRetrieval``."""
    from transformers import (
        Blip2Config,
        Blip2ForImageTextRetrieval,
        Blip2Processor,
        BlipImageProcessor,
    )

    tokenizer = _words()
    text = {"vocab_size": len(tokenizer) + 1, "encoder_hidden_size": 32}
    text |= {"max_position_embeddings": 64, "cross_attention_frequency": 1}
    config = Blip2Config(
        vision_config={**LAYERS, **HEADS, "image_size": 32, "patch_size": 8},
        qformer_config={**LAYERS, **HEADS, **text, "use_qformer_text_input": True},
        num_query_tokens=4,
        image_text_hidden_size=16,
        initializer_range=SPREAD,
    )
    torch.manual_seed(0)
    model = Blip2ForImageTextRetrieval(config)
    torch.nn.init.normal_(model.query_tokens, std=SPREAD)
    pictures = BlipImageProcessor(size={"height": 32, "width": 32})
    return _saved(model, Blip2Processor(pictures, tokenizer), folder)


TEMPLATE = (
    "{{ '<s>' }}{% for m in messages %}{{ 'USER: ' }}{% for c in m['content'] %}"
    "{% if c['type'] == 'image' %}{{ '<image>\n' }}{% else %}{{ c['text'] }}{% endif %}"
    "{% endfor %}{% endfor %}{{ ' ASSISTANT:' }}"
)


def save_llava(folder: Path) -> Path:
    """``LlavaForConditionalGeneration``: a CLIP of four patches before a Llama of bytes."""
    from transformers import (
        CLIPImageProcessor,
        CLIPVisionConfig,
        LlamaConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
        LlavaProcessor,
    )

    tokenizer = _bytes()
    text = LlamaConfig(
        **LAYERS, **HEADS, vocab_size=len(tokenizer), max_position_embeddings=256, pad_token_id=0
    )
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(**LAYERS, **HEADS, image_size=32, patch_size=16),
        text_config=text,
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        vision_feature_layer=-1,
    )
    torch.manual_seed(0)
    model = LlavaForConditionalGeneration(config)
    processor = LlavaProcessor(
        CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}),
        tokenizer,
        patch_size=16,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=TEMPLATE,
    )
    return _saved(model, processor, folder)


class HashScorer:
    """A pair scorer by hashes, which counts what it is given; captions are read in lower case."""

    device = "cpu"

    def __init__(self, context_length: int = 400) -> None:
        self.transformed = 0
        self.encoded: list[int] = []
        """Pictures of each call."""
        self.batches: list[list[tuple[bytes, bytes]]] = []
        self.manifest = ModelManifest(
            name="hash-scorer",
            architecture="none",
            weights="none",
            weights_sha256="0" * 64,
            trained=True,
            activation="none",
            preprocessing={},
            tokenizer="lower-case UTF-8",
            context_length=context_length,
            dtype="fp32",
            parameters=0,
            similarity="pairs",
        )

    def transform(self, image: Image) -> bytes:
        self.transformed += 1
        return hashlib.sha256(f"{image.size}".encode() + image.tobytes()).digest()

    def encode_images(self, pictures: Sequence[bytes]) -> list[bytes]:
        self.encoded.append(len(pictures))
        return list(pictures)

    def token_ids(self, texts: Sequence[str]) -> list[tuple[int, ...]]:
        return [tuple(text.lower().encode()) for text in texts]

    def tokenize(self, texts: Sequence[str]) -> list[bytes]:
        return [text.lower().encode()[: self.manifest.context_length] for text in texts]

    def score(self, features: Sequence[bytes], batch: list[bytes]) -> torch.Tensor:
        pairs = list(zip(features, batch, strict=True))
        self.batches.append(pairs)
        return torch.tensor([hashed(*pair) for pair in pairs])


def hashed(picture: bytes, caption: bytes) -> float:
    """A number in [0, 1) with few steps, so that some pairs tie."""
    return hashlib.sha256(picture + caption).digest()[0] / 256
