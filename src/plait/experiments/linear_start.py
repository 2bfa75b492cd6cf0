"""Heads that begin at ridge or logistic regression on the linear inputs of a table's encoder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from plait.core.keys import safe_key
from plait.data import collate
from plait.encoders import TabularEncoder
from plait.encoders.tabular_encoder import SLOW
from plait.experiments.linear_models import Solution, logistic, ridge
from plait.model import MultiTaskModel
from plait.networks.modes import evaluating
from plait.tasks import Classification, Regression, Survival
from plait.tasks.heads import InFittedUnit, InUnits, ScalarHead
from plait.tasks.labels import YesNoLabels
from plait.training import Callback, Trainer

ROWS = 20_000  # of the training data, at most
COST = 1e8  # rows x inputs x outputs, at most: some ten seconds on one core
SQUARES = 1e11  # rows x inputs^2 x outputs, likewise
CHECKED = 64  # rows on which the features are compared with the linear inputs


class LinearStart(Callback):
    """Starts linear heads at ridge or logistic regression on the training data.

    For models whose encoder is a `TabularEncoder`, the last channels of whose features are linear
    inputs. The weights of a head on these become those of the linear model, and the weights on all
    others 0: before the first step the network is the linear model, and it learns what that leaves
    over. See `start_heads`. Nothing is done in a run that is resumed after its first step.

    Args:
        data: the training data, ``data[i]`` being ``(inputs, {task: labels})``.
        seed: of the rows that are drawn where there are many.
        say: is told, in a sentence, that the heads are being started, which may take seconds.
        counts: whether the weights may then be the best, as epoch 0; see `Trainer`. It reads the
            labels of an epoch ahead, which takes long for a stream.
    """

    def __init__(
        self,
        data: Any,
        seed: int = 0,
        say: Callable[[str], object] = lambda text: None,
        *,
        counts: bool = True,
    ) -> None:
        self.counts = counts
        self.data = data
        self.seed = seed
        self.say = say

    def on_train_start(self, trainer: Trainer) -> None:
        """Starts the heads; the units of their tasks are known by now."""
        if trainer.state.step == 0:
            if _encoder(trainer.model) is not None and isinstance(self.data[0][0], Tensor):
                self.say("heads begin at linear models of the training rows; fitting these")
            started = start_heads(trainer.model, self.data, seed=self.seed)
            trainer.start_counts |= bool(started) and self.counts


@torch.no_grad()
def start_heads(model: MultiTaskModel, data: Any, *, seed: int = 0) -> list[str]:
    """Starts the linear heads of a model at ridge or logistic regression.

    `Regression` gets ridge regression, its strength chosen by leaving one out; `Classification`,
    `Binary`, `MultiLabel` and the intervals of `Survival` get logistic regression, its strength
    chosen by cross-validation. A missing label is left out; a head with hidden layers, and a task
    of another kind, is left alone.

    Args:
        model: whose heads are to start; units of its tasks have to be known.
        data: the training data; at most 20,000 rows of them are used, fewer where inputs or outputs
            are many.
        seed: of the rows, and of the folds.

    Returns:
        The tasks whose heads were started: none if the features of the model do not end with the
        linear inputs of a `TabularEncoder`.
    """
    encoder = _encoder(model)
    heads = {name: head for name in model.learning if (head := _linear(model, name)) is not None}
    if encoder is None or not heads or not isinstance(data[0][0], Tensor):
        return []
    device = next(model.parameters()).device
    outputs = sum(layer.out_features for layer in heads.values())
    rows, labels = _drawn(data, rows_used(encoder.linear_width, outputs), seed)
    with evaluating(model):
        features = model.sharing(rows[:CHECKED].to(device))
        inputs = torch.cat(
            [encoder.linear_inputs(each.to(device)) for each in torch.split(rows, 4096)]
        )
    started = []
    for name, layer in heads.items():
        last, wanted = features[name].levels[-1], inputs[:CHECKED]
        if name not in labels or not _ends_with(last, wanted):
            continue
        solution = _solve(model, name, inputs.double().cpu() / SLOW, labels[name], seed)
        if solution is not None:
            layer.weight.zero_()
            layer.weight[:, -inputs.shape[1] :] = solution.weight.to(layer.weight) / SLOW
            layer.bias.copy_(solution.bias)
            started.append(name)
    return started


def _encoder(model: MultiTaskModel) -> TabularEncoder | None:
    """Returns the first encoder of tables in the model; all of them read the same inputs."""
    found = (each for each in model.sharing.modules() if isinstance(each, TabularEncoder))
    return next((each for each in found if each.linear_width), None)


def _linear(model: MultiTaskModel, task: str) -> nn.Linear | None:
    """Returns the layer of a task's head; None of a head with hidden layers, or of another kind."""
    head: nn.Module = model.heads[safe_key(task)]
    if isinstance(head, InFittedUnit | InUnits):
        head = head.head
    if not isinstance(head, ScalarHead) or len(head.layers) != 1:
        return None
    layer = head.layers[0]
    assert isinstance(layer, nn.Linear)
    return layer if layer.weight.requires_grad else None


def rows_used(inputs: int, outputs: int) -> int:
    """Limits the rows that are used, so that a start takes seconds.

    Example:
        >>> rows_used(20, 2), rows_used(1024, 12), rows_used(10_000, 1)
        (20000, 7947, 3162)
    """
    squares = SQUARES / (inputs**2 * outputs)
    if squares < inputs:  # then the cost is that of rows^2 x inputs
        squares = (SQUARES / (inputs * outputs)) ** 0.5
    return max(100, int(min(ROWS, COST / (inputs * outputs), squares)))


def _drawn(data: Any, most: int, seed: int) -> tuple[Tensor, dict[str, Tensor]]:
    """Returns the inputs and labels of the rows that are used."""
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randperm(len(data), generator=generator)[:most].sort().values.tolist()
    read = getattr(data, "__getitems__", None)
    examples: Sequence[Any] = read(drawn) if read else [data[each] for each in drawn]
    return collate(examples)


def _ends_with(features: Tensor, inputs: Tensor) -> bool:
    """Tells whether the last channels of features are the linear inputs."""
    last = features[:, -inputs.shape[1] :]
    return last.shape == inputs.shape and torch.allclose(last, inputs, rtol=1e-3, atol=1e-4)


def _solve(
    model: MultiTaskModel, name: str, inputs: Tensor, labels: Tensor, seed: int
) -> Solution | None:
    """Returns the linear model of a task; None of a kind that has none, or without labels."""
    task = model.tasks[name]
    numbers = task.stated(labels) if isinstance(task, Regression) else labels
    if numbers.shape[0] != len(inputs) or numbers.dim() > 2:
        return None
    mass = task.label_weights(labels, None).double()
    mass = mass.where(inputs.isfinite().all(dim=1).reshape(-1, *[1] * (mass.dim() - 1)), 0.0)
    if not bool(mass.any()):
        return None
    if isinstance(task, Classification):
        return logistic(inputs, labels.long(), mass, task.classes, seed=seed)
    columns, weights = numbers.double().reshape(len(labels), -1), mass.reshape(len(mass), -1)
    weights = weights.expand_as(columns)
    if isinstance(task, Regression):
        mean, scale = (each.double().cpu() for each in _unit(model, name))
        return ridge(inputs, (columns - mean) / scale, weights)
    if isinstance(task, Survival):  # a yes or no in each interval, of those who come to it
        happened, passed = task.intervals(labels)
        columns, weights = happened.double(), (happened | passed) * weights[:, :1]
    if isinstance(task, YesNoLabels | Survival):
        each = [
            logistic(inputs, columns[:, k].nan_to_num().long(), weights[:, k], 2, seed=seed)
            for k in range(columns.shape[1])
        ]
        return Solution.of_yes_no(each)
    return None


def _unit(model: MultiTaskModel, task: str) -> tuple[Tensor, Tensor]:
    """Returns mean and scale of a regression's head."""
    head = model.heads[safe_key(task)]
    unit = head.unit if isinstance(head, InFittedUnit) else head
    assert isinstance(unit.mean, Tensor) and isinstance(unit.scale, Tensor)
    return unit.mean, unit.scale
