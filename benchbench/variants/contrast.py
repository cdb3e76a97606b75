"""Contrastive losses over a batch that may be spread over several processes.

Each process holds the embeddings of its own share. They are gathered with their gradients, and
every process computes the loss of the whole batch: averaged over processes, as distributed
data-parallel training does, the gradients are those of one process with the whole batch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
import torch.distributed as dist

if TYPE_CHECKING:
    from torch import Tensor

MAX_SCALE = 100.0
"""CLIP's bound on the factor of its logits (Radford et al., ICML 2021, §2.5)."""


def gather(tensor: Tensor) -> Tensor:
    """Gather [n, …] of every process, in order of ranks, with gradients. Shapes must be equal."""
    if processes() == 1:
        return tensor
    whole: Tensor = _Gathered.apply(tensor)
    return whole


class _Gathered(torch.autograd.Function):
    """Every process's loss counts every row: a row's gradients are added up over the processes."""

    @staticmethod
    def forward(context: Any, tensor: Tensor) -> Tensor:
        context.rows = len(tensor)
        everyone = [torch.empty_like(tensor) for _ in range(dist.get_world_size())]
        dist.all_gather(everyone, tensor.contiguous())
        return torch.cat(everyone)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        gradient = gradient.contiguous().clone()
        dist.all_reduce(gradient)
        start = dist.get_rank() * context.rows
        return gradient[start : start + context.rows]


def processes() -> int:
    """Return how many processes train together."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """Return this process's number among them."""
    return dist.get_rank() if processes() > 1 else 0


def shared_mean(values: Tensor, there: Tensor) -> Tensor:
    """Return this process's share of a mean over the values of all processes.

    Averaged over the processes, shares and their gradients are the whole mean's. With one process
    it is the mean itself.

    Args:
        values: any shape.
        there: an array of that shape, bool: which of them count; none at all make 0.
    """
    return (values * there).sum() * processes() / sum_processes(there.sum()).clamp(min=1)


def sum_processes(tensor: Tensor) -> Tensor:
    """Return the sum of every process's tensor, without gradients."""
    tensor = tensor.detach().clone()
    if processes() > 1:
        dist.all_reduce(tensor)
    return tensor


def info_nce(
    images: Tensor,
    texts: Tensor,
    scale: Tensor,
    same: Tensor | None = None,
    there: Tensor | None = None,
    more: tuple[Tensor, Tensor] | None = None,
) -> Tensor:
    """Return the symmetric contrastive loss of CLIP (Radford et al., ICML 2021).

    Args:
        images: [n, dim], compared by dot product.
        texts: [n, dim]; row i belongs to image i.
        scale: factor on similarities.
        same: [n] numbers of names: pairs of one name are not negatives of each other.
        there: [n] bool: rows that count; the others are not negatives either.
        more: [m, dim] and [m] bool: captions of no image, and which of them count: further columns
            as negatives of images (as in NegCLIP; Yüksekgönül et al., ICLR 2023).

    Returns:
        A scalar: the mean of both directions.
    """
    from torch.nn.functional import cross_entropy

    logits = scale * images @ texts.T
    truth = torch.arange(len(logits), device=logits.device)
    others = truth[:, None] != truth[None]
    if same is not None:
        logits = logits.masked_fill((same[:, None] == same[None]) & others, float("-inf"))
    if there is not None:
        logits = logits.masked_fill(~(there[:, None] & there[None]) & others, float("-inf"))
    of_images = logits
    if more is not None:
        columns = (scale * images @ more[0].T).masked_fill(~more[1], float("-inf"))
        of_images = torch.cat([logits, columns], dim=1)
    if there is None:
        return (cross_entropy(of_images, truth) + cross_entropy(logits.T, truth)) / 2
    each = [cross_entropy(way, truth, reduction="none") for way in (of_images, logits.T)]
    return mean_of(torch.stack(each).mean(dim=0), there)


def distillation_loss(
    student: Tensor, teacher: Tensor, among: Tensor, sharpness: float, there: Tensor
) -> Tensor:
    """Return the divergence of the student's similarities to a batch from the teacher's.

    KL(softmax(sharpness · teacher · among) ‖ softmax(sharpness · student · among)): similarities
    to the batch as a distribution, as in relational knowledge distillation. Only the student gets
    a gradient.

    Args:
        student: [n, dim]
        teacher: [n, dim]; row i teaches the student's row i.
        among: [m, dim]: what both are compared with, by dot product.
        sharpness: factor on similarities, of both.
        there: [n] bool: rows that count.

    Returns:
        A scalar: the mean over rows.
    """
    from torch.nn.functional import kl_div, log_softmax

    wanted = log_softmax(sharpness * teacher.detach() @ among.detach().T, dim=1)
    given = log_softmax(sharpness * student @ among.detach().T, dim=1)
    return mean_of(kl_div(given, wanted, reduction="none", log_target=True).sum(dim=1), there)


def mean_of(losses: Tensor, there: Tensor) -> Tensor:
    """Return the mean of those losses that count; 0 where none does. Shapes are equal."""
    return (losses * there).sum() / there.sum().clamp(min=1)


def swap_loss(true: Tensor, false: Tensor, there: Tensor, sharpness: float) -> Tensor:
    """Return how much nearer images are to swapped captions than to their own, a scalar.

    softplus(sharpness · (false − true)), averaged: a smooth hinge. As further columns of the
    softmax, swapped captions hardly count beside hundreds of others, and are not learned.

    Args:
        true: [n] or [n, 1], similarity of each image and its caption.
        false: [n] or [n, k], and of its swapped captions.
        there: an array of that shape, bool: which of them there are.
        sharpness: about the inverse of the margin looked for.
    """
    from torch.nn.functional import softplus

    return mean_of(softplus(sharpness * (false - true)), there)


def swap_hinge(true: Tensor, false: Tensor, there: Tensor, margin: float) -> Tensor:
    """Return the mean of max(0, margin + false − true), a scalar; arguments as of ``swap_loss``."""
    from torch.nn.functional import relu

    return mean_of(relu(margin + false - true), there)
