"""Linear models of many small tasks, with the regularizers of plait between them.

All rows are read in each step, and so are all tasks at once: the tables of tasks are filled up to
one length.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence

from plait.core.structure import PerTask
from plait.data import Disjoint
from plait.model import MultiTaskModel
from plait.recipes import Recipe
from plait.regularization import Regularizer
from plait.sharing import Separate
from plait.tasks import Regression


class TaskRows:
    """The rows of all tasks, for steps of the whole data.

    Args:
        parts: tables of each task, one after the other.

    Attributes:
        inputs: `{task: inputs}`.
        targets: `{task: labels}`.
        rows: inputs and a constant 1, `[T, n, features + 1]`, filled up with zeros.
        labels: `[T, n]`.
        shares: `[T, n]`, of each row in the sum of the tasks' mean losses: 1 / rows of its task.
    """

    def __init__(self, *parts: Disjoint) -> None:
        tasks = list(parts[0].inputs)
        self.inputs = PerTask({t: torch.cat([part.inputs[t] for part in parts]) for t in tasks})
        self.targets = {t: torch.cat([part.targets[t] for part in parts]) for t in tasks}
        self.rows = pad_sequence(
            [F.pad(inputs, (0, 1), value=1.0) for inputs in self.inputs.values()], batch_first=True
        )
        labels = [labels.flatten() for labels in self.targets.values()]
        self.labels = pad_sequence(labels, batch_first=True)
        self.shares = pad_sequence(
            [torch.full_like(each, 1 / len(each)) for each in labels], batch_first=True
        )


class LinearTasks:
    """A linear model for each task of a recipe with disjoint tasks.

    Args:
        recipe: the tasks, each a regression or yes or no.
        splits: `{"train", "val", "test": tables of each task}`.

    Attributes:
        tasks: of the recipe.
        unit: mean and scale of all scores; None of tasks that are yes or no.
    """

    def __init__(self, recipe: Recipe, splits: Mapping[str, Disjoint]) -> None:
        self._recipe = recipe
        self.tasks = recipe.tasks()
        self.train, self.val = TaskRows(splits["train"]), TaskRows(splits["val"])
        self.test = TaskRows(splits["test"])
        first = self.tasks[0]
        self.unit: tuple[Any, Any] | None = None
        if isinstance(first, Regression):
            self.unit = first.mean, first.scale

    def model(self, *ties: Regularizer) -> MultiTaskModel:
        """Returns a linear model for each task, all weights 0."""
        model = MultiTaskModel(
            Separate(self._recipe.encoder()),
            self.tasks,
            example=self.train.inputs,
            regularization=ties,
        )
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.zero_()
        return model

    def predict(self, weights: Tensor, rows: TaskRows) -> Tensor:
        """Returns the predictions `[T, n]` of linear models, in the labels' unit.

        Args:
            weights: of all tasks, each with its bias at the end.
            rows: what is predicted.
        """
        outputs = torch.einsum("tnd,td->tn", rows.rows, weights.view(len(self.tasks), -1))
        return outputs if self.unit is None else self.unit[0] + self.unit[1] * outputs

    def loss(self, weights: Tensor, rows: TaskRows) -> Tensor:
        """Returns the sum of the tasks' mean losses: that of the model, all tasks at once."""
        predictions = self.predict(weights, rows)
        if self.unit is None:
            each = F.binary_cross_entropy_with_logits(predictions, rows.labels, reduction="none")
        else:
            each = ((predictions - rows.labels) / self.unit[1]).square()
        return (each * rows.shares).sum()

    def curvature(self, rows: TaskRows) -> float:
        """Returns a bound of the second derivative of the losses: the largest over the tasks."""
        squares = torch.linalg.matrix_norm(rows.rows.double(), 2).square()
        largest = float((squares / (rows.shares > 0).sum(dim=1)).max())
        return largest * (0.25 if self.unit is None else 2.0)


class Descent:
    """Minimises losses and regularizer by accelerated proximal gradient steps on all rows.

    FISTA (Beck, Teboulle, SIAM Journal on Imaging Sciences 2009), started again where the momentum
    points uphill (O'Donoghue, Candes, Foundations of Computational Mathematics 2015). The optimizer
    takes the gradient step, the regularizer of the model the proximal one.

    Args:
        tasks: have the losses.
        model: one linear model for each task.

    Attributes:
        weights: the parameters of all tasks in one vector, of which they become views.
    """

    def __init__(self, tasks: LinearTasks, model: MultiTaskModel) -> None:
        self._tasks = tasks
        self._model = model
        self._parameters = list(model.parameters())
        self.weights = torch.cat([parameter.detach().flatten() for parameter in self._parameters])
        self._gradient = torch.zeros_like(self.weights)
        sizes = [parameter.numel() for parameter in self._parameters]
        parts = zip(
            torch.split(self.weights, sizes), torch.split(self._gradient, sizes), strict=True
        )
        for parameter, (values, gradient) in zip(self._parameters, parts, strict=True):
            parameter.data = values.view(parameter.shape)
            parameter.grad = gradient.view(parameter.shape)

    def run(self, rows: TaskRows, steps: int, ridge: float = 0.0) -> None:
        """Takes steps from where the weights are; a ridge penalty leaves out the biases."""
        groups: list[dict[str, Any]] = [
            {"params": [p for p in self._parameters if p.dim() > 1], "weight_decay": ridge},
            {"params": [p for p in self._parameters if p.dim() == 1]},
        ]
        optimizer = torch.optim.SGD(
            groups,
            lr=1 / (self._tasks.curvature(rows) + ridge),
            foreach=True,
        )
        here, last, momentum = self.weights, self.weights.clone(), 1.0
        for _ in range(steps):
            start = here.clone().requires_grad_()
            (gradient,) = torch.autograd.grad(self._tasks.loss(start, rows), [start])
            self._gradient.copy_(gradient)
            optimizer.step()
            self._model.after_step(optimizer)
            moved = here - last
            if (start.detach() - here) @ moved > 0:
                momentum = 1.0
            following = (1 + (1 + 4 * momentum**2) ** 0.5) / 2
            last = here.clone()
            here.add_(moved, alpha=(momentum - 1) / following)
            momentum = following
        here.copy_(last)


def fit_chosen(
    tasks: LinearTasks,
    strengths: tuple[float, ...],
    tie: Any,
    both: TaskRows,
    steps: int,
) -> tuple[Tensor, float, MultiTaskModel]:
    """Chooses a strength on the validation rows, and trains on with it on more rows.

    Args:
        tasks: the linear models.
        strengths: to choose from, the strongest first; each goes on from where the one before has
            ended, and that of the smallest loss on the validation rows is taken.
        tie: makes the regularizer of a strength; None for single-task models, where the strength is
            that of a ridge penalty on the weights.
        both: the rows of the second training, twice as long.
        steps: of each training.

    Returns:
        The weights of all tasks, the strength, and the model.
    """
    ties = [] if tie is None else [tie(strengths[0])]
    model = tasks.model(*ties)
    descent = Descent(tasks, model)
    best, chosen, state = math.inf, 0.0, model.state_dict()
    for strength in strengths:
        for each in ties:
            each.strength = strength
        descent.run(tasks.train, steps, ridge=0.0 if ties else strength)
        loss = float(tasks.loss(descent.weights, tasks.val))
        if loss < best:
            best, chosen = loss, strength
            state = {name: value.clone() for name, value in model.state_dict().items()}
    model.load_state_dict(state)
    for each in ties:
        each.strength = chosen
    descent.run(both, 2 * steps, ridge=0.0 if ties else chosen)
    return descent.weights, chosen, model
