"""The graph of a task's loss: does it lead to its head, to the trunk, to what nobody trains?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from plait.core.keys import safe_key
from plait.gradients import Cut, leaves
from plait.model import MultiTaskModel


@dataclass(frozen=True)
class Reach:
    """The ends of the graph of a loss.

    Attributes:
        head: whether a parameter of its head; None where none of them learns.
        trunk: whether a parameter outside the heads; None where none of them learns.
        untrained: shapes of parameters behind the predictions that no optimizer has.
        moved: whose gradients show that the task learns: of its head, or else all that it reaches.
    """

    head: bool | None
    trunk: bool | None
    untrained: tuple[list[int], ...]
    moved: tuple[Tensor, ...]


def reach(
    loss: Tensor,
    predictions: Iterable[Tensor],
    task: str,
    model: MultiTaskModel,
    optimizer: torch.optim.Optimizer,
    cut: Cut | None = None,
) -> Reach:
    """Walks the graph of a loss; nothing is computed.

    Args:
        loss: of the task, before it is differentiated.
        predictions: of the task, which the loss reads.
        task: its name.
        model: the model.
        optimizer: has the parameters that learn.
        cut: where the heads' graphs were cut off from the trunk's; None if they were not.
    """
    learning = {id(p) for group in optimizer.param_groups for p in group["params"]}
    found = {id(leaf): leaf for leaf in leaves([loss])}
    for tensor, leaf in () if cut is None else cut.pairs:
        if id(leaf) in found:
            found |= {id(each): each for each in leaves([tensor])}
    heads = {id(p) for p in model.heads.parameters()}
    own = [p for p in model.heads[safe_key(task)].parameters() if _learns(p, learning)]
    trunk = {id(p) for p in model.parameters() if _learns(p, learning)} - heads
    behind = [p for p in leaves(predictions) if isinstance(p, nn.Parameter)]
    return Reach(
        any(id(p) in found for p in own) if own else None,
        bool(trunk & found.keys()) if trunk else None,
        tuple(list(p.shape) for p in behind if id(p) not in learning),
        tuple(own) or tuple(p for key, p in found.items() if key in learning),
    )


def moves(parameters: Iterable[Tensor]) -> bool:
    """Returns whether one of the parameters has a gradient other than 0."""
    for parameter in parameters:
        grad = parameter.grad
        if grad is not None and bool((grad.coalesce().values() if grad.is_sparse else grad).any()):
            return True
    return False


def _learns(parameter: Tensor, learning: set[int]) -> bool:
    return parameter.requires_grad and id(parameter) in learning
