"""Averages over steps against plain means, with tasks that come and go."""

import numpy as np
import pytest

from plait.core.errors import ConfigError
from plait.relations import Conflict, RunningConflict, gradient_conflict

TASKS = ["a", "b", "c"]


def steps(count: int) -> list[Conflict]:
    """Steps in which some tasks are absent, and one gradient is zero."""
    random = np.random.default_rng(0)
    found = []
    for number in range(count):
        present = [t for t in TASKS if random.random() < 0.7] or ["b"]
        jacobian = random.normal(size=(len(present), 5))
        if number == 3:
            jacobian[0] = 0
        found.append(gradient_conflict(jacobian=jacobian, tasks=present))
    return found


@pytest.mark.parametrize("decay", [1.0, 0.9])
def test_a_mean_over_the_steps_in_which_a_pair_is_known(decay: float) -> None:
    running, made = RunningConflict(TASKS, decay=decay), steps(40)
    for step in made:
        running.update(step)
    for i, one in enumerate(TASKS):
        for j, other in enumerate(TASKS):
            cosines, conflicts = [], []
            for step in made:
                if {one, other} <= set(step.tasks) - set(step.zero):
                    at = step.tasks.index(one), step.tasks.index(other)
                    cosines.append(step.cosines[at])
                    conflicts.append(float(step.conflicts[at]))
            weights = decay ** np.arange(len(cosines))[::-1]
            assert running.cosines[i, j] == pytest.approx(np.average(cosines, weights=weights))
            assert running.rates[i, j] == pytest.approx(np.average(conflicts, weights=weights))
        norms = [s.norms[s.tasks.index(one)] for s in made if one in s.tasks]
        mean = np.average(norms, weights=decay ** np.arange(len(norms))[::-1])
        assert running.norms[i] == pytest.approx(mean)
    assert running.steps == 40
    assert running.rate == pytest.approx(running.rates[np.triu_indices(3, 1)].mean())


def test_steps_with_a_zero_gradient_are_counted_apart() -> None:
    running = RunningConflict(["a", "b"])
    for other in ([0.0, 0.0], [-1.0, 0.0]):
        running.update(gradient_conflict(jacobian=[[1.0, 0.0], other], tasks=["a", "b"]))
    assert running.zeros == {"a": 0, "b": 1}
    assert running.cosines[0, 1] == -1.0
    assert running.shares.tolist() == [0.75, 0.25]


def test_before_the_first_step_all_is_0() -> None:
    running = RunningConflict(TASKS)
    assert running.rate == 0.0 and not running.cosines.any() and not running.shares.any()


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ConfigError, match="decay"):
        RunningConflict(TASKS, decay=0.0)
    with pytest.raises(ConfigError, match="unknown task"):
        RunningConflict(["a"]).update(gradient_conflict(jacobian=[[1.0]], tasks=["d"]))
