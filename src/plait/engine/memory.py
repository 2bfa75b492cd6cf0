"""The state of `plait.backward` that lives across steps."""

from __future__ import annotations

import copy
import gc
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from plait.balancing.base import Balancer
from plait.core.errors import ConfigError
from plait.engine.trained import Trained
from plait.gradients import Layout, RowBuffer, Scratch
from plait.networks.joined import held
from plait.networks.walk import modules_of

OF_EVERY_MODULE = frozenset(vars(nn.Module()))  # such as hooks: a method's own state is elsewhere
UNMOVED = 100  # steps after which learned weights that no optimizer has moved are an error


class LearnedWeights:
    """Watches that an optimizer moves the weights that a balancer learns.

    It looks at the first two steps, where weights that have not moved and that no optimizer has are
    an error, and at the 100th, where those that an optimizer has must have moved too. The steps
    between do not wait for the device.
    """

    def __init__(self) -> None:
        self.first: list[Tensor] = []
        self.steps = 0

    def watch(self, balancer: Balancer, gradients: Iterable[tuple[Tensor, Tensor]]) -> None:
        """Counts a step; call it once in each.

        Args:
            balancer: with the learned weights.
            gradients: `(parameter, gradient)` of this step.

        Raises:
            ConfigError: at the second step the weights have not moved, and are in no optimizer
                although other parameters are; at the 100th they are as at the first.
        """
        if not balancer.learns or self.steps >= UNMOVED:
            return
        learned = [parameter for parameter in balancer.parameters() if parameter.requires_grad]
        if not learned:
            return
        self.steps += 1
        if self.steps == 1:
            self.first = [parameter.detach().clone() for parameter in learned]
        elif self.steps == 2 and _equal(learned, self.first):
            others = {parameter for parameter, _ in gradients}.difference(learned)
            if not _in_an_optimizer(learned) and _in_an_optimizer(others):
                self._refuse(balancer, "are in no optimizer")
        elif self.steps == UNMOVED:
            if _equal(learned, self.first):
                self._refuse(balancer, f"have not moved in {UNMOVED} steps")
            self.first = []

    def _refuse(self, balancer: Balancer, why: str) -> None:
        self.steps, self.first = 0, []
        raise ConfigError(
            f"the learned weights of {type(balancer).__name__} {why}. Make the optimizer with "
            "`plait.parameter_groups(model, balancer)`."
        )


def _in_an_optimizer(parameters: Iterable[Tensor]) -> bool:
    """Whether any optimizer of this process, used or not so far, has one of some parameters.

    Cost: one look at every object that the garbage collector knows, some 0.1 seconds.
    """
    wanted = {id(held(parameter)) for parameter in parameters}
    return any(
        id(each) in wanted
        for found in gc.get_objects()
        if issubclass(type(found), torch.optim.Optimizer)  # a proxy may be of what is gone
        for group in getattr(found, "param_groups", ())
        for each in group["params"]
    )


def _equal(first: Sequence[Tensor], second: Sequence[Tensor]) -> bool:
    same = [(one == two.to(one)).all() for one, two in zip(first, second, strict=True)]
    return bool(torch.stack(same).all())


@dataclass
class Patience:
    """Asks again after 1, 2, 4, ... steps, 64 at most, for as long as the answer is no.

    Attributes:
        wait: steps until it asks again.
        span: steps that it waited last.

    Example:
        >>> patience = Patience()
        >>> asked = []
        >>> for step in range(9):
        ...     if patience.asks():
        ...         asked.append(step)
        ...         patience.learn(False)
        >>> asked
        [0, 2, 5]
    """

    wait: int = 0
    span: int = 0

    def asks(self) -> bool:
        """Returns whether it asks in this step; call it once in each."""
        self.wait -= 1
        return self.wait < 0

    def learn(self, answer: bool) -> None:
        """Takes the answer to what it asked."""
        self.span = 0 if answer else min(64, max(1, 2 * self.span))
        self.wait = self.span


@dataclass
class Memory:
    """Keeps the state that `Backward` carries from step to step.

    Attributes:
        rows: the row buffer, with what was learned of the graph.
        scratch: the memory of the route by layers, and of rows at the features.
        trained: tells what is trained from what merely needs a gradient.
        learned: watches that the balancer's learned weights move.
        by_labels: when a plan by labels is tried again, after a graph that cannot be split by
            example, or not with gain.
        names: the tasks that all processes of the training know, in one order; empty with one.
        terms: the penalties that all processes know, likewise.
        met: what the layout of `rows` was told by all processes; None with one.
        wrappers: wrappers of torch that might add up gradients too; None until they are looked for.
        weights: `{task: weight}` that the method last gave, for `every`; empty before.
        age: steps that these weights have served.
        skipped: steps that were skipped because something was not finite.
    """

    rows: RowBuffer = field(default_factory=RowBuffer)
    scratch: Scratch = field(default_factory=Scratch)
    trained: Trained = field(default_factory=Trained)
    learned: LearnedWeights = field(default_factory=LearnedWeights)
    by_labels: Patience = field(default_factory=Patience)
    names: list[str] = field(default_factory=list)
    terms: list[str] = field(default_factory=list)
    met: tuple[Layout, Tensor] | None = None
    wrappers: list[Any] | None = None
    weights: dict[str, float] = field(default_factory=dict)
    age: int = 0
    skipped: int = 0

    def name_shared(self, shared: Sequence[Tensor]) -> None:
        """Takes the shared parameters that the caller names, unless they are known as such."""
        given = self.rows.layout.given
        if given is None or list(map(id, given)) != list(map(id, shared)):
            self.rows = RowBuffer(Layout(given=shared))

    def saved(self, parameters: Mapping[str, Tensor]) -> dict[str, Any]:
        """Returns shared parameters and owners of the others, by name, and the last weights."""
        names = {id(parameter): name for name, parameter in parameters.items()}
        layout = self.rows.layout
        return {
            "shared": [names[id(parameter)] for parameter in layout.shared],
            "owners": {names[id(parameter)]: task for parameter, task in layout.owners},
            "weights": dict(self.weights),
            "age": self.age,
            "skipped": self.skipped,
            "by_labels": (self.by_labels.wait, self.by_labels.span),
        }

    def restored(self, state: Mapping[str, Any], parameters: Mapping[str, Tensor]) -> Memory:
        """Returns the memory of what `saved` returned."""
        layout = Layout(
            given=self.rows.layout.given,
            known=[parameters[name] for name in state["shared"]],
            owners=[(parameters[name], task) for name, task in state["owners"].items()],
        )
        return Memory(
            RowBuffer(layout),
            weights=dict(state["weights"]),
            age=state["age"],
            skipped=state["skipped"],
            by_labels=Patience(*state["by_labels"]),
        )


def keep_state(balancer: Balancer) -> Callable[[], None]:
    """Returns a function that gives a balancer the state back that it has now.

    Its parameters are left out: the optimizer alone moves them. What a method keeps in containers
    is kept by reference, so that nothing is copied but buffers and the state of generators.
    """
    kept = []
    for module in modules_of(balancer):
        own = vars(module)
        values = {name: value for name, value in own.items() if name not in OF_EVERY_MODULE}
        for name, value in values.items():
            if isinstance(value, dict | list | set):
                values[name] = value.copy()
        buffers = [(each, each.clone()) for each in module._buffers.values() if each is not None]
        extra = None
        if type(module).get_extra_state is not nn.Module.get_extra_state:
            extra = copy.deepcopy(module.get_extra_state())
        kept.append((module, values, buffers, extra))

    def give_back() -> None:
        for module, values, buffers, extra in kept:
            for name in vars(module).keys() - values.keys() - OF_EVERY_MODULE:
                del vars(module)[name]
            vars(module).update(values)
            with torch.no_grad():
                for buffer, value in buffers:
                    buffer.copy_(value)
            if extra is not None:
                module.set_extra_state(extra)

    return give_back
