"""Contrastive losses over a batch that may be spread over several processes.

Each process holds the embeddings of its own share. They are gathered with their gradients, and
every process computes the loss of the whole batch: averaged over processes, as distributed
data-parallel training does, the gradients are those of one process with the whole batch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def gathered(tensor: Tensor) -> Tensor:
    """[n, …] of every process, in order of ranks, with gradients. Shapes must be equal."""
    import torch
    import torch.distributed as dist

    if not (dist.is_available() and dist.is_initialized()):
        return tensor
    from torch.distributed.nn.functional import all_gather

    return torch.cat(tuple(all_gather(tensor.contiguous())))


def info_nce(images: Tensor, texts: Tensor, scale: Tensor, same: Tensor | None = None) -> Tensor:
    """The symmetric contrastive loss of CLIP (Radford et al., ICML 2021).

    Args:
        images: [n, dim], compared by dot product.
        texts: [n, dim]; row i belongs to picture i.
        scale: factor on similarities.
        same: [n] numbers of names: pairs of one name are no negatives of each other.

    Returns:
        A scalar: the mean of both directions.
    """
    import torch
    from torch.nn.functional import cross_entropy

    logits = scale * images @ texts.T
    truth = torch.arange(len(logits), device=logits.device)
    if same is not None:
        alike = (same[:, None] == same[None]) & (truth[:, None] != truth[None])
        logits = logits.masked_fill(alike, float("-inf"))
    return (cross_entropy(logits, truth) + cross_entropy(logits.T, truth)) / 2


def swap_loss(true: Tensor, false: Tensor, there: Tensor, sharpness: float) -> Tensor:
    """How much nearer than its caption a picture is to that caption with its words swapped.

    softplus(sharpness · (false − true)), averaged: a smooth hinge. As further columns of the
    softmax, swapped captions hardly count beside hundreds of others, and are not learned.

    Args:
        true: [n], similarity of each picture and its caption.
        false: [n], and of its swapped caption.
        there: [n] bool: whether there is a swapped caption.
        sharpness: about the inverse of the margin looked for.
    """
    from torch.nn.functional import softplus

    losses = softplus(sharpness * (false - true)) * there
    return losses.sum() / there.sum().clamp(min=1)
