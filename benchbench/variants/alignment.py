"""Multi-modal Scene Graph Alignment (MSG-CLIP; Pattern Recognition 173, 2026, 112794), batched.

Entities and relations of captions, and regions of images, are vectors of unit length. Every example
has the same number of each, and missing ones are masked. E, R and L are the numbers of entities,
regions and relations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn.functional import normalize

if TYPE_CHECKING:
    from torch import Tensor

_NO_COSINE = 2.0
"""No cosine."""


def means(tokens: Tensor, members: Tensor) -> Tensor:
    """Return the mean of each group of tokens, of unit length; zero for an empty group.

    Args:
        tokens: [n, length, dim].
        members: [n, groups, length] of 0 and 1.

    Returns:
        [n, groups, dim]
    """
    return normalize(members.to(tokens.dtype) @ tokens, dim=-1)


def mark_tokens(spans: Tensor, length: int) -> Tensor:
    """Mark spans' tokens: [n, groups, 2], first and one past last → [n, groups, length] bool."""
    along = torch.arange(length, device=spans.device)
    return (along >= spans[..., :1]) & (along < spans[..., 1:])


def number_groups(ids: Tensor, members: Tensor) -> Tensor:
    """Return a number for each group of a caption's tokens, equal where the tokens are.

    Args:
        ids: [n, length].
        members: [n, groups, length] bool: runs of tokens.

    Returns:
        [n, groups] int64
    """
    from benchbench.variants.texts import hash_ids

    start = members.int().argmax(dim=2, keepdim=True)
    along = torch.arange(ids.shape[1], device=ids.device)
    place = (along + start).clamp(max=ids.shape[1] - 1)  # each run moved to its row's begin
    some = ids[:, None].expand(members.shape).gather(2, place)
    kept = along < members.sum(dim=2, keepdim=True)
    return hash_ids((some * kept).flatten(0, 1)).view(members.shape[:2])


def match_regions(likeness: Tensor, pairs: Tensor) -> Tensor:
    """Match entities and regions one to one: greedily, the best scoring pair first.

    A pair's score is its share of its row's softmax and of its column's, added.

    Args:
        likeness: [n, E, R] cosines.
        pairs: [n, E, R] bool: whether entity and region are both there.

    Returns:
        [n, E, R] bool: at most one in each row and column. No gradient goes through the choice.
    """
    with torch.no_grad():
        some = likeness.detach().masked_fill(~pairs, -1e4)
        score = (some.softmax(dim=2) + some.softmax(dim=1)).masked_fill(~pairs, float("-inf"))
        chosen = torch.zeros_like(pairs)
        for _ in range(min(score.shape[1:])):
            best, place = score.flatten(1).max(dim=1)
            new = torch.zeros_like(pairs).flatten(1).scatter_(1, place[:, None], True)
            new = new.view_as(pairs) & (best > float("-inf"))[:, None, None]
            chosen |= new
            taken = new.any(dim=2, keepdim=True) | new.any(dim=1, keepdim=True)
            score = score.masked_fill(taken, float("-inf"))
        return chosen


def entity_losses(likeness: Tensor, pairs: Tensor) -> Tensor:
    """Return the Entity-level Modality Alignment loss of every pair, as ``match_regions`` takes it.

    (1 − S_ab + min_j S_aj + min_i S_ib) / 3, with the farthest region and the farthest entity of
    the same image and caption.

    Args:
        likeness: [n, E, R], S.
        pairs: [n, E, R] bool: whether both are there.

    Returns:
        [n, E, R]
    """
    there = likeness.masked_fill(~pairs, _NO_COSINE)
    farthest = there.amin(dim=2, keepdim=True) + there.amin(dim=1, keepdim=True)
    return (1 - likeness + farthest) / 3


def contrast_losses(
    entities: Tensor, regions: Tensor, chosen: Tensor, names: Tensor, scale: Tensor
) -> Tensor:
    """Return InfoNCE between matched entities and regions, both ways, across a whole batch.

    Unlike the published loss, it has negatives: regions and entities of other images. Entities of
    one name, and the regions matched with them, are not negatives of each other.

    Args:
        entities: [n, E, dim]; zero where there is none.
        regions: [n, R, dim]; zero where there is none.
        chosen: [n, E, R] bool: which region each entity is matched with; at most one.
        names: [n, E]: numbers, equal where entities are called alike.
        scale: factor on cosines.

    Returns:
        [n, E]: the mean of both ways; 0 of an entity without a region.
    """
    from torch.nn.functional import cross_entropy

    if entities.device.type != "cpu":
        return masked_contrast_losses(entities, regions, chosen, names, scale)
    n, count = chosen.shape[0], chosen.shape[2]
    some, which = chosen.any(dim=2), chosen.int().argmax(dim=2)
    start = count * torch.arange(n, device=which.device)[:, None]
    row, column = some.flatten().nonzero()[:, 0], (which + start)[some]
    who, where = entities.flatten(0, 1), regions.flatten(0, 1)
    named = names.flatten()[row]
    alike = named[:, None] == named[None]
    alike.fill_diagonal_(False)
    # Columns: all regions there are; those matched with entities of the same name are left out.
    there = where.detach().abs().sum(dim=1) > 0
    out = (~there)[None].repeat(len(row), 1)
    out[:, column] |= alike
    by_region = (scale * who[row] @ where.T).masked_fill(out, float("-inf"))
    # The other way, among all entities that are matched.
    by_entity = (scale * where[column] @ who[row].T).masked_fill(alike, float("-inf"))
    truth = torch.arange(len(row), device=row.device)
    losses = cross_entropy(by_region, column, reduction="none")
    losses = (losses + cross_entropy(by_entity, truth, reduction="none")) / 2
    found = torch.zeros(n * entities.shape[1], device=losses.device, dtype=losses.dtype)
    return found.index_copy(0, row, losses).view(n, -1)


def masked_contrast_losses(
    entities: Tensor, regions: Tensor, chosen: Tensor, names: Tensor, scale: Tensor
) -> Tensor:
    """Return the same over all entities, those without a region masked: the device never waits.

    Arguments and result are those of ``contrast_losses``.
    """
    from torch.nn.functional import cross_entropy

    n, count = chosen.shape[0], chosen.shape[2]
    some = chosen.any(dim=2).flatten()
    start = count * torch.arange(n, device=chosen.device)[:, None]
    column = (chosen.int().argmax(dim=2) + start).flatten()
    who, where = entities.flatten(0, 1), regions.flatten(0, 1)
    same = names.flatten()[:, None] == names.flatten()[None]
    own = torch.eye(len(who), dtype=torch.bool, device=who.device)
    alike = same & some[:, None] & some[None] & ~own
    there = where.detach().abs().sum(dim=1) > 0
    # [entities, regions]: whether some entity of the same name is matched with the region.
    taken = torch.zeros(len(who), len(where), dtype=torch.int32, device=who.device)
    taken = taken.index_add(1, column, alike.int())
    out = ~there[None] | (taken > 0)
    by_region = (scale * who @ where.T).masked_fill(out & some[:, None], float("-inf"))
    no_column = (alike | ~some[None]) & some[:, None]
    by_entity = (scale * where[column] @ who.T).masked_fill(no_column, float("-inf"))
    truth = torch.arange(len(who), device=who.device)
    losses = cross_entropy(by_region, column, reduction="none")
    losses = (losses + cross_entropy(by_entity, truth, reduction="none")) / 2
    return losses.masked_fill(~some, 0.0).view(n, -1)


def attention_losses(
    entities: Tensor, regions: Tensor, there: Tensor, names: Tensor, scale: Tensor
) -> Tensor:
    """Return InfoNCE between entities and images, each image seen through its regions.

    An entity attends to an image's regions, and their cosines are averaged by that attention: no
    region has to be chosen, so that a wrong choice cannot confirm itself (after Gupta et al.,
    "Contrastive learning for weakly supervised phrase grounding", ECCV 2020). Images whose captions
    name the same entity are not negatives of it.

    Args:
        entities: [n, E, dim]; zero where there is none.
        regions: [n, R, dim]; zero where there is none.
        there: [n, E] bool: which entities there are.
        names: [n, E]: numbers, equal where entities are called alike.
        scale: factor on cosines.

    Returns:
        [n, E]: the mean of both ways; 0 where there is no entity.
    """
    from torch.nn.functional import cross_entropy

    n, count = there.shape
    who, named, some = entities.flatten(0, 1), names.flatten(), there.flatten()
    likeness = torch.einsum("ad,nrd->anr", who, regions)
    empty = regions.detach().abs().sum(dim=2) == 0
    shares = (scale * likeness).masked_fill(empty[None], float("-inf")).softmax(dim=2)
    scores = scale * (shares * likeness).sum(dim=2)  # [entities, images]
    own = torch.arange(n, device=who.device).repeat_interleave(count)
    alike = (named[:, None, None] == names[None]) & there[None]
    told = alike.any(dim=2)  # whether an image's caption names the entity
    here = own[:, None] == torch.arange(n, device=who.device)
    by_image = scores.masked_fill(told & ~here, float("-inf"))
    # The other way: among all entities of the batch, for the image of each.
    itself = torch.eye(len(who), dtype=torch.bool, device=who.device)
    out = (told[:, own].T | ~some[None]) & ~itself
    by_entity = scores[:, own].T.masked_fill(out, float("-inf"))
    truth = torch.arange(len(who), device=who.device)
    losses = cross_entropy(by_image, own, reduction="none")
    losses = (losses + cross_entropy(by_entity, truth, reduction="none")) / 2
    return losses.masked_fill(~some, 0.0).view(n, count)


def relation_losses(entities: Tensor, relations: Tensor, regions: Tensor, ends: Tensor) -> Tensor:
    """Return the Triplet-level Relational Alignment loss: a region replaces one end of a relation.

    As head, ‖region + r − t‖²; as tail, ‖h + r − region‖² (after TransE; Bordes et al. 2013).

    Args:
        entities: [n, E, dim].
        relations: [n, L, dim].
        regions: [n, E, dim]: the region matched with each entity; zero where there is none.
        ends: [n, L, 2]: head and tail, into the entities.

    Returns:
        [n, L, 2]: with the head's region, with the tail's.
    """
    head, tail = (_taken(entities, ends[..., k]) for k in (0, 1))
    head_region, tail_region = (_taken(regions, ends[..., k]) for k in (0, 1))
    apart = torch.stack([head_region + relations - tail, head + relations - tail_region], dim=2)
    return apart.square().sum(dim=-1)


def _taken(rows: Tensor, numbers: Tensor) -> Tensor:
    """Take entities by number: [n, E, dim] and [n, L] → [n, L, dim]."""
    return rows.gather(1, numbers[..., None].expand(-1, -1, rows.shape[-1]))
