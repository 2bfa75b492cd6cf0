"""`plait.backward`: from the tasks' losses to one direction in `.grad`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor, nn

from plait.balancing.base import (
    Balancer,
    GramianBalancer,
    Info,
    JacobianBalancer,
    LossBalancer,
    check_finite,
)
from plait.balancing.learned import LearnedWeights
from plait.core.errors import ConfigError
from plait.gradients import (
    RowBuffer,
    accumulate,
    add,
    check_losses,
    gradients,
    gramian,
    leaves,
    norms_and_cosines,
    values_of,
)

Scale = Literal["sum", "paper"]
HeadWeights = Literal["auto", "unit", "task"]
Pairs = list[tuple[Tensor, Tensor]]  # (parameter, gradient)


@dataclass(frozen=True)
class Record:
    """What one call did.

    Attributes:
        tasks: the tasks present, in the order of everything below.
        losses: their losses, `[T]`.
        weights: what each task's gradient counted, `[T]`; None for a method without weights. That
            of a task that moves no shared parameter is the one of equal weighting.
        norms: lengths of the tasks' gradients at the shared parameters, `[T]`; None where no rows
            were formed.
        cosines: cosines between them, `[T, T]`; None where no rows were formed.
    """

    tasks: tuple[str, ...]
    losses: np.ndarray
    weights: np.ndarray | None = None
    norms: np.ndarray | None = None
    cosines: np.ndarray | None = None


@dataclass
class Memory:
    """What lives across calls.

    Attributes:
        rows: the row buffer, with what was learned of the graph.
        learned: watches that the balancer's learned weights move.
    """

    rows: RowBuffer = field(default_factory=RowBuffer)
    learned: LearnedWeights = field(default_factory=LearnedWeights)


class Backward:
    """Turns the losses of the tasks into `.grad`, in the way that a balancer says.

    It works on any model in any loop. Which parameters are shared is read from the graph: those
    that two tasks reach. `.grad` accumulates, as in torch, and is written last, so that it is as
    before if anything raises. Hooks on the accumulation of gradients do not run.

    Args:
        balancer: decides the weights or the direction.
        model: if given, its parameters that need a gradient are the candidates; else the graph is
            walked for them at each call.
        shared: the shared parameters, if they are to be named rather than found.
        scale: "sum" (equal weighting is 1 for each task, for every method) or "paper".
        head_weights: how gradients count at parameters that one task alone reaches: "unit" (1),
            "task" (the task's weight), or "auto": "task" for loss methods, of which it is the
            definition, and "unit" for the others.
        memory: what an earlier `Backward` on the same model has learned; a new one by default.

    Raises:
        ConfigError: an argument is outside its choices.

    Cost: loss methods take one backward pass; the others, and loss methods with unit weights for
        the heads, T passes and one `[T, P]` buffer, P the number of shared parameters.
    """

    def __init__(
        self,
        balancer: Balancer,
        model: nn.Module | None = None,
        *,
        shared: Sequence[Tensor] | None = None,
        scale: Scale = "sum",
        head_weights: HeadWeights = "auto",
        memory: Memory | None = None,
    ) -> None:
        if scale not in ("sum", "paper"):
            raise ConfigError(f"`scale` must be 'sum' or 'paper'; found {scale!r}.")
        if head_weights not in ("auto", "unit", "task"):
            raise ConfigError(
                f"`head_weights` must be 'auto', 'unit' or 'task'; found {head_weights!r}."
            )
        if head_weights == "task" and isinstance(balancer, JacobianBalancer):
            raise ConfigError(
                f"{type(balancer).__name__} gives no weights, so `head_weights` cannot be 'task'. "
                "Leave it at 'auto'."
            )
        self.balancer = balancer
        self.model = model
        self.scale = scale
        self.head_weights = head_weights
        self.memory = memory or Memory(RowBuffer(given=shared))
        self.start()

    def __call__(
        self,
        losses: Mapping[str, Tensor],
        penalty: Mapping[str, Tensor] | Tensor | None = None,
        *,
        info: Info | None = None,
    ) -> Record:
        """Adds the balanced gradient of `losses` and the gradient of `penalty` to `.grad`.

        Args:
            losses: `{task: scalar}` of the tasks present in this step.
            penalty: a scalar, or scalars by name, added to the objective outside the balancer.
            info: where the training is, for methods that ask; the Trainer gives it.

        Raises:
            NonFiniteError: a loss, or a row of gradients, is NaN or infinite; it names the task.
                Nothing was written.
            ShapeError: a loss is no scalar.
            ConfigError: no loss, or one that depends on no parameter; learned weights that no
                optimizer moves.
        """
        self.start(info)
        self.add(losses, penalty=penalty)
        return self.finish()

    def start(self, info: Info | None = None, *, measure: bool = False) -> None:
        """Begins a step of several micro-batches: `add` each of them, then `finish`.

        Args:
            info: as in a call.
            measure: form the rows for a loss method too, so that the record has norms and cosines.
                The step is the same up to rounding; it takes T backward passes.
        """
        self.memory.rows.reset()
        self._info = info or Info(())
        self._losses: dict[str, Tensor] = {}
        self._weights: dict[str, Tensor] = {}
        self._gradients: dict[int, tuple[Tensor, Tensor]] = {}
        self._several = False
        self._forms_rows = (
            measure or self.head_weights == "unit" or not isinstance(self.balancer, LossBalancer)
        )

    def add(
        self,
        losses: Mapping[str, Tensor],
        shares: Mapping[str, float] | None = None,
        *,
        penalty: Mapping[str, Tensor] | Tensor | None = None,
    ) -> None:
        """Adds one micro-batch.

        Args:
            losses: `{task: scalar}` of the tasks present in it.
            shares: `{task: n / N}`, the part of the task's labels in the whole step that this
                micro-batch holds; None if it is the whole step. They add up to 1 over the
                micro-batches, so that the step is that of the joined batch.
            penalty: as in a call; give it once in a step.

        Methods that are not linear in the joined losses keep a row per task over the micro-batches.
        """
        check_losses(losses, penalty, positive=self.balancer.positive_losses)
        self._check_setup()
        self._several = shares is not None
        self._collect(_penalty_gradients(penalty))
        parts = {
            task: loss if shares is None else loss * shares[task] for task, loss in losses.items()
        }
        for task, part in parts.items():
            self._losses[task] = part.detach() + self._losses.get(task, 0.0)
        if not parts:
            return
        candidates = self._candidates(parts.values())
        if self._forms_rows or not (shares is None or self.balancer.constant):
            self.memory.rows.add(parts, candidates)
        else:
            weights = self._loss_weights(parts)
            each = [
                weight.to(part.dtype) for weight, part in zip(weights, parts.values(), strict=True)
            ]
            self._collect(gradients(list(parts.values()), candidates, each))

    def finish(self) -> Record:
        """Combines what was added, writes `.grad`, and returns what happened."""
        if not self._losses:
            raise ConfigError(
                "no task has a loss in this step. Skip the step, or check the labels."
            )
        self.memory.learned.watch(self.balancer)
        record = self._combine() if self.memory.rows.tasks else self._record(tuple(self._losses))
        accumulate(self._gradients.values())
        self.start()
        return record

    def state_dict(self) -> dict[str, Any]:
        """Returns what was learned of the graph: names of parameters, and who reached them."""
        names = {id(parameter): name for name, parameter in self._named_parameters().items()}
        rows = self.memory.rows
        return {
            "shared": [names[id(parameter)] for parameter in rows.shared],
            "owners": {names[id(parameter)]: task for parameter, task in rows.owners},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restores what `state_dict` returned."""
        parameters = self._named_parameters()
        rows = RowBuffer(
            given=self.memory.rows.given,
            known=[parameters[name] for name in state["shared"]],
            owners=[(parameters[name], task) for name, task in state["owners"].items()],
        )
        self.memory = Memory(rows)

    def _named_parameters(self) -> dict[str, nn.Parameter]:
        if self.model is None:
            raise ConfigError(
                "`Backward` keeps names only of a model that it was given (`model=`)."
            )
        return dict(self.model.named_parameters())

    def _check_setup(self) -> None:
        if self.balancer.learns and not self.balancer.tasks:
            raise ConfigError(
                f"{type(self.balancer).__name__} learns its weights, so the optimizer has to have "
                "them. Name its tasks (`tasks=[...]`) and make the optimizer with "
                "`plait.parameter_groups`."
            )

    def _collect(self, pairs: Pairs) -> None:
        """Adds gradients to those of this step; micro-batches take the memory of one."""
        for parameter, gradient in pairs:
            known = self._gradients.get(id(parameter))
            total = gradient if known is None else add(known[1], gradient)
            self._gradients[id(parameter)] = (parameter, total)

    def _candidates(self, losses: Iterable[Tensor]) -> list[Tensor]:
        found = leaves(losses) if self.model is None else list(self.model.parameters())
        candidates = [parameter for parameter in found if parameter.requires_grad]
        if not candidates:
            raise ConfigError("no parameter of the model needs a gradient. Unfreeze some of them.")
        return candidates

    def _loss_weights(self, losses: Mapping[str, Tensor]) -> Tensor:
        """Returns the weights of a loss method; its own parameters get gradients on the way."""
        assert isinstance(self.balancer, LossBalancer)
        values = values_of(losses.values()).requires_grad_()
        objective = self.balancer.objective(values, self._informed(tuple(losses), values.detach()))
        learned = [parameter for parameter in self.balancer.parameters() if parameter.requires_grad]
        weights, *own = torch.autograd.grad(objective, [values, *learned], allow_unused=True)
        self._collect([(p, g) for p, g in zip(learned, own, strict=True) if g is not None])
        weights = weights * self._scale(len(values))
        self._weights.update(zip(losses, weights, strict=True))
        return weights

    def _combine(self) -> Record:
        """Combines the rows in the way that the balancer reads them."""
        rows = self.memory.rows
        if self._several:
            rows.sort(self.balancer.tasks)
        tasks = tuple(rows.tasks)
        jacobian = rows.jacobian
        matrix = gramian(jacobian).cpu()
        info = self._informed(
            tasks, values_of(self._losses[task] for task in tasks), jacobian.dtype
        )
        scale = self._scale(len(tasks))
        if isinstance(self.balancer, JacobianBalancer):
            check_finite(matrix.numpy(), tasks)
            direction = self.balancer.combine(jacobian, info) * scale
        else:
            if isinstance(self.balancer, GramianBalancer):
                weights = self.balancer.weights(matrix, info) * scale
                weights[matrix.diagonal() == 0] = scale / self._divisor(len(tasks))
                self._weights.update(zip(tasks, weights, strict=True))
            else:
                check_finite(matrix.numpy(), tasks)
                weights = self._loss_weights({task: self._losses[task] for task in tasks})
            direction = weights.to(jacobian) @ jacobian
        self._collect(rows.split(direction))
        self._collect(self._own_gradients(tasks))
        return self._record(tasks, *norms_and_cosines(matrix.numpy()))

    def _own_gradients(self, tasks: tuple[str, ...]) -> Pairs:
        by_task = self.head_weights == "task" or (
            self.head_weights == "auto" and isinstance(self.balancer, LossBalancer)
        )
        weight = dict.fromkeys(tasks, 1.0)
        if by_task:
            weight = {task: float(value) for task, value in self._weights.items()}
        return [
            (own.parameter, gradient if weight[task] == 1.0 else gradient * weight[task])
            for own in self.memory.rows.own.values()
            for task, gradient in own.by_task.items()
        ]

    def _scale(self, tasks: int) -> float:
        return self._divisor(tasks) if self.scale == "sum" else 1.0

    def _divisor(self, tasks: int) -> float:
        """Returns what the paper divides equal weights by."""
        return float(tasks) if self.balancer.equal_weight == "mean" else 1.0

    def _informed(
        self, tasks: tuple[str, ...], losses: Tensor, dtype: torch.dtype = torch.float32
    ) -> Info:
        wide = torch.promote_types(dtype, torch.float32)
        return replace(self._info, tasks=tasks, losses=losses, dtype=wide)

    def _record(
        self,
        tasks: tuple[str, ...],
        norms: np.ndarray | None = None,
        cosines: np.ndarray | None = None,
    ) -> Record:
        losses = np.array([float(self._losses[task]) for task in tasks])
        weights = None
        if self._weights:
            weights = np.array([float(self._weights[task]) for task in tasks])
        return Record(tasks, losses, weights, norms, cosines)


def _penalty_gradients(penalty: Mapping[str, Tensor] | Tensor | None) -> Pairs:
    terms = list(penalty.values()) if isinstance(penalty, Mapping) else [penalty]
    active = [term for term in terms if term is not None and term.requires_grad]
    return gradients(active, leaves(active), retain=True) if active else []


_memories: WeakKeyDictionary[Balancer, Memory] = WeakKeyDictionary()


def backward(
    losses: Mapping[str, Tensor],
    balancer: Balancer,
    penalty: Mapping[str, Tensor] | Tensor | None = None,
    *,
    scale: Scale = "sum",
    head_weights: HeadWeights = "auto",
) -> Record:
    """Replaces ``sum(losses.values()).backward()``: writes the balanced gradient to `.grad`.

    It works on any model, names no shared parameter, and keeps one `Memory` for each balancer.

    Args:
        losses: `{task: scalar}` of the tasks present in this step.
        balancer: decides the weights or the direction.
        penalty: a scalar, or scalars by name, added to the objective outside the balancer.
        scale: see `Backward`.
        head_weights: see `Backward`.

    Returns:
        What happened: weights, norms and cosines of the tasks' gradients.

    Raises:
        NonFiniteError: a loss, or a row of gradients, is NaN or infinite; it names the task.
            Nothing was written.

    Example:
        >>> from plait.balancing import UPGrad
        >>> w = torch.tensor([1.0, 0.0], requires_grad=True)
        >>> record = backward({"a": w[0], "b": w[1] - w[0]}, UPGrad())
        >>> w.grad
        tensor([0.5000, 1.5000])
    """
    memory = _memories.setdefault(balancer, Memory())
    return Backward(balancer, scale=scale, head_weights=head_weights, memory=memory)(
        losses, penalty
    )
