"""Tiny random models of transformers in folders, with tokenizers made here; and a plain scorer."""

from __future__ import annotations

import hashlib
import string
from importlib import import_module
from typing import TYPE_CHECKING, Any

import torch

from benchbench.checkpoints.digests import model_digest
from benchbench.types import ModelManifest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from PIL.Image import Image

transformers: Any = import_module("transformers")
"""Untyped here: much of it is, there."""

WORDS = "a the is to left right of and on in beside inside red green blue square circle bar dog"
SPREAD = 0.4
"""Of random weights: enough for images and captions to make a difference."""


def _words() -> Any:
    """BERT's kind of tokenizer: words that it knows, letters otherwise."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    letters = [*string.ascii_lowercase, *string.digits, *string.punctuation]
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS.split(), *letters]
    tokens += [f"##{letter}" for letter in letters]
    vocabulary = {token: i for i, token in enumerate(dict.fromkeys(tokens))}
    inner = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    inner.normalizer = normalizers.BertNormalizer()
    inner.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    inner.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    named = {"unk_token": "[UNK]", "pad_token": "[PAD]", "cls_token": "[CLS]"}
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=inner, sep_token="[SEP]", model_max_length=512, **named
    )


def _bytes() -> Any:
    """A byte-level tokenizer without merges, but with answers."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokens = ["<pad>", "<s>", "</s>", "<unk>", "<image>", "Yes", "ĠYes", "No"]
    tokens += sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: i for i, token in enumerate(tokens)}
    inner = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    named = {"unk_token": "<unk>", "pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>"}
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=inner, additional_special_tokens=["<image>"], **named
    )


def _saved(model: Any, processor: Any, folder: Path) -> Path:
    logging = transformers.utils.logging
    logging.disable_progress_bar()
    model.save_pretrained(folder)
    logging.enable_progress_bar()
    processor.save_pretrained(folder)
    return folder


LAYERS = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
HEADS = {"num_attention_heads": 2, "initializer_range": SPREAD}


def save_blip(folder: Path) -> Path:
    """``BlipForImageTextRetrieval``, its two rows beyond the tokenizer as in published ones."""
    tokenizer = _words()
    text = {"vocab_size": len(tokenizer) + 2, "encoder_hidden_size": 32, "projection_dim": 16}
    text |= {"max_position_embeddings": 64, "bos_token_id": len(tokenizer), "pad_token_id": 0}
    config = transformers.BlipConfig(
        text_config={**LAYERS, **HEADS, **text},
        vision_config={**LAYERS, **HEADS, "image_size": 32, "patch_size": 8},
        image_text_hidden_size=16,
        initializer_range=SPREAD,
    )
    torch.manual_seed(0)
    model = transformers.BlipForImageTextRetrieval(config)
    images = transformers.BlipImageProcessor(size={"height": 32, "width": 32})
    return _saved(model, transformers.BlipProcessor(images, tokenizer), folder)


def save_captioner(folder: Path, likely: str = "", by: float = 0.0) -> Path:
    """``BlipForConditionalGeneration``, to which one word may be more likely, whatever it sees."""
    tokenizer = _words()
    text = {"vocab_size": len(tokenizer) + 2, "encoder_hidden_size": 32, "projection_dim": 16}
    text |= {"max_position_embeddings": 64, "bos_token_id": len(tokenizer), "pad_token_id": 0}
    config = transformers.BlipConfig(
        text_config={**LAYERS, **HEADS, **text, "is_decoder": True},
        vision_config={**LAYERS, **HEADS, "image_size": 32, "patch_size": 8},
        initializer_range=SPREAD,
    )
    torch.manual_seed(0)
    model = transformers.BlipForConditionalGeneration(config)
    if likely:
        bias = model.text_decoder.cls.predictions.decoder.bias
        with torch.no_grad():
            bias[tokenizer.convert_tokens_to_ids(likely)] += by
    images = transformers.BlipImageProcessor(size={"height": 32, "width": 32})
    return _saved(model, transformers.BlipProcessor(images, tokenizer), folder)


def save_git(folder: Path) -> Path:
    """``GitForCausalLM``: a CLIP of four patches before a decoder of words."""
    tokenizer = _words()
    vision = {**LAYERS, **HEADS, "image_size": 32, "patch_size": 16}
    text = {"vocab_size": len(tokenizer), "max_position_embeddings": 64, "pad_token_id": 0}
    text |= {"bos_token_id": 2, "eos_token_id": 3}
    config = transformers.GitConfig(**LAYERS, **HEADS, **text, vision_config=vision)
    torch.manual_seed(0)
    model = transformers.GitForCausalLM(config)
    crop = {"height": 32, "width": 32}
    images = transformers.CLIPImageProcessor(size={"shortest_edge": 32}, crop_size=crop)
    return _saved(model, transformers.GitProcessor(images, tokenizer), folder)


def save_blip2(folder: Path) -> Path:
    """``Blip2ForImageTextRetrieval``."""
    tokenizer = _words()
    text = {"vocab_size": len(tokenizer) + 1, "encoder_hidden_size": 32}
    text |= {"max_position_embeddings": 64, "cross_attention_frequency": 1}
    config = transformers.Blip2Config(
        vision_config={**LAYERS, **HEADS, "image_size": 32, "patch_size": 8},
        qformer_config={**LAYERS, **HEADS, **text, "use_qformer_text_input": True},
        num_query_tokens=4,
        image_text_hidden_size=16,
        initializer_range=SPREAD,
    )
    torch.manual_seed(0)
    model = transformers.Blip2ForImageTextRetrieval(config)
    torch.nn.init.normal_(model.query_tokens, std=SPREAD)
    images = transformers.BlipImageProcessor(size={"height": 32, "width": 32})
    return _saved(model, transformers.Blip2Processor(images, tokenizer), folder)


TEMPLATE = (
    "{{ '<s>' }}{% for m in messages %}{{ 'USER: ' }}{% for c in m['content'] %}"
    "{% if c['type'] == 'image' %}{{ '<image>\n' }}{% else %}{{ c['text'] }}{% endif %}"
    "{% endfor %}{% endfor %}{{ ' ASSISTANT:' }}"
)


def save_llava(folder: Path) -> Path:
    """``LlavaForConditionalGeneration``: a CLIP of four patches before a Llama of bytes."""
    tokenizer = _bytes()
    text = transformers.LlamaConfig(
        **LAYERS, **HEADS, vocab_size=len(tokenizer), max_position_embeddings=256, pad_token_id=0
    )
    config = transformers.LlavaConfig(
        vision_config=transformers.CLIPVisionConfig(
            **LAYERS, **HEADS, image_size=32, patch_size=16
        ),
        text_config=text,
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        vision_feature_layer=-1,
    )
    torch.manual_seed(0)
    model = transformers.LlavaForConditionalGeneration(config)
    processor = transformers.LlavaProcessor(
        transformers.CLIPImageProcessor(
            size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}
        ),
        tokenizer,
        patch_size=16,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=TEMPLATE,
    )
    return _saved(model, processor, folder)


VISION_TEMPLATE = TEMPLATE.replace("<image>\n", "<|vision_start|><|image_pad|><|vision_end|>")


def save_qwen(folder: Path) -> Path:
    """``Qwen2VLForConditionalGeneration``: as many patches as an image is large."""
    tokenizer = _bytes()
    marks = ["<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]
    tokenizer.add_special_tokens({"additional_special_tokens": marks})
    start, end, image, video = (tokenizer.convert_tokens_to_ids(mark) for mark in marks)
    rope = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 3, 3]}
    text = {"vocab_size": len(tokenizer), "max_position_embeddings": 512, "rope_parameters": rope}
    text |= {"num_key_value_heads": 2, "bos_token_id": 1, "eos_token_id": 2}
    config = transformers.Qwen2VLConfig(
        text_config={**LAYERS, **HEADS, **text},
        vision_config={"depth": 2, "embed_dim": 32, "hidden_size": 32, "num_heads": 2},
        image_token_id=image,
        video_token_id=video,
        vision_start_token_id=start,
        vision_end_token_id=end,
    )
    torch.manual_seed(0)
    model = transformers.Qwen2VLForConditionalGeneration(config)
    images = transformers.Qwen2VLImageProcessor(min_pixels=28**2, max_pixels=16 * 28**2)
    videos = transformers.Qwen2VLVideoProcessor()
    processor = transformers.Qwen2VLProcessor(
        images, tokenizer, videos, chat_template=VISION_TEMPLATE
    )
    return _saved(model, processor, folder)


class HashScorer:
    """A pair scorer by hashes, which counts what it is given; captions are read in lower case."""

    device = "cpu"

    def __init__(self, context_length: int = 400) -> None:
        self.transformed = 0
        self.encoded: list[int] = []
        """Images of each call."""
        self.batches: list[list[tuple[bytes, bytes]]] = []
        self.manifest = ModelManifest(
            name="hash-scorer",
            architecture="none",
            weights="none",
            weights_sha256=model_digest("hashes"),
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

    def encode_images(self, images: Sequence[bytes]) -> list[bytes]:
        self.encoded.append(len(images))
        return list(images)

    def token_ids(self, texts: Sequence[str]) -> list[tuple[int, ...]]:
        return [tuple(text.lower().encode()) for text in texts]

    def tokenize(self, texts: Sequence[str]) -> list[bytes]:
        return [text.lower().encode()[: self.manifest.context_length] for text in texts]

    def score(self, features: Sequence[bytes], batch: list[bytes]) -> torch.Tensor:
        pairs = list(zip(features, batch, strict=True))
        self.batches.append(pairs)
        return torch.tensor([hashed(*pair) for pair in pairs])


def hashed(image: bytes, caption: bytes) -> float:
    """A number in [0, 1) with few steps, so that some pairs tie."""
    return hashlib.sha256(image + caption).digest()[0] / 256
