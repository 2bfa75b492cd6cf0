"""Affinity of tasks in groups of any size, from gradients at one jointly trained model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from plait.core.errors import ConfigError, DataError, unknown
from plait.relations.conflict import Floats
from plait.relations.fits import fit
from plait.relations.tag import Affinity
from plait.relations.task_gradients import TaskGradients

_Fold = tuple[Mapping[str, TaskGradients], Mapping[str, TaskGradients]]  # to fit, to predict
NOTHING = 1e-12  # a loss this close to 0 has no relative change


class GradTAG:
    """Predicts the loss of every task after training on any group of tasks, without training.

    Near a trained model the score of an example is linear in the parameters. Training on the tasks
    of a group S is then a fit of few numbers d to the examples of S:

        d_S = argmin_d 1/|S| sum_(t in S) w_t mean_n loss_t(v_n + f_n . d) + ridge c |d|^2

    with the scores v and projected gradients f of `example_gradients`, and c half the mean
    curvature of the tasks in a direction. The predicted loss of a task is that of **other**
    examples, at d_S: without them a task would always be best alone. Heads stay where they are.

    Args:
        gradients: `{task: gradients}`, as `example_gradients` gives them.
        held_out: those of other examples, on which the losses are predicted. By default the
            examples are divided in two halves; each is predicted from the other.
        ridge: how much the parameters are held back, relative to c; 0.1 by default. Of 0 the fit
            is exact, which needs more examples than directions.
        weights: static weights `{task: w}`; 1 by default.

    Attributes:
        tasks: the tasks, in order.

    Raises:
        ConfigError: `ridge` is negative, or `weights` or `held_out` do not fit.
        DataError: a task has fewer than two examples to divide.

    Cost: for each group a fit: k^3 for k directions, once for squared losses and some ten times for
        others. No pass through the network.

    Reference: Li, Sharma, Zhang, "Scalable Multitask Learning Using Gradient-based Estimation of
        Task Affinity", KDD 2024. Here the scores of regressions are fitted as well, directions are
        sparse, predictions are on other examples, and groups are chosen by `choose_groups` or
        `choose_among` instead of a semidefinite programme.

    Example:
        >>> features = np.eye(2)[[0, 0, 1, 1]]
        >>> made = {
        ...     task: TaskGradients("squared", scores, features, np.ones(4), np.arange(4))
        ...     for task, scores in [("a", -np.ones(4)), ("b", -np.ones(4)), ("c", np.ones(4))]
        ... }
        >>> affinity = GradTAG(made, held_out=made, ridge=0.0).losses([("a",), ("a", "c")])
        >>> affinity.round(3)
        array([[0., 0., 4.],
               [1., 1., 1.]])
    """

    def __init__(
        self,
        gradients: Mapping[str, TaskGradients],
        *,
        held_out: Mapping[str, TaskGradients] | None = None,
        ridge: float = 0.1,
        weights: Mapping[str, float] | None = None,
    ) -> None:
        self.tasks = tuple(gradients)
        if not ridge >= 0:
            raise ConfigError(f"`ridge` must be 0 or more; found {ridge}.")
        for task in weights or {}:
            if task not in gradients:
                raise ConfigError(unknown("task", task, self.tasks))
        self._weights = {task: (weights or {}).get(task, 1.0) for task in self.tasks}
        if held_out is None:
            even, odd = _half(gradients, 0), _half(gradients, 1)
            self._folds: list[_Fold] = [(even, odd), (odd, even)]
        else:
            if set(held_out) != set(gradients):
                raise ConfigError(
                    f"`held_out` must have the tasks {list(self.tasks)}; found {list(held_out)}."
                )
            self._folds = [(gradients, held_out)]
        traces = [float(np.trace(each.at_rest)) / len(each.at_rest) for each in gradients.values()]
        self._ridge = ridge * float(np.mean(traces)) / 2
        self._known: dict[frozenset[str], Floats] = {}

    def losses(self, groups: Sequence[Sequence[str]]) -> Floats:
        """Predicts the loss of every task after training on each group, `[N, T]`.

        Also of the tasks that are not in the group, whose heads read what it has made of the shared
        parameters. An empty group is the jointly trained model itself.

        Raises:
            ConfigError: an unknown task.
        """
        for group in groups:
            for task in group:
                if task not in self.tasks:
                    raise ConfigError(unknown("task", task, self.tasks))
        return np.stack([self._losses(frozenset(group)) for group in groups])

    def gains(self, groups: Sequence[Sequence[str]]) -> Floats:
        """Predicts how much better each task of a group is than alone, `[N, T]`.

            gain_j(S) = 1 - loss_j(S) / loss_j({j})

        NaN for tasks that are not in the group; 0 alone. `choose_among` reads it.

        Raises:
            ConfigError: an unknown task.
        """
        alone = self.losses([(task,) for task in self.tasks]).diagonal()
        found = 1 - self.losses(groups) / np.maximum(alone, NOTHING)
        inside = np.array([[task in group for task in self.tasks] for group in groups])
        return np.where(inside, found, np.nan)

    def affinity(self, groups: Sequence[Sequence[str]] | None = None) -> Affinity:
        """Returns the mean gain of each task in the groups that it shares with each other.

            Z_ij = mean_(S with i and j) gain_j(S),  Z_jj = 1 - loss_j({j}) / loss_j(joint)

        Args:
            groups: the groups S; all pairs by default.

        Raises:
            ConfigError: an unknown task.
        """
        chosen = list(combinations(self.tasks, 2)) if groups is None else list(groups)
        count = len(self.tasks)
        total, times = np.zeros((count, count)), np.zeros((count, count), dtype=np.int64)
        gains = self.gains(chosen) if chosen else np.zeros((0, count))
        for row, group in zip(gains, chosen, strict=True):
            at = np.array([self.tasks.index(task) for task in group])
            total[np.ix_(at, at)] += row[at]
            times[np.ix_(at, at)] += 1
        joint = self.losses([()])[0]
        alone = self.losses([(task,) for task in self.tasks]).diagonal()
        np.fill_diagonal(total, 1 - alone / np.maximum(joint, NOTHING))
        np.fill_diagonal(times, 1)
        values = np.divide(total, times, out=np.full_like(total, np.nan), where=times > 0)
        return Affinity(self.tasks, self.tasks, values, times, joint)

    def _losses(self, group: frozenset[str]) -> Floats:
        """Returns the predicted losses, a mean over the folds by their labels."""
        if group not in self._known:
            total, mass = np.zeros(len(self.tasks)), np.zeros(len(self.tasks))
            for train, test in self._folds:
                members = [task for task in self.tasks if task in group]
                change = np.zeros(train[self.tasks[0]].features.shape[1])
                if members:
                    weights = [self._weights[task] for task in members]
                    change = fit([train[task] for task in members], weights, self._ridge)
                masses = np.array([test[task].masses.sum() for task in self.tasks])
                each = np.array([test[task].mean_loss(change) for task in self.tasks])
                total, mass = total + masses * each, mass + masses
            self._known[group] = total / mass
        return self._known[group]


def _half(gradients: Mapping[str, TaskGradients], half: int) -> dict[str, TaskGradients]:
    """Returns a random half of the examples; one example is in the same half for all tasks."""
    most = max(int(each.units.max()) for each in gradients.values())
    halves = np.random.default_rng(0).integers(2, size=most + 1)
    found = {task: each.only(halves[each.units] == half) for task, each in gradients.items()}
    for task, each in found.items():
        if not len(each.scores):
            raise DataError(
                f"task {task!r} has too few examples to divide them in two. Give more, or others "
                "as `held_out`."
            )
    return found
