"""Affinity of the tasks, and the groups that it speaks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from plait.core.batch import Batch
from plait.experiments.diagnosis.numbers import matrix, number
from plait.model import MultiTaskModel
from plait.relations import GradTAG, choose_groups, example_gradients, tag_affinity
from plait.runs.diagnosis import Affinity, Group, Grouping

LOOK_AHEAD = 10  # tasks up to which TAG is measured; beyond it Grad-TAG
STEP = 0.01  # longest step of TAG, as a share of the length of the shared parameters
SHORTER, TIMES, TRIED = (
    0.25,
    8,
    2,
)  # factor of a step that was too long; how often; on so many batches
ALL_PAIRS = 40  # tasks up to which Grad-TAG fits each pair
SIZE, EACH = 6, 20  # tasks in a group of Grad-TAG beyond, and groups for each task
DIRECTIONS = 60  # of the projected gradients
TOGETHER = 8  # examples that are taken as one
MARGIN = 0.25  # of what a task's own step gains it: what one more network has to add on average


def affinity_of(
    model: MultiTaskModel, batches: Sequence[Batch], lengths: Mapping[str, float], size: float
) -> Affinity:
    """Measures the affinity of each pair of tasks; the model stays as it is.

    Args:
        model: shares parameters.
        batches: of the training.
        lengths: `{task: mean length of its gradient}` of those that have one.
        size: length of the shared parameters.

    Raises:
        PlaitError: inputs that cannot be cut into examples, or a task without enough of them.
    """
    if len(model.tasks) <= LOOK_AHEAD:
        mean = float(np.mean(list(lengths.values())))
        step = _step_that_helps(model, batches[:TRIED], STEP * (size or 1.0) / mean)
        found = tag_affinity(model, batches, lr=step)
        return Affinity(method="TAG", values=matrix(found.values), batches=len(batches), step=step)
    gradients = example_gradients(model, batches, directions=DIRECTIONS, group=TOGETHER)
    made = GradTAG(gradients)
    groups = None if len(made.tasks) <= ALL_PAIRS else _some_groups(list(made.tasks))
    found = made.affinity(groups)
    at = [list(model.tasks).index(task) for task in found.tasks]
    values = np.full((len(model.tasks), len(model.tasks)), np.nan)
    values[np.ix_(at, at)] = found.values
    return Affinity(method="Grad-TAG", values=matrix(values), batches=len(batches), step=0.0)


def _step_that_helps(model: MultiTaskModel, batches: Sequence[Batch], step: float) -> float:
    """Returns a quarter of the longest of some steps that each lessen the loss of their own task.

    A longer one would show how far the losses bend, and not where the tasks pull.
    """
    for _ in range(TIMES):
        own = tag_affinity(model, batches, lr=step).values.diagonal()
        step *= SHORTER
        if (own[np.isfinite(own)] > 0).all():
            break
    return step


def grouping_of(affinity: Affinity, tasks: Sequence[str]) -> Grouping:
    """Proposes which tasks to train together, each in one network.

    One more network has to add a quarter of what a task's own step gains it, on average over the
    tasks: noise alone makes many networks look a little better than few. A pair that was not
    measured counts as one without effect.
    """
    values = np.array(
        [[np.nan if each is None else each for each in row] for row in affinity.values]
    )
    own = np.nanmean(np.abs(values.diagonal())) if np.isfinite(values.diagonal()).any() else 0.0
    filled = np.nan_to_num(values)
    several = choose_groups(
        filled, len(tasks), tasks=tasks, overlap=False, margin=MARGIN * float(own)
    )
    one = choose_groups(filled, 1, tasks=tasks, singleton=0.0, overlap=False)
    gains = {task: several.gains[task] - one.gains[task] for task in tasks}
    groups = [
        Group(tasks=list(each), gains={task: number(gains[task]) for task in each})
        for each in several.groups
    ]
    return Grouping(
        groups=groups,
        gain=number(several.total - one.total),
        search="exact" if several.exact else "greedy",
    )


def _some_groups(tasks: list[str]) -> list[list[str]]:
    """Returns random groups of a few tasks, so many that most pairs meet in some."""
    draws = np.random.default_rng(0)
    count = EACH * len(tasks)
    return [[tasks[i] for i in draws.permutation(len(tasks))[:SIZE]] for _ in range(count)]
