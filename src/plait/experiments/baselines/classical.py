"""Models of scikit-learn, one for each task of a table, beside the networks."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from plait.data import InMemory
from plait.evaluation import Evaluation, Resampler, evaluate_predictions, rule, units_of
from plait.experiments.baselines.fitted import (
    Fit,
    Fitted,
    Labelled,
    constant,
    forest,
    logistic,
    ridge,
    trees,
)
from plait.experiments.baselines.no_row import NoRow
from plait.experiments.baselines.row_features import RowFeatures
from plait.experiments.build import Problem, open_problem
from plait.experiments.comparison.single import alone
from plait.experiments.config import RunConfig
from plait.recipes import Table
from plait.runs.resamples import Resamples
from plait.tasks import BaseTask, Classification, Regression
from plait.tasks.labels import YesNoLabels
from plait.tasks.labels.unit import WithUnit

Array = np.ndarray[Any, Any]
Model = Literal["linear", "trees", "forest"]
BINNED = 200_000  # rows from which bins of trees are taken; of more, so many are drawn
HAIR = 1e-12  # by which a probability is kept from 0 and 1


@dataclass(frozen=True)
class Classical:
    """A model of scikit-learn for one task.

    Attributes:
        chosen: what was chosen on the validation rows, for each column of labels.
        score: on the validation split, by the run's rule.
        validation: losses and metrics on the validation split.
        test: the same on the test split, which was read once, after the choice.
        resamples: metrics on resamples of the test split; None where they were not asked for.
        tested: when the test split was read, in ISO 8601.
        seconds: spent in fitting.
        parameters: how many numbers the models have; of trees the nodes.
        size: of these numbers, in bytes.
        drawn: whether it depends on the seed; otherwise it is the same for all.
    """

    chosen: list[dict[str, float]]
    score: float
    validation: Evaluation
    test: Evaluation
    resamples: Resamples | None
    tested: str
    seconds: float
    parameters: int
    size: int
    drawn: bool


def classical(
    config: RunConfig,
    model: Model,
    *,
    problem: Problem | None = None,
    resamples: int = 0,
    jobs: int = 1,
) -> dict[str, Classical | NoRow]:
    """Fits a model of scikit-learn to each task of a table: what do linear models and trees reach?

    "linear" is ridge regression of numbers, logistic regression of classes and of each yes or no;
    "trees" is `HistGradientBoosting`, and "forest" a random forest of 500 trees. Each learns from
    the training rows that have its label, with the inputs that the networks have; its strength, or
    the number of boosted trees, is that of the smallest loss on the validation rows. A label counts
    as in the task's loss. Predictions are
    measured as those of networks are.

    Args:
        config: the settings of the joint network.
        model: "linear", "trees" or "forest".
        problem: the data that were opened for it; opened here by default.
        resamples: of the test part, as for networks; 0 for none.
        jobs: threads that grow a forest.

    Returns:
        `{task: the model, or why there is none}`: for tables whose inputs are numbers, categories,
        dates and tags, and tasks that predict a number, a class, yes or no, or tags.

    Cost: seconds to minutes: for "linear" up to 8 fits of each column of labels, for "trees" at
        most 500 rounds of it.
    """
    problem = problem or open_problem(config)
    tasks = {task.name: task for task in problem.tasks(config.tasks)}
    recipe = problem.recipe
    if not isinstance(recipe, Table) or not all(column.in_row for column in recipe.columns):
        reason = "scikit-learn's models are fitted to tables of numbers and categories alone."
        return dict.fromkeys(tasks, NoRow(reason))
    splits = problem.splits([*tasks.values()])
    if not all(isinstance(each, InMemory) for each in splits.values()):
        return dict.fromkeys(tasks, NoRow("a stream is not read into scikit-learn's models."))
    rows = _Rows(recipe, splits, model, config.seed, jobs)
    found: dict[str, Classical | NoRow] = {}
    for name, task in tasks.items():
        if not isinstance(task, Classification | Regression | YesNoLabels):
            kind = type(task).__name__
            found[name] = NoRow(f"scikit-learn has no such model of a task of kind {kind}.")
            continue
        own = rule(alone(config, name, tasks).rule, {name: task}, reduction=config.reduction)
        found[name] = _of_task(task, rows, own, resamples)
    return found


class _Rows:
    """The rows of a table as a model reads them, and the labels of its tasks."""

    def __init__(
        self, table: Table, splits: Mapping[str, Any], model: Model, seed: int, jobs: int
    ) -> None:
        self.splits = splits
        self.features = RowFeatures(table.columns, splits["train"].inputs)
        self.model = model
        self._seed, self._jobs = seed, jobs
        self._read: dict[str, Any] = {}

    def inputs(self, split: str) -> Any:
        """Returns the inputs of a split, read once for all tasks."""
        if split not in self._read:
            read = self.features.linear if self.model == "linear" else self.features.trees
            self._read[split] = read(self.splits[split].inputs)
        return self._read[split]

    def fit(self, classes: int, *, absolute: bool) -> Fit:
        """Returns the function that fits a column of labels."""
        if self.model == "linear":
            return partial(logistic, classes=classes) if classes else ridge
        if self.model == "forest":
            return partial(forest, classes=classes, seed=self._seed, jobs=self._jobs)
        error = "absolute_error" if absolute else "squared_error"
        categorical = self.features.categorical
        return partial(
            trees, classes=classes, categorical=categorical, error=error, seed=self._seed
        )

    def labelled(self, split: str, labels: Array, weights: Array) -> Labelled:
        """Returns the rows of a split that have a label, of one column of labels."""
        there = weights > 0
        return Labelled(self.inputs(split)[there], labels[there], weights[there])


def _of_task(
    task: BaseTask, rows: _Rows, score: Callable[[Evaluation], float], resamples: int
) -> Classical | NoRow:
    """Fits the columns of a task's labels, and measures them on validation, then once on test."""
    began = time.perf_counter()
    targets = {split: data.targets[task.name] for split, data in rows.splits.items()}
    if isinstance(task, WithUnit) and task.unit is not None:
        task.fit_labels(targets["train"])
    classes = task.classes if isinstance(task, Classification) else 0
    classes = 2 if isinstance(task, YesNoLabels) else classes
    columns = {split: _columns(task, targets[split]) for split in ("train", "val")}
    fit = rows.fit(classes, absolute=getattr(task, "error", "") == "absolute")
    models: list[Fitted] = []
    for own, held in zip(columns["train"], columns["val"], strict=True):
        train, val = rows.labelled("train", *own), rows.labelled("val", *held)
        models.append(constant(train, classes) or fit(train, val))
    seconds = time.perf_counter() - began
    summary = task.summarise(targets["train"], None)
    statistics = {} if summary is None else {task.name: summary}

    def measured(split: str, resampler: Resampler | None = None) -> Evaluation:
        return evaluate_predictions(
            {task.name: task},
            {task.name: _predictions(task, [each.predict(rows.inputs(split)) for each in models])},
            {task.name: targets[split]},
            statistics=statistics,
            resampler=resampler,
        )

    resampler = None
    if resamples:
        resampler = Resampler({task.name: task}, units_of(rows.splits["test"]), draws=resamples)
    validation = measured("val")
    return Classical(
        chosen=[dict(each.chosen) for each in models],
        score=score(validation),
        validation=validation,
        test=measured("test", resampler),
        resamples=None if resampler is None else resampler.compute(),
        tested=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=seconds,
        parameters=sum(each.parameters for each in models),
        size=sum(each.size for each in models),
        drawn=rows.model == "forest" or (rows.model == "trees" and len(targets["train"]) > BINNED),
    )


def _columns(task: BaseTask, target: Tensor) -> list[tuple[Array, Array]]:
    """Returns each column of a task's labels, `[N]`, with their weights, 0 where one is missing."""
    mass = task.label_weights(target, None).double()
    labels = task.stated(target) if isinstance(task, Regression) else target
    labels = labels.reshape(len(labels), -1)
    mass = mass.reshape(len(mass), -1).expand_as(labels)
    numbers = labels.double() if isinstance(task, Regression) else labels.nan_to_num(0).long()
    return [(y.numpy(), m.numpy()) for y, m in zip(numbers.T, mass.T, strict=True)]


def _predictions(task: BaseTask, found: list[Array]) -> Tensor:
    """Returns predictions as the task's head gives them: logits, or numbers."""
    if isinstance(task, Regression):
        return torch.from_numpy(np.stack(found, axis=1)).double()
    shares = [torch.from_numpy(each).double().clamp(HAIR, 1 - HAIR) for each in found]
    if isinstance(task, Classification):
        return shares[0].log()
    return torch.stack([each[:, 1].logit() for each in shares], dim=1)
