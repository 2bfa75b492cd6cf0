"""One method descends two losses of two parameters, from one point."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from plait.balancing import Balancer, Info
from plait.engine import backward
from plait.experiments.reproduce.two_losses import LOWEST, TASKS, Array, distance, values_and_slopes
from plait.runs.descents import Descent

LR = 1e-3  # of Adam, as in both papers
OWN_LR = 0.025  # of a method's own parameters
EPOCH = 1000  # steps that count as one, for methods that read the number of the epoch
TOLERANCE = 0.1
STILL = 2000  # steps after which a descent that has moved by less than this has ended:
MOVED = 0.005
_KEPT = 150  # points of a descent
_ABOVE = LOWEST + 1  # by which losses are raised above zero, times their scale


def is_raised(balancer: Balancer) -> bool:
    """Returns whether a method needs losses above zero: it takes their logarithm, or a root."""
    return balancer.positive_losses or balancer.rereads


def descend(
    balancer: Balancer, start: Sequence[float], *, scale: float = 0.1, steps: int = 50_000
) -> Descent:
    """Follows a method with Adam until it stands still; the balancer itself is not changed.

    Args:
        balancer: the method.
        start: two numbers.
        scale: of the first loss.
        steps: the most that it takes.

    Raises:
        NonFiniteError: a loss or a gradient is NaN or infinite.
        ConfigError: the method asks for what is not there.
    """
    torch.manual_seed(0)
    balancer = copy.deepcopy(balancer)
    balancer.setup(TASKS)
    point = torch.tensor(start, requires_grad=True)
    optimizer = torch.optim.Adam([point], lr=LR)
    if own := list(balancer.parameters()):
        optimizer.add_param_group({"params": own, "lr": OWN_LR})
    raised = is_raised(balancer)

    def losses() -> dict[str, Tensor]:
        values, slopes = values_and_slopes(*point.tolist())
        own = _scaled(values, scale, raised)
        # Their tangents: of the same value and gradient, and quick to go through
        there = point - point.detach()
        rows = torch.from_numpy(slopes * [[scale], [1.0]]).to(point.dtype)
        return {task: row @ there + loss for task, row, loss in zip(TASKS, rows, own, strict=True)}

    places = np.empty((steps + 1, 2), np.float32)
    places[0] = start
    taken = 0
    while taken < steps and not _stands_still(places[: taken + 1]):
        optimizer.zero_grad()
        info = Info(epoch=taken // EPOCH, progress=taken / steps, learning_rate=LR)
        backward(losses(), balancer, info=info)
        optimizer.step()
        if balancer.rereads:
            with torch.no_grad():
                balancer.after_step(losses)
        else:
            balancer.after_step()
        taken += 1
        places[taken] = point.detach().numpy()
    return _described(places[: taken + 1], scale)


def _scaled(losses: Sequence[float], scale: float, raised: bool) -> list[float]:
    first, second = (loss + _ABOVE if raised else loss for loss in losses)
    return [scale * first, second]


def _stands_still(places: Array) -> bool:
    """Returns whether the last steps have led nowhere; a method may turn back and forth."""
    if len(places) <= STILL or (len(places) - 1) % (STILL // 4):
        return False
    last = places[-STILL:]
    half = STILL // 2
    moved = np.abs(last[:half].mean(axis=0) - last[half:].mean(axis=0)).max()
    return bool(moved < MOVED)


def _described(places: Array, scale: float) -> Descent:
    gaps = distance(places)
    near = np.flatnonzero(gaps <= TOLERANCE)
    kept = np.unique(np.linspace(0, len(places) - 1, _KEPT).round().astype(int))
    end, _ = values_and_slopes(*places[-1].tolist())
    return Descent(
        points=[[float(f"{value:.4g}") for value in places[place]] for place in kept],
        losses=_scaled(end, scale, raised=False),
        steps=len(places) - 1,
        reached=int(near[0]) if len(near) else -1,
        distance=float(gaps[-1]),
    )
