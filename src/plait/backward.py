"""`plait.backward`: from the tasks' losses to one direction in `.grad`."""

from __future__ import annotations

import math
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
from plait.core.errors import ConfigError, NonFiniteError, ShapeError
from plait.gradients import RowBuffer, accumulate, gramian, leaves, norms_and_cosines

Scale = Literal["sum", "paper"]
HeadWeights = Literal["auto", "unit", "task"]
Pairs = list[tuple[Tensor, Tensor]]  # (parameter, gradient)
UNMOVED = 100  # calls after which a learned weight that no optimizer has moved is an error


@dataclass(frozen=True)
class Record:
    """What one call did.

    Attributes:
        tasks: the tasks present, in the order of everything below.
        losses: their losses, `[T]`.
        weights: what each task's gradient counted, `[T]`; None for a method without weights.
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
    """What lives across calls: the row buffer with what was learned of the graph, and a count."""

    rows: RowBuffer = field(default_factory=RowBuffer)
    calls: int = 0


class Backward:
    """Turns the losses of the tasks into `.grad`, in the way that a balancer says.

    It works on any model in any loop. Which parameters are shared is read from the graph: those that
    two tasks reach. `.grad` accumulates, as in torch, and is written last, so that it is as before
    if anything raises. Hooks on the accumulation of gradients do not run.

    Args:
        balancer: decides the weights or the direction.
        model: if given, its parameters that need a gradient are the candidates; else the graph is
            walked for them at each call.
        shared: the shared parameters, if they are to be named rather than found.
        scale: "sum" (equal weighting is 1 for each task, for every method) or "paper".
        head_weights: how gradients count at parameters that one task alone reaches: "unit" (1), "task"
            (the task's weight), or "auto": "task" for loss methods, of which it is the definition, and
            "unit" for the others.
        memory: what an earlier `Backward` on the same model has learned; a new one by default.

    Raises:
        ConfigError: an argument is outside its choices.

    Cost: loss methods take one backward pass; the others T passes and one `[T, P]` buffer, P the
        number of shared parameters.
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
        self.balancer = balancer
        self.model = model
        self.scale = scale
        self.head_weights = head_weights
        self.memory = memory or Memory(RowBuffer(given=shared))
        self._info = Info(())
        self._losses: dict[str, Tensor] = {}
        self._weights: dict[str, Tensor] = {}
        self._pairs: Pairs = []
        self._measure = False

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
            NonFiniteError: a loss or gradient is NaN or infinite; it names the task. Nothing was written.
            ShapeError: a loss is no scalar.
            ConfigError: no loss, or one that depends on no parameter.
        """
        self.start(info)
        self.add(losses, penalty=penalty)
        return self.finish()

    def start(self, info: Info | None = None, *, measure: bool = False) -> None:
        """Begins a step of several micro-batches: `add` each of them, then `finish`.

        Args:
            info: as in a call.
            measure: form the rows for a loss method too, so that the record has norms and cosines. The
                step is the same up to rounding; it takes T backward passes.
        """
        self.memory.rows.reset()
        self._measure = measure
        self._info = info or Info(())
        self._losses, self._weights, self._pairs = {}, {}, []

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
                micro-batch holds; None if it is the whole step. They add up to 1 over the micro-batches,
                so that the step is that of the joined batch.
            penalty: as in a call; give it once in a step.

        Methods that are not linear in the joined losses keep a row per task over the micro-batches.
        """
        _check(losses, penalty)
        self._setup(losses)
        self._pairs += self._penalty(penalty)
        parts = {
            task: loss if shares is None else loss * shares[task] for task, loss in losses.items()
        }
        for task, part in parts.items():
            self._losses[task] = part.detach() + self._losses.get(task, 0.0)
        if not parts:
            return
        candidates = self._candidates(parts.values())
        direct = isinstance(self.balancer, LossBalancer) and not self._measure
        if direct and (shares is None or self.balancer.constant):
            weights = self._loss_weights(parts)
            each = [
                weight.to(part.dtype) for weight, part in zip(weights, parts.values(), strict=True)
            ]
            self._pairs += _gradients(list(parts.values()), candidates, each)
        else:
            self.memory.rows.add(parts, candidates)

    def finish(self) -> Record:
        """Combines what was added, writes `.grad`, and returns what happened."""
        if not self._losses:
            raise ConfigError(
                "no task has a loss in this step. Skip the step, or check the labels."
            )
        record = self._combine() if self.memory.rows.tasks else self._record(tuple(self._losses))
        accumulate(self._pairs)
        self._check_moved()
        self.memory.rows.reset()
        self._pairs = []
        return record

    def state_dict(self) -> dict[str, Any]:
        """Returns what was learned of the graph: names of the shared parameters in their order."""
        if self.model is None:
            raise ConfigError(
                "`Backward` keeps names only of a model that it was given (`model=`)."
            )
        names = {id(parameter): name for name, parameter in self.model.named_parameters()}
        return {
            "shared": [names[id(p)] for p in self.memory.rows.shared],
            "calls": self.memory.calls,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restores what `state_dict` returned."""
        if self.model is None:
            raise ConfigError(
                "`Backward` keeps names only of a model that it was given (`model=`)."
            )
        parameters = dict(self.model.named_parameters())
        given = self.memory.rows.given
        rows = RowBuffer(given=given, known=[parameters[name] for name in state["shared"]])
        self.memory = Memory(rows, int(state["calls"]))

    def _setup(self, losses: Mapping[str, Tensor]) -> None:
        if self.balancer.tasks:
            return
        if self.balancer.learns:
            raise ConfigError(
                f"{type(self.balancer).__name__} learns its weights, so the optimizer has to have them. Name "
                "its tasks (`tasks=[...]`) and make the optimizer with `plait.parameter_groups`."
            )
        self.balancer.setup(tuple(losses))

    def _candidates(self, losses: Iterable[Tensor]) -> list[Tensor]:
        found = leaves(losses) if self.model is None else list(self.model.parameters())
        return [parameter for parameter in found if parameter.requires_grad]

    def _penalty(self, penalty: Mapping[str, Tensor] | Tensor | None) -> Pairs:
        terms = list(penalty.values()) if isinstance(penalty, Mapping) else [penalty]
        active = [term for term in terms if term is not None and term.requires_grad]
        return _gradients(active, leaves(active), retain=True) if active else []

    def _loss_weights(self, losses: Mapping[str, Tensor]) -> Tensor:
        """Returns the weights of a loss method; its own parameters get their gradients on the way."""
        assert isinstance(self.balancer, LossBalancer)
        values = torch.stack([loss.detach().float() for loss in losses.values()]).requires_grad_()
        objective = self.balancer.objective(values, self._informed(tuple(losses), values.detach()))
        learned = [parameter for parameter in self.balancer.parameters() if parameter.requires_grad]
        weights, *own = torch.autograd.grad(objective, [values, *learned], allow_unused=True)
        self._pairs += [(p, g) for p, g in zip(learned, own, strict=True) if g is not None]
        weights = weights * self._scale(len(values))
        self._weights.update(zip(losses, weights, strict=True))
        return weights

    def _combine(self) -> Record:
        """Combines the rows in the way that the balancer reads them."""
        rows = self.memory.rows
        tasks = tuple(rows.tasks)
        jacobian = rows.jacobian
        matrix = gramian(jacobian).cpu()
        info = self._informed(tasks, torch.stack([self._losses[task].float() for task in tasks]))
        scale = self._scale(len(tasks))
        if isinstance(self.balancer, JacobianBalancer):
            check_finite(matrix.numpy(), tasks)
            direction = self.balancer.combine(jacobian, info) * scale
        else:
            if isinstance(self.balancer, GramianBalancer):
                weights = self.balancer.weights(matrix, info) * scale
                self._weights.update(zip(tasks, weights, strict=True))
            else:
                check_finite(matrix.numpy(), tasks)
                weights = self._loss_weights({task: self._losses[task] for task in tasks})
            direction = weights.to(jacobian) @ jacobian
        self._pairs += rows.split(direction)
        self._pairs += self._own_gradients(tasks)
        return self._record(tasks, *norms_and_cosines(matrix.numpy()))

    def _own_gradients(self, tasks: tuple[str, ...]) -> Pairs:
        by_task = self.head_weights == "task" or (
            self.head_weights == "auto" and isinstance(self.balancer, LossBalancer)
        )
        if by_task and not self._weights:
            raise ConfigError(
                f"{type(self.balancer).__name__} gives no weights, so `head_weights` cannot be 'task'. "
                "Leave it at 'auto'."
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
        return float(tasks) if self.scale == "sum" and self.balancer.equal_weight == "mean" else 1.0

    def _informed(self, tasks: tuple[str, ...], losses: Tensor) -> Info:
        return replace(self._info, tasks=tasks, losses=losses)

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

    def _check_moved(self) -> None:
        """Raises if no optimizer has the balancer's learned weights."""
        self.memory.calls += 1
        if self.memory.calls == UNMOVED and self.balancer.learns:
            if all(parameter._version == 0 for parameter in self.balancer.parameters()):
                raise ConfigError(
                    f"the learned weights of {type(self.balancer).__name__} have not moved in {UNMOVED} "
                    "steps: no optimizer has them. Make it with `plait.parameter_groups(model, balancer)`."
                )


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
        NonFiniteError: a loss or gradient is NaN or infinite; it names the task. Nothing was written.

    Example:
        >>> from plait.balancing import UPGrad
        >>> w = torch.tensor([1.0, 0.0], requires_grad=True)
        >>> losses = {"a": (w * torch.tensor([1.0, 0.0])).sum(), "b": (w * torch.tensor([-1.0, 1.0])).sum()}
        >>> record = backward(losses, UPGrad())
        >>> w.grad
        tensor([0.5000, 1.5000])
    """
    memory = _memories.setdefault(balancer, Memory())
    return Backward(balancer, scale=scale, head_weights=head_weights, memory=memory)(
        losses, penalty
    )


def _gradients(
    scalars: list[Tensor],
    candidates: list[Tensor],
    weights: list[Tensor] | None = None,
    *,
    retain: bool = False,
) -> Pairs:
    found = torch.autograd.grad(
        scalars, candidates, weights, retain_graph=retain, allow_unused=True
    )
    return [(p, g) for p, g in zip(candidates, found, strict=True) if g is not None]


def _check(losses: Mapping[str, Tensor], penalty: Mapping[str, Tensor] | Tensor | None) -> None:
    """Checks shapes, graphs and values; one copy of all losses to the host."""
    scalars = dict(losses)
    if penalty is not None:
        terms = penalty if isinstance(penalty, Mapping) else {"penalty": penalty}
        scalars |= {
            f"penalty {name}" if name != "penalty" else name: term for name, term in terms.items()
        }
    for name, scalar in scalars.items():
        if scalar.dim() != 0:
            raise ShapeError(
                f"the loss of {name!r} must be a scalar; found {list(scalar.shape)}. Take its mean first."
            )
    for task, loss in losses.items():
        if not loss.requires_grad:
            raise ConfigError(
                f"the loss of task {task!r} depends on no parameter that needs a gradient. Leave the task "
                "out of this step, or look for a stray `detach` or `no_grad`."
            )
    if not scalars:
        return
    values = torch.stack([scalar.detach().float() for scalar in scalars.values()]).tolist()
    broken = [f"{n!r} is {v}" for n, v in zip(scalars, values, strict=True) if not math.isfinite(v)]
    if broken:
        raise NonFiniteError(
            f"the loss of task {', '.join(broken)}; nothing was changed. "
            "Lower the learning rate, clip gradients, or check the task's labels and loss."
        )
