"""Find the activation that weights were trained with, by evidence alone.

open_clip's architectures have GELU where their configurations name nothing; OpenAI's weights, and
all that was fine-tuned from them, were trained with QuickGELU. A file loaded with the wrong one
raises no error and gives other numbers. So there must be evidence for one of the two: in the file,
by its digest, in the architecture, or by the user's option.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from benchbench.errors import ModelError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import nn

    from benchbench.types import Activation

USER = "--activation"


class Evidence(NamedTuple):
    """One source's evidence for an activation."""

    source: str
    """``--activation``, ``its digest``: part of a sentence."""
    activation: Activation


def activation_of(model: nn.Module) -> str:
    """Return the activations of a model's modules: what runs, not what a configuration names."""
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
            tanh = getattr(module, "approximate", "none") == "tanh"  # timm's GELU has none of it
            found.add("gelu-tanh" if tanh else "gelu")
        elif kind in named:
            found.add(named[kind])
        elif type(module).__module__ == "torch.nn.modules.activation" or "GELU" in kind:
            found |= {kind.lower()} - {"multiheadattention"}
    return "+".join(sorted(found)) or "unknown"


def configuration_evidence(config: Mapping[str, Any], name: str) -> list[Evidence]:
    """Return the evidence of an architecture's ``quick_gelu``, or of towers that have one only."""
    if "quick_gelu" in config:
        activation: Activation = "quickgelu" if config["quick_gelu"] else "gelu"
        return [Evidence(f"the configuration of {name}", activation)]
    return [] if is_ambiguous(config) else [Evidence(f"{name}, whose towers fix it", "gelu")]


def is_ambiguous(config: Mapping[str, Any]) -> bool:
    """Return whether weights of an architecture may have been trained with either activation.

    They may not where the configuration has ``quick_gelu`` or ``act_kwargs``, nor where the image
    tower is timm's, which has its own activation and which nobody trained with QuickGELU beside it.
    """
    vision, text = config["vision_cfg"], config["text_cfg"]
    if "quick_gelu" in config or vision.get("timm_model_name"):
        return False
    towers = [text] if not text.get("hf_model_name") else []
    towers += [vision] if isinstance(vision.get("layers"), int) else []
    return any(tower.get("act_kwargs") is None for tower in towers)


def agreed_evidence(evidence: Sequence[Evidence], what: str) -> Evidence | None:
    """Return the first piece of evidence where all agree; None where there is none.

    Args:
        evidence: the most trustworthy first.
        what: the weights, for an error.

    Raises:
        UsageError: the user contradicts another source.
        ModelError: two other sources contradict each other.
    """
    for other in evidence[1:]:
        if other.activation != evidence[0].activation:
            kind = UsageError if USER in (other.source, evidence[0].source) else ModelError
            raise kind(
                f"The evidence for the activation of {what} contradicts itself: "
                f"{evidence[0].source} says {evidence[0].activation}, {other.source} says "
                f"{other.activation}. Correct the one that is wrong."
            )
    return evidence[0] if evidence else None


def missing_activation(what: str, architecture: str, arguments: str) -> UsageError:
    """Return the error for weights without evidence.

    Args:
        what: the weights.
        architecture: what they are identified as.
        arguments: what to type after ``benchbench probe``.
    """
    return UsageError(
        f"Nothing says which activation the weights in {what} were trained with: {architecture} "
        "runs with GELU, or, for OpenAI's weights and whatever was fine-tuned from them, with "
        "QuickGELU, and the wrong one changes the numbers without an error. Type --activation "
        f"quickgelu or --activation gelu. For evidence: benchbench probe {arguments}"
    )
