"""Groups from affinities that are given."""

import numpy as np

from plait.experiments.diagnosis.groups import _some_groups, grouping_of
from plait.experiments.diagnosis.numbers import matrix
from plait.runs.diagnosis import Affinity


def affinity(values: np.ndarray) -> Affinity:
    return Affinity(method="TAG", values=matrix(values), batches=4, step=0.1)


def test_two_blocks_are_two_networks() -> None:
    values = np.kron(np.array([[1.0, -1.0], [-1.0, 1.0]]), np.ones((2, 2))) * 0.1
    found = grouping_of(affinity(values), list("abcd"))
    assert [group.tasks for group in found.groups] == [["a", "b"], ["c", "d"]]
    together = (0.1 - 0.2) / 3
    assert found.gain is not None and abs(found.gain - (0.1 - together)) < 1e-4
    for group in found.groups:
        assert all(abs((gain or 0) - found.gain) < 1e-4 for gain in group.gains.values())


def test_noise_makes_no_networks() -> None:
    noise = 0.01 * np.random.default_rng(0).normal(size=(5, 5)) + 0.1 * np.eye(5)
    assert len(grouping_of(affinity(noise), list("abcde")).groups) == 1


def test_what_was_not_measured_has_no_effect() -> None:
    values = np.full((3, 3), np.nan)
    assert len(grouping_of(affinity(values), list("abc")).groups) == 1
    values[0, 1] = values[1, 0] = -1.0
    np.fill_diagonal(values, 0.1)
    apart = [group.tasks for group in grouping_of(affinity(values), list("abc")).groups]
    assert not any({"a", "b"} <= set(group) for group in apart)


def test_random_groups_let_most_pairs_meet() -> None:
    names = [f"t{i}" for i in range(60)]
    met = {frozenset((a, b)) for g in _some_groups(names) for a in g for b in g if a != b}
    assert len(met) > 0.99 * 60 * 59 / 2
