"""Small random checkpoints in transformers' format, made without a network."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import torch
import transformers
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from benchbench.adapters.trimming import SAMPLE_CAPTIONS
from benchbench.testing import CAPTIONS

if TYPE_CHECKING:
    from pathlib import Path

SMALL = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
}
VISION = {**SMALL, "image_size": 32, "patch_size": 16}
CLIP_TEXT = {**SMALL, "vocab_size": 49408, "max_position_embeddings": 24}
WORDS = sorted({word for text in (*CAPTIONS, *SAMPLE_CAPTIONS) for word in text.lower().split()})
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
BERT_TEXT = {**SMALL, "vocab_size": len(SPECIAL) + len(WORDS), "max_position_embeddings": 100}

EFFICIENTNET = {
    "image_size": 32,
    "hidden_dim": 32,
    "depthwise_padding": [],
    "kernel_sizes": [3],
    "in_channels": [32],
    "out_channels": [32],
    "strides": [1],
    "num_block_repeats": [1],
    "expand_ratios": [1],
    "width_coefficient": 1.0,
    "depth_coefficient": 1.0,
}

KINDS: dict[str, tuple[str, str, str, dict[str, Any]]] = {
    "clip": (
        "CLIPModel",
        "CLIPImageProcessor",
        "clip",
        {"text_config": CLIP_TEXT, "vision_config": VISION, "projection_dim": 16},
    ),
    "metaclip_2": (
        "MetaClip2Model",
        "CLIPImageProcessor",
        "clip",
        {
            "text_config": {**CLIP_TEXT, "eos_token_id": 49407},
            "vision_config": VISION,
            "projection_dim": 16,
        },
    ),
    "siglip": (
        "SiglipModel",
        "SiglipImageProcessor",
        "words",
        {
            "text_config": {**BERT_TEXT, "max_position_embeddings": 64},
            "vision_config": VISION,
        },
    ),
    "align": (
        "AlignModel",
        "EfficientNetImageProcessor",
        "bert",
        {"text_config": BERT_TEXT, "vision_config": EFFICIENTNET, "projection_dim": 32},
    ),
    "altclip": (
        "AltCLIPModel",
        "CLIPImageProcessor",
        "words",
        {
            "text_config": {**BERT_TEXT, "project_dim": 16, "pad_token_id": 0},
            "vision_config": VISION,
            "projection_dim": 16,
        },
    ),
    "chinese_clip": (
        "ChineseCLIPModel",
        "ChineseCLIPImageProcessor",
        "bert",
        {"text_config": BERT_TEXT, "vision_config": VISION, "projection_dim": 16},
    ),
    "blip-itc": (
        "BlipForImageTextRetrieval",
        "BlipImageProcessor",
        "bert",
        {
            "text_config": {**BERT_TEXT, "encoder_hidden_size": 32},
            "vision_config": VISION,
            "image_text_hidden_size": 16,
        },
    ),
    "blip": (
        "BlipModel",
        "BlipImageProcessor",
        "bert",
        {
            "text_config": {**BERT_TEXT, "encoder_hidden_size": 32},
            "vision_config": VISION,
            "projection_dim": 16,
        },
    ),
    "groupvit": (
        "GroupViTModel",
        "CLIPImageProcessor",
        "clip",
        {
            "text_config": CLIP_TEXT,
            "vision_config": {
                **VISION,
                "depths": [1, 1, 1],
                "num_group_tokens": [4, 2, 0],
                "num_output_groups": [4, 2, 0],
            },
            "projection_dim": 16,
            "projection_intermediate_dim": 16,
        },
    ),
    "vision-text-dual-encoder": (
        "VisionTextDualEncoderModel",
        "SiglipImageProcessor",
        "bert",
        {
            "text_config": {**BERT_TEXT, "model_type": "bert"},
            "vision_config": {**VISION, "model_type": "vit"},
            "projection_dim": 16,
        },
    ),
}
"""Kind → class of the model, of its image processor, tokenizer, and what its configuration says."""


def save(kind: str, folder: Path, **changes: Any) -> Any:
    """Write a random checkpoint of a kind; the model itself."""
    name, processor, tokenizer, described = KINDS[kind]
    model_class = getattr(transformers, name)
    torch.manual_seed(0)
    model = model_class(model_class.config_class(**described, **changes)).eval()
    model.save_pretrained(folder)
    PROCESSORS[processor](folder)
    TOKENIZERS[tokenizer](folder)
    return model


def _square(name: str, **settings: Any) -> Any:
    kind = getattr(transformers, name)
    return lambda folder: kind(size={"height": 32, "width": 32}, **settings).save_pretrained(folder)


def _cropped(folder: Path) -> None:
    kind: Any = transformers.CLIPImageProcessor
    crop = {"height": 32, "width": 32}
    kind(size={"shortest_edge": 32}, crop_size=crop).save_pretrained(folder)


def clip_tokenizer(folder: Path) -> None:
    """CLIP's own vocabulary and merges, from open_clip's copy, as OpenAI's repository has them."""
    from open_clip.tokenizer import SimpleTokenizer

    own = SimpleTokenizer()
    renamed = {"<start_of_text>": "<|startoftext|>", "<end_of_text>": "<|endoftext|>"}
    vocabulary = {renamed.get(token, token): number for token, number in own.encoder.items()}
    (folder / "vocab.json").write_text(json.dumps(vocabulary), "utf-8")
    merges = "\n".join(" ".join(pair) for pair in own.bpe_ranks)
    (folder / "merges.txt").write_text(f"#version: 0.2\n{merges}\n", "utf-8")
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "CLIPTokenizer"}')


def bert_tokenizer(folder: Path) -> None:
    """Whole words, in lower case."""
    (folder / "vocab.txt").write_text("\n".join((*SPECIAL, *WORDS)) + "\n", "utf-8")
    said = {"tokenizer_class": "BertTokenizer", "do_lower_case": True, "model_max_length": 512}
    (folder / "tokenizer_config.json").write_text(json.dumps(said))


def word_tokenizer(folder: Path) -> None:
    """Words between [CLS] and [SEP], capitals kept, in one tokenizer.json; no longest length."""
    names = (*SPECIAL, *WORDS)
    fast = Tokenizer(models.WordLevel({name: i for i, name in enumerate(names)}, "[UNK]"))
    fast.normalizer = normalizers.NFKC()
    fast.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    fast.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    kind: Any = transformers.PreTrainedTokenizerFast
    kind(tokenizer_object=fast, pad_token="[PAD]", unk_token="[UNK]").save_pretrained(folder)


PROCESSORS = {
    "CLIPImageProcessor": _cropped,
    "SiglipImageProcessor": _square("SiglipImageProcessor"),
    "EfficientNetImageProcessor": _square("EfficientNetImageProcessor", do_center_crop=False),
    "ChineseCLIPImageProcessor": _square("ChineseCLIPImageProcessor", do_center_crop=False),
    "BlipImageProcessor": _square("BlipImageProcessor"),
}
TOKENIZERS = {"clip": clip_tokenizer, "bert": bert_tokenizer, "words": word_tokenizer}
