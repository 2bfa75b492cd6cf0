"""The one-line form of `Backward`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from torch import Tensor

from plait.balancing.base import Balancer
from plait.balancing.contract.info import Info
from plait.balancing.contract.problem import Problem
from plait.engine.engine import Backward
from plait.engine.given import check_balancer
from plait.engine.memory import Memory
from plait.engine.micro_batch import Features
from plait.engine.record import Record

_memories: WeakKeyDictionary[Balancer, Memory] = WeakKeyDictionary()


def backward(
    losses: Mapping[str, Tensor] | Sequence[Mapping[str, Tensor]],
    balancer: Balancer,
    penalty: Mapping[str, Tensor] | Tensor | None = None,
    *,
    info: Info | None = None,
    features: Features | None = None,
    problem: Problem | None = None,
    labels: Mapping[str, Tensor] | Sequence[Mapping[str, Tensor]] | None = None,
    counts: Mapping[str, float] | Sequence[Mapping[str, float]] | None = None,
    measure: bool = False,
    **options: Any,
) -> Record:
    """Replaces ``sum(losses.values()).backward()``: writes the balanced gradient to `.grad`.

    It works on any model, names no shared parameter, and keeps one `Memory` for each balancer.

    Args:
        losses: `{task: scalar}` of the tasks present in this step; a list of them, from
            independent batches, for a method that reads several.
        balancer: decides the weights or the direction.
        penalty: a scalar, or scalars by name, added to the objective outside the balancer.
        info: where the training is, for methods that ask, such as ``Info(epoch=3)``.
        features: for ``at="features"``: the tensor that all heads read.
        problem: for a bilevel method: what it may ask about the step.
        labels: `{task: mask [B]}`, which examples have a label of the task, such as
            ``~target.isnan()``; fewer passes may then do. The losses of a `MultiTaskModel` know it.
        counts: in several processes, `{task: n}`, the labels behind each loss of this one; 1 for
            each by default, or what the losses of a `MultiTaskModel` know.
        measure: form norms and cosines for a loss method too, at the cost of T backward passes.
        options: `model` (several processes need it), `scale`, `head_weights`, `at`, `route`,
            `every`, ... of `Backward`.

    Returns:
        What happened: weights, norms and cosines of the tasks' gradients.

    Raises:
        NonFiniteError: a loss, or a row of gradients, is NaN or infinite; it names the task.
            Nothing was written.

    Example:
        >>> import torch
        >>> from plait.balancing import UPGrad
        >>> w = torch.tensor([1.0, 0.0], requires_grad=True)
        >>> record = backward({"a": w[0], "b": w[1] - w[0]}, UPGrad())
        >>> w.grad
        tensor([0.5000, 1.5000])
    """
    check_balancer(balancer, losses)
    memory = _memories.setdefault(balancer, Memory())
    step = Backward(balancer, memory=memory, **options)
    return step(
        losses,
        penalty,
        info=info,
        features=features,
        problem=problem,
        labels=labels,
        counts=counts,
        measure=measure,
    )
