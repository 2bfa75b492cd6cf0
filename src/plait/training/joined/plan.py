"""The heads that are joined: read from the tasks of a model and the optimizer's groups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field

import torch
from torch import nn

from plait.balancing.base import Balancer, BilevelBalancer
from plait.balancing.bases.learned_scales import LearnedScales
from plait.core.keys import safe_key
from plait.distributed import ranks
from plait.model import MultiTaskModel
from plait.networks.joined import joined_of
from plait.sharing import Separate
from plait.tasks.block import kind_of
from plait.training.joined.rules import why_no_rule

FEWEST = 8  # heads of a block; fewer gain nothing


@dataclass(frozen=True)
class Plan:
    """The heads that are joined, and why others are not.

    Attributes:
        blocks: names of the tasks of each block, in order; empty if all heads stay apart.
        reason: why all of them do, whatever they are; empty if there is none.
        why: `{task: why its head stays apart}`, where only some do.
    """

    blocks: tuple[tuple[str, ...], ...] = ()
    reason: str = ""
    why: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        counted = Counter(self.why.values())
        apart = self.reason or ", ".join(f"{count} {why}" for why, count in counted.items())
        if not self.blocks:
            return f"heads stay apart: {apart}"
        joined = sum(map(len, self.blocks))
        blocks = "one block" if len(self.blocks) == 1 else f"{len(self.blocks)} blocks"
        told = f"; {len(self.why)} stay apart: {apart}" if apart else ""
        return f"{joined} heads are {blocks} of the optimizer{told}"


def plan(
    model: MultiTaskModel, optimizer: torch.optim.Optimizer, balancer: Balancer | None
) -> Plan:
    """Finds the heads that can be joined; see `Joining`."""
    reason = _reason(model, optimizer, balancer)
    if reason:
        return Plan(reason=reason)
    groups = {
        id(parameter): position
        for position, group in enumerate(optimizer.param_groups)
        for parameter in group["params"]
    }
    uses = Counter(
        id(parameter) for module in model.modules() for parameter in module._parameters.values()
    )
    alike: dict[Hashable, list[str]] = {}
    why: dict[str, str] = {}
    for task in model.tasks:
        head = model.heads[safe_key(task)]
        kind, alone = kind_of(model.tasks[task], head), _alone(head, groups, uses)
        if alone or kind is None:
            why[task] = alone or "of a kind that is not joined"
        else:
            where = tuple(groups[id(parameter)] for parameter in head.parameters())
            alike.setdefault((kind, where), []).append(task)
    few = (task for tasks in alike.values() if len(tasks) < FEWEST for task in tasks)
    why |= dict.fromkeys(few, f"of a kind with fewer than {FEWEST}")
    return Plan(tuple(tuple(tasks) for tasks in alike.values() if len(tasks) >= FEWEST), "", why)


def learned_scales(
    balancer: Balancer | None, optimizer: torch.optim.Optimizer
) -> dict[str, nn.Parameter]:
    """Returns `{task: s_t}` of a method that learns one number for each task; empty for others.

    Empty also for few tasks, and where the numbers are not in one group of the optimizer.
    """
    if not isinstance(balancer, LearnedScales) or len(balancer.tasks) < FEWEST:
        return {}
    found = {task: balancer.scales[safe_key(task)] for task in balancer.tasks}
    wanted = set(map(id, found.values()))
    for group in optimizer.param_groups:
        if wanted <= {id(parameter) for parameter in group["params"]}:
            return found
    return {}


def _reason(
    model: MultiTaskModel, optimizer: torch.optim.Optimizer, balancer: Balancer | None
) -> str:
    """Returns why all heads stay apart; empty if they need not."""
    if len(model.tasks) < FEWEST:
        return f"there are fewer than {FEWEST}"
    if isinstance(model.sharing, Separate):
        return f"{type(model.sharing).__name__} trains each network as if it was alone"
    if not ranks().alone:
        return "several processes add up gradients head by head"
    if isinstance(balancer, BilevelBalancer):
        return f"{type(balancer).__name__} looks a step ahead of each parameter"
    if any(joined_of(p) is not None for group in optimizer.param_groups for p in group["params"]):
        return "the optimizer has the joined heads of another model"
    return why_no_rule(optimizer)


def _alone(head: nn.Module, groups: Mapping[int, int], uses: Mapping[int, int]) -> str:
    """Returns why the parameters of a head cannot be joined; empty if they can."""
    parameters = list(head.parameters())
    if not any(parameter.requires_grad for parameter in parameters):
        return "frozen"
    if not all(parameter.requires_grad for parameter in parameters):
        return "frozen in part"
    if not all(id(parameter) in groups for parameter in parameters):
        return "not in the optimizer"
    if any(uses[id(parameter)] > 1 for parameter in parameters):
        return "with parameters of other modules"
    return ""
