"""One optimizer step: the whole data flow of plait on one screen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import torch
from torch import Tensor

from plait.backward import Backward, Record
from plait.balancing.base import Info
from plait.core.batch import Batch
from plait.core.errors import NonFiniteError
from plait.model import MultiTaskModel


@dataclass(frozen=True)
class StepRecord:
    """What one optimizer step did.

    Attributes:
        losses: `{task: L_t}`, before static weights.
        counts: `{task: mass of the labels}`.
        terms: `{penalty: (term, strength x term)}`.
        balance: weights, norms and cosines of the tasks' gradients.
        gradient_norm: length of the whole gradient, before clipping.
    """

    losses: dict[str, float]
    counts: dict[str, float]
    balance: Record
    gradient_norm: float
    terms: dict[str, tuple[float, float]] = field(default_factory=dict)


def training_step(
    model: MultiTaskModel,
    batches: Sequence[Batch],
    backward: Backward,
    optimizer: torch.optim.Optimizer,
    *,
    info: Info,
    autocast: AbstractContextManager[object],
    device: torch.device,
    clip: float | None = None,
    measure: bool = False,
) -> StepRecord:
    """Takes one optimizer step on the joined micro-batches.

    Raises:
        NonFiniteError: a loss or gradient is not finite; no parameter has changed, and no state of
            the optimizer.
    """
    totals = _totals(batches)
    raw = dict.fromkeys(totals, 0.0)
    terms: dict[str, tuple[float, float]] = {}
    optimizer.zero_grad(set_to_none=True)
    backward.start(info, measure=measure)
    for position, host_batch in enumerate(batches):
        batch = host_batch.to(device)
        with autocast:
            outputs = [model(part.inputs, tasks=part.targets) for part in batch.parts]
            losses = model.losses(outputs, batch)
            penalty = model.penalty(outputs) if position + 1 == len(batches) else None
        shares = {task: n / totals[task] for task, n in losses.counts.items()}
        backward.add(losses, shares if len(batches) > 1 else None, penalty=penalty)
        for task, loss in losses.raw.items():
            raw[task] += shares[task] * float(loss.detach())
        if penalty:
            terms = {
                name: (float(penalty.raw[name].detach()), float(term.detach()))
                for name, term in penalty.items()
            }
    balance = backward.finish()
    norm = _clip(_parameters(optimizer), clip)
    optimizer.step()
    model.after_step(optimizer)
    backward.balancer.after_step()
    return StepRecord(raw, totals, balance, norm, terms)


def _totals(batches: Iterable[Batch]) -> dict[str, float]:
    totals: dict[str, float] = {}
    for batch in batches:
        for task, count in batch.counts.items():
            totals[task] = totals.get(task, 0.0) + count
    return totals


def _parameters(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    return [p for group in optimizer.param_groups for p in group["params"] if p.grad is not None]


def _clip(parameters: Sequence[Tensor], limit: float | None) -> float:
    """Clips the gradient to a length; returns its length before, or raises if it is not finite."""
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    norm = torch.nn.utils.get_total_norm(gradients)
    if not bool(norm.isfinite()):
        for parameter in parameters:
            parameter.grad = None
        raise NonFiniteError(
            "the gradient is not finite although every loss is; nothing was stepped. "
            "Lower the learning rate, or look for a division or square root at 0 in the model."
        )
    if limit is not None:
        torch.nn.utils.clip_grads_with_norm_(parameters, limit, norm)
    return float(norm)
