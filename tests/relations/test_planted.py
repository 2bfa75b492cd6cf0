"""A planted structure is found: two opposed groups are two, tasks that are alike are one."""

from functools import cache

import numpy as np
import pytest

from plait.model import MultiTaskModel
from plait.relations import (
    GradTAG,
    RunningConflict,
    choose_among,
    choose_groups,
    every_group,
    example_gradients,
    gradient_conflict,
    layer_gramians,
    tag_affinity,
)
from tests.relations.planted import GROUPS, TASKS, alike, losses_on, network, opposed, train

SEEDS = range(3)
WITHIN = np.array([[one[0] == other[0] for other in TASKS] for one in TASKS])
OTHERS = ~np.eye(len(TASKS), dtype=bool)


@cache
def joint(seed: int) -> MultiTaskModel:
    return train(network(seed=seed), opposed(seed=seed))


@cache
def grad_tag(seed: int) -> GradTAG:
    return GradTAG(example_gradients(joint(seed), [opposed(seed=seed)], directions=40))


@pytest.mark.parametrize("seed", [0])
def test_joint_training_harms_and_split_training_helps(seed: int) -> None:
    """What the tools have to tell is true of the problem: against tasks alone, on new data."""
    data, new = opposed(seed=seed), opposed(500, seed=seed + 50)
    together = losses_on(joint(seed), new)
    for group in GROUPS:
        split = losses_on(train(network(group, seed=seed), data), new)
        alone = {
            task: losses_on(train(network([task], seed=seed), data), new)[task] for task in group
        }
        assert all(together[task] > 1.5 * alone[task] for task in group)
        assert np.mean(list(split.values())) < np.mean(list(alone.values()))


@pytest.mark.parametrize("seed", SEEDS)
def test_conflict_is_reported_between_the_groups_alone(seed: int) -> None:
    model, running = network(seed=seed), RunningConflict(TASKS)
    for _ in range(5):
        found = layer_gramians(train(model, opposed(seed=seed), steps=5), opposed(seed=seed))
        running.update(gradient_conflict(gramian=found.total, tasks=found.tasks))
    assert (running.rates[WITHIN] == 0).all() and (running.rates[~WITHIN] == 1).all()
    assert (running.cosines[WITHIN] > 0.5).all() and (running.cosines[~WITHIN] < -0.5).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_affinities_are_positive_within_and_negative_between(seed: int) -> None:
    ahead = tag_affinity(joint(seed), [opposed(seed=seed)]).values
    fitted = grad_tag(seed).affinity().values
    assert (ahead[WITHIN] > 0).all() and (ahead[~WITHIN] < 0).all()
    assert fitted[WITHIN & OTHERS].mean() > 0.05 and (fitted[~WITHIN].mean() < -0.3)
    assert fitted[WITHIN & OTHERS].min() > fitted[~WITHIN].mean() + 0.3
    # One step ahead and a refit agree about the pairs
    assert np.corrcoef(ahead[OTHERS], fitted[OTHERS])[0, 1] > 0.7


@pytest.mark.parametrize("seed", SEEDS)
def test_the_two_groups_are_chosen(seed: int) -> None:
    ahead, fitted = tag_affinity(joint(seed), [opposed(seed=seed)]), grad_tag(seed)
    assert choose_groups(ahead, 2).groups == GROUPS
    assert choose_groups(ahead, 3, margin=0.02).groups == GROUPS
    assert choose_groups(ahead, 2, exact=0).groups == GROUPS
    assert choose_groups(fitted.affinity(), 2).groups == GROUPS
    groups = every_group(TASKS)
    chosen = choose_among(groups, fitted.gains(groups), 2, tasks=TASKS)
    assert chosen.groups == GROUPS and chosen.total > 0


@pytest.mark.parametrize("seed", SEEDS)
def test_tasks_that_are_alike_are_one_group(seed: int) -> None:
    """Each helps each, so that all gain together; more groups gain less than a tenth beside it."""
    data = alike(seed=seed)
    fitted = GradTAG(example_gradients(train(network(seed=seed), data), [data], directions=40))
    groups = every_group(TASKS)
    gains = fitted.gains(groups)
    assert gains[-1].mean() > np.nanmean(gains[: len(TASKS) + 15])  # all together beside pairs
    assert choose_among(groups, gains, 3, tasks=TASKS, margin=0.1).groups == (TASKS,)


def test_identical_tasks_are_one_group() -> None:
    inputs, labels = alike()
    same = (inputs, dict.fromkeys(TASKS, labels["a1"]))
    model = train(network(), same, steps=10)
    values = tag_affinity(model, [same]).values
    np.testing.assert_allclose(values, values[0, 0], rtol=1e-6)
    assert choose_groups(values.round(6), 3, tasks=TASKS).groups == (TASKS,)
    found = layer_gramians(model, same)
    assert gradient_conflict(gramian=found.total).rate == 0.0
