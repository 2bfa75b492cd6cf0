"""Do ties between many small tasks help? School and Landmine, against single-task models.

``python -m benchmarks.relatives --data DIR``: linear models, one for each task, tied by the
regularizers of plait. For each random division of the rows, a method's strength is chosen on the
validation part by its loss; the model is then trained on training and validation part together and
tested once. Then all of it with a quarter of the training rows, and nothing more to train on.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence

from plait import MultiTaskModel
from plait.core.structure import PerTask
from plait.data import Disjoint
from plait.evaluation import evaluate
from plait.recipes import Landmine, Recipe, School
from plait.regularization import MeanRegularized, Regularizer, TaskRelationship, TraceNorm
from plait.sharing import Separate
from plait.tasks import Regression

BASE = "ridge"  # what the others are compared with
STEPS: dict[type[School | Landmine], int] = {School: 80, Landmine: 240}
Tie = Callable[[float], Regularizer]


@dataclass(frozen=True)
class Method:
    """One row of the table.

    Attributes:
        name: what it is called.
        strengths: to choose from, the strongest first.
        tie: makes the regularizer; None for single-task models, where the strength is that of a
            ridge penalty on the weights.
    """

    name: str
    strengths: tuple[float, ...]
    tie: Tie | None = None


def prox(cls: type[Regularizer]) -> Tie:
    """Returns what makes a regularizer of the heads that acts by proximal steps."""
    return lambda strength: cls(strength=strength, mode="prox", heads=True)  # type: ignore[call-arg]


def down(first: float, last: float) -> tuple[float, ...]:
    """Returns strengths half a decade apart.

    Example:
        >>> down(1.0, 0.03)
        (1.0, 0.3, 0.1, 0.03)
    """
    ladder = [float(f"{step}e{decade}") for decade in range(2, -7, -1) for step in (3, 1)]
    return tuple(strength for strength in ladder if first >= strength >= last)


METHODS = (
    Method("single", (0.0,)),
    Method(BASE, down(3, 3e-4)),
    Method("one for all", (1e6,), prox(MeanRegularized)),
    Method("MeanRegularized", down(30, 3e-4), prox(MeanRegularized)),
    Method("TraceNorm", down(10, 3e-4), prox(TraceNorm)),
    Method("TaskRelationship", down(0.3, 3e-5), prox(TaskRelationship)),
)


class Table:
    """All rows of some tables, for steps of the whole data.

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


class Problem:
    """One data set, divided at random.

    Args:
        recipe: the data set.
        few: train on a quarter of the training rows of each task and label alone.
    """

    def __init__(self, recipe: Recipe, *, few: bool) -> None:
        self.recipe = recipe
        self.tasks = recipe.tasks()
        train, val, test = (as_tables(part) for part in recipe.splits().values())
        if few:
            train = quarter(train)
        self.train, self.val = Table(train), Table(val)
        self.both, self.test = self.train if few else Table(train, val), Table(test)
        first = self.tasks[0]
        self.unit: tuple[Any, Any] | None = None  # mean and scale of all scores
        if isinstance(first, Regression):
            self.unit = first.mean, first.scale

    def model(self, *ties: Regularizer) -> MultiTaskModel:
        """Returns a linear model for each task, all weights 0."""
        model = MultiTaskModel(
            Separate(self.recipe.encoder()),
            self.tasks,
            example=self.train.inputs,
            regularization=ties,
        )
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.zero_()
        return model

    def predict(self, weights: Tensor, table: Table) -> Tensor:
        """Returns the predictions `[T, n]` of linear models, in the labels' unit.

        Args:
            weights: of all tasks, each with its bias at the end.
            table: the rows.
        """
        outputs = torch.einsum("tnd,td->tn", table.rows, weights.view(len(self.tasks), -1))
        return outputs if self.unit is None else self.unit[0] + self.unit[1] * outputs

    def loss(self, weights: Tensor, table: Table) -> Tensor:
        """Returns the sum of the tasks' mean losses: that of the model, all tasks at once."""
        predictions = self.predict(weights, table)
        if self.unit is None:
            each = F.binary_cross_entropy_with_logits(predictions, table.labels, reduction="none")
        else:
            each = ((predictions - table.labels) / self.unit[1]).square()
        return (each * table.shares).sum()

    def curvature(self, table: Table) -> float:
        """Returns a bound of the second derivative of the losses: the largest over the tasks."""
        squares = torch.linalg.matrix_norm(table.rows.double(), 2).square()
        largest = float((squares / (table.shares > 0).sum(dim=1)).max())
        return largest * (0.25 if self.unit is None else 2.0)

    def scores(self, model: MultiTaskModel, weights: Tensor) -> dict[str, float]:
        """Returns the metrics on the test rows."""
        test = self.test
        found = evaluate(model, [model.batch(test.inputs, test.targets)])
        # what was minimised is the loss of the model
        assert math.isclose(sum(found.losses.values()), self.loss(weights, test), rel_tol=1e-4)
        metrics = found.metrics.values()
        if self.unit is None:
            return {"mean AUC": statistics.fmean(each["auroc"] for each in metrics)}
        there = test.shares > 0
        labels = test.labels[there]
        error = (self.predict(weights, test)[there] - labels).square().mean()
        return {
            "explained variance": float(1 - error / labels.var(correction=0)),
            "mean RMSE": statistics.fmean(each["rmse"] for each in metrics),
        }


def as_tables(part: object) -> Disjoint:
    """Returns what a recipe of disjoint tasks gives as a split."""
    assert isinstance(part, Disjoint)
    return part


def quarter(tables: Disjoint) -> Disjoint:
    """Returns every fourth row of each task, in the order of the labels."""
    rows = {
        task: labels.flatten().argsort(stable=True)[::4] for task, labels in tables.targets.items()
    }
    return Disjoint(
        {task: inputs[rows[task]] for task, inputs in tables.inputs.items()},
        {task: labels[rows[task]] for task, labels in tables.targets.items()},
    )


class Descent:
    """Minimises losses and regularizer by accelerated proximal gradient steps on all rows.

    FISTA (Beck, Teboulle, SIAM Journal on Imaging Sciences 2009), started again where the momentum
    points uphill (O'Donoghue, Candes, Foundations of Computational Mathematics 2015). The optimizer
    takes the gradient step, the regularizer of the model the proximal one.

    Args:
        problem: has the losses.
        model: one linear model for each task.

    Attributes:
        weights: the parameters of all tasks in one vector, of which they become views.
    """

    def __init__(self, problem: Problem, model: MultiTaskModel) -> None:
        self.problem = problem
        self.model = model
        self.parameters = list(model.parameters())
        self.weights = torch.cat([parameter.detach().flatten() for parameter in self.parameters])
        self.gradient = torch.zeros_like(self.weights)
        sizes = [parameter.numel() for parameter in self.parameters]
        parts = zip(
            torch.split(self.weights, sizes), torch.split(self.gradient, sizes), strict=True
        )
        for parameter, (values, gradient) in zip(self.parameters, parts, strict=True):
            parameter.data = values.view(parameter.shape)
            parameter.grad = gradient.view(parameter.shape)

    def run(self, table: Table, steps: int, ridge: float = 0.0) -> None:
        """Takes steps from where the weights are; a ridge penalty leaves out the biases."""
        groups: list[dict[str, Any]] = [
            {"params": [p for p in self.parameters if p.dim() > 1], "weight_decay": ridge},
            {"params": [p for p in self.parameters if p.dim() == 1]},
        ]
        optimizer = torch.optim.SGD(
            groups,
            lr=1 / (self.problem.curvature(table) + ridge),
            foreach=True,
        )
        here, last, momentum = self.weights, self.weights.clone(), 1.0
        for _ in range(steps):
            start = here.clone().requires_grad_()
            (gradient,) = torch.autograd.grad(self.problem.loss(start, table), [start])
            self.gradient.copy_(gradient)
            optimizer.step()
            self.model.after_step(optimizer)
            moved = here - last
            if (start.detach() - here) @ moved > 0:
                momentum = 1.0
            following = (1 + (1 + 4 * momentum**2) ** 0.5) / 2
            last = here.clone()
            here.add_(moved, alpha=(momentum - 1) / following)
            momentum = following
        here.copy_(last)


def train(problem: Problem, method: Method, steps: int) -> tuple[dict[str, float], float]:
    """Chooses the strength, trains on all but the test rows; returns the test and the strength."""
    ties = [] if method.tie is None else [method.tie(method.strengths[0])]
    model = problem.model(*ties)
    descent = Descent(problem, model)
    best, chosen, state = math.inf, 0.0, model.state_dict()
    for strength in method.strengths:  # each goes on from the one before
        for tie in ties:
            tie.strength = strength
        descent.run(problem.train, steps, ridge=0.0 if ties else strength)
        loss = float(problem.loss(descent.weights, problem.val))
        if loss < best:
            best, chosen = loss, strength
            state = {name: value.clone() for name, value in model.state_dict().items()}
    model.load_state_dict(state)
    for tie in ties:
        tie.strength = chosen
    descent.run(problem.both, 2 * steps, ridge=0.0 if ties else chosen)
    return problem.scores(model, descent.weights), chosen


def measure(
    cls: type[School | Landmine], folder: Path, splits: int, steps: int, *, few: bool = False
) -> dict[str, list[dict[str, float]]]:
    """Prints the table of one data set; returns what each method reached in each division."""
    found: dict[str, list[dict[str, float]]] = {method.name: [] for method in METHODS}
    title = f"{cls.__name__}, few rows" if few else cls.__name__
    for split in range(splits):
        problem = Problem(cls(data=folder, split=split), few=few)
        for method in METHODS:
            started = time.process_time()
            scores, strength = train(problem, method, steps)
            seconds = time.process_time() - started
            found[method.name].append({**scores, "strength": strength, "seconds": seconds})
        print(f"{title}: division {split + 1} of {splits}", file=sys.stderr, flush=True)
    *metrics, _, _ = found[BASE][0]
    heads = [*metrics, f"against {BASE}", "better in", "strengths", "seconds"]
    print(f"| {title} | {' | '.join(heads)} |\n| --- |{' --: |' * len(heads)}")
    for name, own in found.items():
        pairs = zip(own, found[BASE], strict=True)
        gains = [mine[metrics[0]] - base[metrics[0]] for mine, base in pairs]
        strengths = [each["strength"] for each in own]
        cells = [
            *(spread([each[metric] for each in own]) for metric in metrics),
            spread(gains, sign="+"),
            f"{sum(gain > 0 for gain in gains)}",
            f"{min(strengths):g}..{max(strengths):g}",
            f"{statistics.fmean(each['seconds'] for each in own):.1f}",
        ]
        print(f"| {name} | {' | '.join(cells)} |")
    print(flush=True)
    return found


def spread(values: Sequence[float], sign: str = "") -> str:
    """Returns mean and standard error."""
    error = statistics.stdev(values) / len(values) ** 0.5 if len(values) > 1 else float("nan")
    return f"{statistics.fmean(values):{sign}.4f} ± {error:.4f}"


def main() -> None:
    """Measures both data sets."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True, help="folder of school and landmine")
    parser.add_argument("--splits", type=int, default=10, help="random divisions of the rows")
    parser.add_argument("--steps", type=int, help="for each strength; 80 (School), 240 (Landmine)")
    parser.add_argument("--json", type=Path, help="file for the numbers of each division")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, Python {platform.python_version()}, 1 thread\n")
    started, found = time.perf_counter(), {}
    for few in (False, True):
        for cls, steps in STEPS.items():
            folder = options.data / cls.__name__.lower()
            numbers = measure(cls, folder, options.splits, options.steps or steps, few=few)
            found[f"{cls.__name__}, few rows" if few else cls.__name__] = numbers
            if options.json:
                options.json.write_text(json.dumps(found, indent=1) + "\n")
    minutes = (time.perf_counter() - started) / 60
    print(f"{minutes:.1f} minutes, {time.process_time() / 60:.1f} of them of the processor")


if __name__ == "__main__":
    main()
