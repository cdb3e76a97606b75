"""The optimizer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from benchbench.training.plan import Plan


def optimizer_of(model: Any, plan: Plan) -> torch.optim.AdamW:
    """Return AdamW; biases, gains and scales do not decay."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": plan.decay},
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]
    fused = all(p.is_cuda for p in parameters)  # one kernel for all, in the place of dozens
    return torch.optim.AdamW(
        groups, lr=plan.rate, betas=(0.9, 0.98), eps=1e-6, fused=True if fused else None
    )
