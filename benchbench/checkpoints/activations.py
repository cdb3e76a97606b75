"""Which activation weights run with: never guessed.

open_clip's architectures say GELU where they say nothing; OpenAI's weights, and all that was
fine-tuned from them, were trained with QuickGELU. A file loaded with the wrong one raises no error
and gives other numbers, so that something has to say which: the file, its digest, the architecture,
or the user.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from benchbench.errors import ModelError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import nn

    from benchbench.types import Activation

USER = "--activation"


class Word(NamedTuple):
    """What somebody says of the activation."""

    source: str
    """``--activation``, ``its digest``: part of a sentence."""
    activation: Activation


def activation_of(model: nn.Module) -> str:
    """The activations that are there, as modules: what runs, not what a configuration says."""
    named = {
        "QuickGELU": "quickgelu",
        "QuickGELUActivation": "quickgelu",
        "GELUTanh": "gelu-tanh",
        "PytorchGELUTanh": "gelu-tanh",
        "NewGELUActivation": "gelu-tanh",
        "GELUActivation": "gelu",
        "SiLUActivation": "silu",
    }
    found = set()
    for module in model.modules():
        kind = type(module).__name__
        if kind == "GELU":
            found.add("gelu-tanh" if module.approximate == "tanh" else "gelu")
        elif kind in named:
            found.add(named[kind])
        elif type(module).__module__ == "torch.nn.modules.activation" or "GELU" in kind:
            found |= {kind.lower()} - {"multiheadattention"}
    return "+".join(sorted(found)) or "unknown"


def stated(config: Mapping[str, Any], name: str) -> list[Word]:
    """What an architecture's configuration says in so many words: ``quick_gelu``."""
    if "quick_gelu" not in config:
        return []
    return [Word(f"the configuration of {name}", "quickgelu" if config["quick_gelu"] else "gelu")]


def is_open(config: Mapping[str, Any]) -> bool:
    """Whether weights of an architecture may have been trained with either activation.

    It is closed by ``quick_gelu`` and by ``act_kwargs``, and where the picture tower is timm's,
    which brings its own activation and which nobody trained with QuickGELU beside it.
    """
    vision, text = config["vision_cfg"], config["text_cfg"]
    if "quick_gelu" in config or vision.get("timm_model_name"):
        return False
    towers = [text] if not text.get("hf_model_name") else []
    towers += [vision] if isinstance(vision.get("layers"), int) else []
    return any(tower.get("act_kwargs") is None for tower in towers)


def decide(words: Sequence[Word], what: str) -> Word | None:
    """The one that all agree on; None where nobody says anything.

    Args:
        words: the most trustworthy first.
        what: the weights, for an error.

    Raises:
        UsageError: the user contradicts another.
        ModelError: two others contradict each other.
    """
    for other in words[1:]:
        if other.activation != words[0].activation:
            kind = UsageError if USER in (other.source, words[0].source) else ModelError
            raise kind(
                f"What is said of the activation of {what} contradicts itself: {words[0].source} "
                f"says {words[0].activation}, {other.source} says {other.activation}."
            )
    return words[0] if words else None


def ask(what: str, architecture: str, probed: str) -> UsageError:
    """The error where nothing says it.

    Args:
        what: the weights.
        architecture: what they are taken for.
        probed: what to type after ``benchbench probe``.
    """
    return UsageError(
        f"Nothing says which activation the weights in {what} were trained with: {architecture} "
        "runs with GELU, or, for OpenAI's weights and whatever was fine-tuned from them, with "
        "QuickGELU, and the wrong one changes the numbers without an error. Type --activation "
        f"quickgelu or --activation gelu. For evidence: benchbench probe "
        f"{probed}"
    )
