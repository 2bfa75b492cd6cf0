"""The graph of a task's loss: does it lead to its head, to the trunk, to what nobody trains?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from plait.core.keys import safe_key
from plait.core.shards import local
from plait.gradients import Cut, leaves
from plait.model import MultiTaskModel
from plait.networks.joined import gradient_of, held


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


class Learning:
    """The parameters of a model that learn, by identity; made once for the tasks of a step.

    Args:
        model: the model.
        optimizer: has the parameters that learn.

    Attributes:
        trunk: identities of those outside the heads.
    """

    def __init__(self, model: MultiTaskModel, optimizer: torch.optim.Optimizer) -> None:
        self._given = {id(p) for group in optimizer.param_groups for p in group["params"]}
        self.model = model
        self.trunk = {id(p) for p in self._of(model)} - {id(p) for p in model.heads.parameters()}

    def __contains__(self, parameter: Tensor) -> bool:
        return id(held(parameter)) in self._given

    def head(self, task: str) -> list[nn.Parameter]:
        """Returns the parameters of a task's head that learn."""
        return self._of(self.model.heads[safe_key(task)])

    def _of(self, module: nn.Module) -> list[nn.Parameter]:
        return [p for p in module.parameters() if p.requires_grad and p in self]


def reach(
    loss: Tensor,
    predictions: Iterable[Tensor],
    task: str,
    learning: Learning,
    cut: Cut | None = None,
) -> Reach:
    """Walks the graph of a loss; nothing is computed.

    Args:
        loss: of the task, before it is differentiated.
        predictions: of the task, which the loss reads.
        task: its name.
        learning: the parameters that learn.
        cut: where the heads' graphs were cut off from the trunk's; None if they were not.
    """
    found = {id(leaf): leaf for leaf in leaves([loss])}
    for tensor, leaf in () if cut is None else cut.pairs:
        if id(leaf) in found:
            found |= {id(each): each for each in leaves([tensor])}
    own = learning.head(task)
    behind = [p for p in leaves(predictions) if isinstance(p, nn.Parameter)]
    return Reach(
        any(id(p) in found for p in own) if own else None,
        bool(learning.trunk & found.keys()) if learning.trunk else None,
        tuple(list(p.shape) for p in behind if p not in learning),
        tuple(own) or tuple(p for p in found.values() if p in learning),
    )


def moves(parameters: Iterable[Tensor]) -> bool:
    """Returns whether one of the parameters has a gradient other than 0."""
    for parameter in parameters:
        grad = gradient_of(parameter)
        if grad is None:
            continue
        part = local(grad)
        if bool((part.coalesce().values() if part.is_sparse else part).any()):
            return True
    return False
