"""A conflict is one that noise does not explain."""

from typing import Any

import numpy as np

from plait.experiments.diagnosis.gradients import conflict
from plait.experiments.diagnosis.opposed import opposed_pairs


def rows(seed: int, *, batches: int = 16, pull: float = 0.0, tasks: int = 4) -> np.ndarray:
    """Gradients of noise in 50 dimensions; the last task is drawn against the first by `pull`."""
    draws: Any = np.random.default_rng(seed)
    found = draws.normal(size=(batches, tasks, 50))
    found[:, -1] -= pull * found[:, 0]
    products: np.ndarray = np.einsum("ntp,nsp->nts", found, found)
    return products


def test_noise_is_seldom_called_a_conflict() -> None:
    names = list("abcd")
    found = [bool(opposed_pairs(conflict(rows(seed), names, 50))) for seed in range(200)]
    assert sum(found) <= 0.05 * 200 + 2 * np.sqrt(200 * 0.05 * 0.95)


def test_a_conflict_is_found_with_its_interval() -> None:
    (found,) = opposed_pairs(conflict(rows(0, pull=1.0), list("abcd"), 50))
    assert (found.first, found.second) == ("a", "d")
    assert found.low < found.cosine < found.high < 0
    assert abs(found.cosine + np.sqrt(0.5)) < 0.1
    assert found.rate == 1.0


def test_few_batches_and_slight_conflicts_tell_nothing() -> None:
    assert opposed_pairs(conflict(rows(0, batches=3, pull=5.0), list("abcd"), 50)) == []
    constant = np.repeat(np.array([[[1.0, -0.03], [-0.03, 1.0]]]), 16, axis=0)
    assert opposed_pairs(conflict(constant, ["a", "b"], 2)) == []
    assert len(opposed_pairs(conflict(constant * [[1, 3], [3, 1]], ["a", "b"], 2))) == 1
