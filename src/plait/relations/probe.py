"""The losses of a model on one batch, as a function of its parameters; the model stays as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.func import functional_call

from plait.core.batch import Batch
from plait.core.errors import ConfigError, DataError
from plait.core.outputs import Losses
from plait.core.random_state import random_state, restore
from plait.data import batches_of
from plait.gradients import per_task_gradients
from plait.model import MultiTaskModel
from plait.model.losses import task_losses


class Probe:
    """Evaluates the losses of a batch at other parameters, without a trace in the model.

    Each evaluation runs in the model's present mode, on copies of its buffers (the running
    statistics of batch normalisation), and draws the same random numbers (dropout): those that
    follow the state of the generators when the probe is made. They move on as after one forward
    pass; `random_state_kept` around it puts them back. Penalties are not part of the losses.

    Args:
        model: the model.
        batch: a `Batch`, or ``(inputs, {task: labels})``.
        shared: names of the shared parameters; by default found by `shared_parameters`.

    Attributes:
        parameters: `{name: parameter}` of the model.
        shared: `{name: parameter}` of those that two tasks or more reach, in the model's order.
        tasks: the tasks with labels in the batch, in the model's order.

    Raises:
        ConfigError: the model shares no parameter.
        DataError: the batch has no label of a task.
    """

    def __init__(
        self, model: MultiTaskModel, batch: Any, shared: Sequence[str] | None = None
    ) -> None:
        self._model = model
        self._device = next(model.parameters()).device
        (made,) = batches_of([batch], model.tasks.values())
        self._batch: Batch = made.labelled.to(self._device)
        self.tasks = tuple(task for task in model.tasks if made.counts.get(task, 0) > 0)
        if not self.tasks:
            raise DataError("the batch has no label of any task. Skip it.")
        names = shared_parameters(model) if shared is None else shared
        self.parameters: dict[str, Tensor] = dict(model.named_parameters())
        self.shared = {name: self.parameters[name] for name in names}
        self._state = random_state(self._device)

    def losses(self, moved: Mapping[str, Tensor] | None = None) -> Losses:
        """Returns the losses of the tasks with labels; they have a graph if nothing is moved.

        Args:
            moved: `{name of a parameter: its value}`; the others are as they are in the model.
        """
        restore(self._state, self._device)
        model, batch = self._model, self._batch
        state = {name: buffer.clone() for name, buffer in model.named_buffers()} | dict(moved or {})
        with torch.set_grad_enabled(moved is None):
            outputs = [
                functional_call(model, state, (part.inputs,), {"tasks": part.tasks})
                for part in batch.parts
            ]
            return task_losses(model.tasks, outputs, batch, model.early_weight)

    def gradients(
        self, losses: Mapping[str, Tensor], names: Sequence[str]
    ) -> dict[str, dict[str, Tensor]]:
        """Returns `{task: {name of a parameter: gradient}}`; the graph of the losses is freed.

        A parameter that a task does not reach is left out.
        """
        candidates = [self.parameters[name] for name in names]
        name_of = dict(zip(map(id, candidates), names, strict=True))
        return {
            task: {name_of[id(p)]: (g.to_dense() if g.is_sparse else g) for p, g in pairs}
            for task, pairs in per_task_gradients(losses, candidates)
        }


def shared_parameters(model: MultiTaskModel) -> list[str]:
    """Returns the names of the parameters that two tasks or more reach, in the model's order.

    Raises:
        ConfigError: there are none.
    """
    names = [name for name, tasks in model.roles().items() if len(tasks) > 1]
    if not names:
        raise ConfigError(
            f"the tasks {', '.join(model.tasks)} share no parameter that is trained, so nothing "
            "passes between them. Take a model with sharing, such as Hard."
        )
    return names
