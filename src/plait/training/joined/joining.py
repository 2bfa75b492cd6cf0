"""Like heads of a model as blocks of its optimizer."""

from __future__ import annotations

from types import TracebackType
from typing import Self

import torch
from torch import nn

from plait.balancing.base import Balancer
from plait.core.keys import safe_key
from plait.model import MultiTaskModel
from plait.model.blocks import blocks_of
from plait.networks.joined import Joined, held, row_of
from plait.training.joined.hooks import Hooks
from plait.training.joined.memory import join_states, split_state
from plait.training.joined.plan import FEWEST, Plan, learned_scales, plan
from plait.training.joined.rules import RULES


class Joining:
    """Joins the like heads of a model in its optimizer, and takes them apart again.

    Heads of one kind in the same groups of the optimizer become one block if there are eight or
    more: each parameter of theirs is a row of one tensor `[T, *shape]`, which the optimizer holds
    in their place. Modules, names and `state_dict` of the model stay as they are. A step of the
    optimizer moves the tasks that have a gradient, each by its own count of steps, and leaves
    parameters and state of the others as they were: T separate heads and one block end equal, and
    to the last bit where no task is absent. The numbers that `UncertaintyWeights` and `IMTLL` learn
    of the tasks become one tensor with them.

    Where one backward pass of a weighted sum of the losses follows, in the Trainer, and where no
    gradient is wanted, the heads of a block that read the same features run at once, and their
    losses are one vector: sums in another order, which rounds otherwise in the last bits.

    Heads stay apart where they are frozen or of a kind of their own; and all of them with an
    optimizer other than `SGD`, `Adam` and `AdamW` of torch, with fewer than eight tasks, in
    `Separate`, whose networks are trained as if each was alone, and for bilevel methods.

    As a context (``with joining:``) it joins at the start and splits at the end, and may be nested.

    Args:
        model: the model.
        optimizer: holds its parameters; it may have taken steps.
        balancer: the method, if it is known.

    Attributes:
        plan: which heads are joined, and why others are not; as a text it says so.
        blocks: of each block `{name of a parameter in the heads: joined}`; empty while apart.
    """

    def __init__(
        self,
        model: MultiTaskModel,
        optimizer: torch.optim.Optimizer,
        balancer: Balancer | None = None,
    ) -> None:
        self.model = model
        self.optimizer = optimizer
        self.balancer = balancer
        self.plan = Plan()
        self.blocks: list[dict[str, Joined]] = []
        self._scales: list[Joined] = []  # of the balancer
        self._hooks: Hooks | None = None
        self._before: list[list[nn.Parameter]] = []  # parameters of each group, while apart
        self._depth = 0

    def join(self) -> None:
        """Joins what is alike now; the same heads in another optimizer are split before."""
        learned = () if self.balancer is None else self.balancer.parameters()
        for parameter in (*self.model.heads.parameters(), *learned):
            row = row_of(parameter)
            if row is not None:
                row.joined.undo()
        groups, state = self.optimizer.param_groups, self.optimizer.state
        self.plan = plan(self.model, self.optimizer, self.balancer)
        self._before = [list(group["params"]) for group in groups]
        for tasks in self.plan.blocks:
            self.blocks.append(self._block(tasks))
        scales = learned_scales(self.balancer, self.optimizer)
        if self.blocks and scales:
            self._scales = [Joined(scales, self.split)]
        for joined in self._all():
            found = join_states([state.pop(part, {}) for part in joined.parts], joined)
            if found:
                state[joined.whole] = found
        if self.blocks:
            for group in groups:
                group["params"] = list(dict.fromkeys(map(held, group["params"])))
            self._hooks = Hooks(self.optimizer)
            heads = {task: self.model.heads[safe_key(task)] for task in self.model.tasks}
            blocks = blocks_of(self.model.tasks, heads, self.model.sharing)
            self.model.flow.run_at_once(blocks)

    def split(self) -> None:
        """Gives each head its parameters, gradients and state back, as if it never was joined."""
        if self._hooks is None:
            return
        self._hooks.remove()
        self.model.flow.run_at_once(None)
        joined, self._hooks, self.blocks, self._scales = self._all(), None, [], []
        rule, state = RULES[type(self.optimizer)], self.optimizer.state
        for each in joined:
            own = split_state(state.pop(each.whole, {}), counts=rule.counts)
            state.update({each.parts[row]: found for row, found in own.items()})
            each.split()
        wholes = {id(each.whole) for each in joined}
        for group, before in zip(self.optimizer.param_groups, self._before, strict=False):
            known = wholes.union(map(id, before))
            group["params"] = before + [p for p in group["params"] if id(p) not in known]

    def __enter__(self) -> Self:
        if self._depth == 0 and self._hooks is None:
            self.join()
        self._depth += 1
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._depth -= 1
        if self._depth == 0:
            self.split()

    def __str__(self) -> str:
        return str(self.plan)

    @property
    def lines(self) -> list[str]:
        """The plan as lines of the progress; empty with fewer tasks than a block has."""
        return [str(self)] if len(self.model.tasks) >= FEWEST else []

    def _block(self, tasks: tuple[str, ...]) -> dict[str, Joined]:
        """Joins the heads of some tasks, parameter by parameter."""
        heads = {task: self.model.heads[safe_key(task)] for task in tasks}
        own = {task: dict(head.named_parameters()) for task, head in heads.items()}
        names = next(iter(own.values()))
        return {name: Joined({t: own[t][name] for t in tasks}, self.split) for name in names}

    def _all(self) -> list[Joined]:
        return [joined for block in self.blocks for joined in block.values()] + self._scales


def join_heads(
    model: MultiTaskModel,
    optimizer: torch.optim.Optimizer,
    balancer: Balancer | None = None,
) -> Joining:
    """Joins the like heads of a model in its optimizer: many tasks cost it as much as one.

    The `Trainer` does so by itself while it trains. In a loop of your own call it once, after the
    optimizer is made and before its `load_state_dict`, and split at the end::

        with plait.join_heads(model, optimizer, balancer):
            for batch in batches:
                ...

    In between the heads' gradients are those of the tensors that the optimizer holds: clip and
    forget gradients by ``optimizer.param_groups`` and ``optimizer.zero_grad()``, freeze heads by
    ``model.freeze``, and train the model by no other optimizer. Write new values into a head in
    place, as ``copy_`` and `load_state_dict` do: one that ``parameter.data = ...`` gives a tensor
    of its own is no longer trained.

    Args:
        model: the model.
        optimizer: of its parameters, such as one of `plait.parameter_groups`.
        balancer: the method, if it is known.

    Returns:
        What was joined, and why other heads were not: ``print`` it. Its `split` takes it back.

    Example:
        >>> from plait.sharing import Hard
        >>> from plait.tasks import Regression
        >>> tasks = [Regression(f"t{number}") for number in range(20)]
        >>> model = MultiTaskModel(Hard(nn.Linear(3, 4)), tasks, example=torch.zeros(2, 3))
        >>> optimizer = torch.optim.AdamW(model.parameters())
        >>> print(join_heads(model, optimizer))
        20 heads are one block of the optimizer
        >>> [list(parameter.shape) for parameter in optimizer.param_groups[0]["params"]]
        [[4, 3], [4], [20, 1, 4], [20, 1]]
    """
    joining = Joining(model, optimizer, balancer)
    joining.join()
    return joining
