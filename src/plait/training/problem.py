"""One training step as a bilevel method sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor
from torch.func import functional_call

from plait.core.batch import Batch
from plait.core.errors import ConfigError
from plait.core.random_state import random_state_kept
from plait.core.reduction import Reduction
from plait.model import MultiTaskModel
from plait.training.virtual_step import check_supported, virtual_step


class ModelProblem:
    """Computes a model's losses at any parameters, as a `plait.balancing.Problem`.

    Nothing that is asked changes the model. Each evaluation runs in the model's present mode, on
    clones of its buffers (the running statistics of batch normalisation), and puts the random
    generators back: dropout draws, in each, what the model's next forward pass draws. Penalties are
    not part of the losses.

    Args:
        model: the model; `parameters` are those of its parameters that need a gradient.
        train: the training batch, on the model's device; None in one of several processes that has
            no label.
        val: the validation batch, likewise. A task without labels in it has validation loss 0, and
            no gradient.
        optimizer: SGD, Adam or AdamW of torch; its next step is the virtual one.
        autocast: the context of each forward pass.
        reduction: "label" multiplies each loss by its task's share of the labels of its batch; see
            `Losses.by_label`.
        counts: `{task: n}` of the labels of both batches, in all processes; by default those of the
            batches. `tasks` are those with labels in the training batch.

    Raises:
        ConfigError: another optimizer, an option of it that is not supported, or a training batch
            without labels.

    Example:
        >>> from plait.balancing import AutoLambda
        >>> from plait.sharing import Hard
        >>> from plait.tasks import Regression
        >>> inputs = torch.ones(4, 2)
        >>> model = MultiTaskModel(
        ...     Hard(torch.nn.Linear(2, 3)), [Regression("a"), Regression("b")], example=inputs
        ... )
        >>> batch = model.batch(inputs, {"a": torch.ones(4, 1), "b": torch.zeros(4, 1)})
        >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        >>> problem = ModelProblem(model, batch, batch, optimizer)
        >>> weights, _ = AutoLambda(weight_init=1.0, meta_lr=0.01).weights(problem)
        >>> problem.tasks, weights.shape
        (('a', 'b'), torch.Size([2]))
    """

    def __init__(
        self,
        model: MultiTaskModel,
        train: Batch | None,
        val: Batch | None,
        optimizer: torch.optim.Optimizer,
        autocast: AbstractContextManager[object] | None = None,
        reduction: Reduction = "task",
        counts: Sequence[Mapping[str, float]] | None = None,
    ) -> None:
        check_supported(optimizer)
        self._model = model
        counts = counts or [{} if batch is None else batch.counts for batch in (train, val)]
        self._train, self._val = (train, counts[0]), (val, counts[1])
        self._optimizer = optimizer
        self._reduction: Reduction = reduction
        self._autocast = nullcontext() if autocast is None else autocast
        named = {name: p for name, p in model.named_parameters() if p.requires_grad}
        self._names = tuple(named)
        self.parameters: tuple[Tensor, ...] = tuple(named.values())
        self.tasks = tuple(task for task in model.tasks if counts[0].get(task, 0) > 0)
        if not self.tasks:
            raise ConfigError("the training batch has no label of any task. Skip the step.")

    def train(self, parameters: Sequence[Tensor]) -> Tensor:
        """Returns the training losses `[T]` of `tasks`, each times its static weight."""
        return self._losses(parameters, *self._train)

    def val(self, parameters: Sequence[Tensor]) -> Tensor:
        """Returns the validation losses `[T]` of `tasks`; 0 for one without labels."""
        return self._losses(parameters, *self._val)

    def virtual_step(
        self, parameters: Sequence[Tensor], gradient: Sequence[Tensor]
    ) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """Returns the parameters after the optimizer's next step, and the slope of that step.

        All are in the order and shapes of `parameters`.

        A parameter that no task reaches has gradient zero here, where the optimizer itself would
        skip it: weight decay and momentum move it in the virtual step.
        """
        return virtual_step(self._optimizer, self.parameters, parameters, gradient)

    def _losses(
        self, parameters: Sequence[Tensor], batch: Batch | None, counts: Mapping[str, float]
    ) -> Tensor:
        zero = torch.zeros((), device=self.parameters[0].device)
        if batch is None:
            return zero.repeat(len(self.tasks))
        state = dict(zip(self._names, parameters, strict=True))
        state |= {name: buffer.clone() for name, buffer in self._model.named_buffers()}
        with random_state_kept(self.parameters[0].device), self._autocast:
            outputs = [
                functional_call(self._model, state, (part.inputs,), {"tasks": part.tasks})
                for part in batch.parts
            ]
            losses = self._model.losses(outputs, batch)
        if self._reduction == "label" and losses:
            losses = losses.by_label(counts)
        return torch.stack([losses.get(task, zero) for task in self.tasks])
