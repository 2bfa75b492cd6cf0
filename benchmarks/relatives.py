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

import torch
from torch import Tensor

from plait import MultiTaskModel
from plait.data import Disjoint
from plait.evaluation import evaluate
from plait.experiments.reproduce.linear_tasks import LinearTasks, TaskRows, fit_chosen
from plait.experiments.reproduce.school import down, prox
from plait.recipes import Landmine, Recipe, School
from plait.regularization import MeanRegularized, Regularizer, TaskRelationship, TraceNorm

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


METHODS = (
    Method("single", (0.0,)),
    Method(BASE, down(3, 3e-4)),
    Method("one for all", (1e6,), prox(MeanRegularized)),
    Method("MeanRegularized", down(30, 3e-4), prox(MeanRegularized)),
    Method("TraceNorm", down(10, 3e-4), prox(TraceNorm)),
    Method("TaskRelationship", down(0.3, 3e-5), prox(TaskRelationship)),
)


class Problem(LinearTasks):
    """One data set, divided at random.

    Args:
        recipe: the data set.
        few: train on a quarter of the training rows of each task and label alone.
    """

    def __init__(self, recipe: Recipe, *, few: bool) -> None:
        splits = {split: as_tables(part) for split, part in recipe.splits().items()}
        if few:
            splits["train"] = quarter(splits["train"])
        super().__init__(recipe, splits)
        self.both = self.train if few else TaskRows(splits["train"], splits["val"])

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


def train(problem: Problem, method: Method, steps: int) -> tuple[dict[str, float], float]:
    """Chooses the strength, trains on all but the test rows; returns the test and the strength."""
    weights, chosen, model = fit_chosen(problem, method.strengths, method.tie, problem.both, steps)
    return problem.scores(model, weights), chosen


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
