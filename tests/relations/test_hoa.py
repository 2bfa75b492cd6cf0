"""Predicted losses of groups against a loop over pairs."""

from itertools import combinations

import numpy as np
import pytest

from plait.core.errors import ConfigError, DataError, ShapeError
from plait.relations import choose_among, choose_groups, every_group, hoa_losses

TASKS = ["a", "b", "c", "d"]
PAIRS = np.random.default_rng(0).uniform(size=(4, 4))


def test_the_mean_over_the_partners() -> None:
    groups = every_group(TASKS)
    found = hoa_losses(PAIRS, groups, tasks=TASKS)
    for row, group in zip(found, groups, strict=True):
        for column, task in enumerate(TASKS):
            partners = [PAIRS[TASKS.index(other), column] for other in group if other != task]
            if task not in group:
                assert np.isnan(row[column])
            else:
                assert row[column] == pytest.approx(np.mean(partners or [PAIRS[column, column]]))


def test_groups_of_lowest_loss_are_those_of_the_negated_pairs() -> None:
    groups = every_group(TASKS)
    one = choose_among(groups, -hoa_losses(PAIRS, groups, tasks=TASKS), 2, tasks=TASKS)
    two = choose_groups(-PAIRS, 2, tasks=TASKS, singleton=-PAIRS.diagonal())
    assert one.total == pytest.approx(two.total) and one.groups == two.groups


def test_pairs_are_predicted_as_measured() -> None:
    pairs = list(combinations(TASKS, 2))
    found = hoa_losses(PAIRS, pairs, tasks=TASKS)
    for row, (one, other) in zip(found, pairs, strict=True):
        i, j = TASKS.index(one), TASKS.index(other)
        assert [row[j], row[i]] == pytest.approx([PAIRS[i, j], PAIRS[j, i]])


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ShapeError, match="pairwise"):
        hoa_losses(PAIRS, [("a",)], tasks=["a"])
    with pytest.raises(ConfigError, match="unknown task"):
        hoa_losses(PAIRS, [("e",)], tasks=TASKS)
    with pytest.raises(ConfigError, match="empty"):
        hoa_losses(PAIRS, [()], tasks=TASKS)
    with pytest.raises(DataError, match="NaN"):
        hoa_losses([[np.nan]], [("a",)], tasks=["a"])
