"""The gradients with near neighbours."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from plait.balancing import Krum
from plait.core.errors import ConfigError
from tests.balancing.gramians import scales
from tests.balancing.invariants import check_permutation, check_rotation, check_scale, independent


def weights_of(jacobian: np.ndarray, f: int = 1, m: int | None = None) -> np.ndarray:
    gramian = torch.from_numpy(jacobian @ jacobian.T)
    found: np.ndarray = Krum(f=f, m=m).weights(gramian).numpy()
    return found


def scores_of(jacobian: np.ndarray, f: int) -> list[float]:
    """The paper's definition, task by task."""
    scores = []
    for i, row in enumerate(jacobian):
        distances = sorted(((row - other) ** 2).sum() for j, other in enumerate(jacobian) if j != i)
        scores.append(sum(distances[: len(jacobian) - f - 2]))
    return scores


@given(independent(min_tasks=5, max_tasks=9), st.integers(0, 2), st.integers(1, 4))
def test_selects_the_smallest_scores_of_the_definition(
    jacobian: np.ndarray, f: int, m: int
) -> None:
    scores = scores_of(jacobian, f)
    weights = weights_of(jacobian, f, m)
    selected = np.flatnonzero(weights)
    assert sum(scores[i] for i in selected) == pytest.approx(sum(sorted(scores)[:m]))
    np.testing.assert_allclose(weights[selected], 1 / m)


@given(independent(min_tasks=5, max_tasks=8), st.floats(1e2, 1e6))
def test_a_wrong_gradient_is_never_selected(jacobian: np.ndarray, scale: float) -> None:
    jacobian[2] = scale * np.sign(jacobian[2])
    for m in (1, 2, None):
        assert weights_of(jacobian, 1, m)[2] == 0


def test_squared_distances_by_hand() -> None:
    # on a line; f = 1, so the 2 nearest of 4: from 0: 9 + 9, from 3: 0 + 9, from 7: 1 + 16
    jacobian = np.array([[0.0], [3.0], [3.0], [7.0], [8.0]]) + 1
    assert np.flatnonzero(weights_of(jacobian, 1, 2)).tolist() == [1, 2]
    # 3: 0 + 9 = 9;  7: 1 + 16 = 17;  0: 18;  8: 1 + 25 = 26.  Unsquared: 0 (6) after 7 (5)
    assert np.flatnonzero(weights_of(jacobian, 1, 3)).tolist() == [1, 2, 3]


def test_of_equal_scores_the_first_task_wins() -> None:
    jacobian = np.array([[1.0, 0.0], [1.0, 0.1], [-5.0, 3.0], [4.0, 9.0]])
    assert weights_of(jacobian, 1, 1).tolist() == [1.0, 0.0, 0.0, 0.0]
    assert weights_of(jacobian[[1, 0, 2, 3]], 1, 1).tolist() == [1.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize("f", [1, 2])
def test_with_too_few_tasks_all_are_averaged(f: int) -> None:
    balancer = Krum(f=f, m=1)
    assert balancer.weights(torch.eye(f + 2)).tolist() == pytest.approx([1 / (f + 2)] * (f + 2))
    assert balancer.flag == "fewer than f + 3 tasks"
    assert balancer.weights(torch.eye(f + 3)).count_nonzero() == 1
    assert balancer.flag is None


def test_more_are_asked_for_than_have_a_gradient() -> None:
    gramian = torch.diag(torch.tensor([1.0, 2.0, 0.0, 1.0, 1.0]))
    assert Krum(f=1, m=9).weights(gramian).tolist() == [0.25, 0.25, 0.0, 0.25, 0.25]


@given(independent(min_tasks=5, max_tasks=8), st.integers(0, 5))
def test_scores_are_those_over_the_rows_that_are_not_zero(jacobian: np.ndarray, at: int) -> None:
    with_zero = np.insert(jacobian, min(at, len(jacobian)), 0.0, axis=0)
    expected = np.insert(weights_of(jacobian, 1, 2), min(at, len(jacobian)), 0.0)
    assert weights_of(with_zero, 1, 2).tolist() == expected.tolist()


def test_a_gradient_of_zero_is_no_neighbour() -> None:
    # With the zero as a row, T = 5 and the two nearest of 1, 2 count; without it one neighbour does
    jacobian = np.array([[1.0], [0.0], [2.9], [3.0], [9.0]])
    assert weights_of(jacobian, 1, 1).tolist() == [0.0, 0.0, 1.0, 0.0, 0.0]
    gramian = torch.from_numpy(jacobian @ jacobian.T)[:4, :4]  # three rows: fewer than f + 3
    balancer = Krum(f=1)
    assert balancer.weights(gramian).tolist() == pytest.approx([1 / 3, 0.0, 1 / 3, 1 / 3])
    assert balancer.flag == "fewer than f + 3 tasks"


@given(independent(min_tasks=6, max_tasks=9), scales())
def test_does_not_depend_on_order_axes_or_a_common_factor(
    jacobian: np.ndarray, scale: float
) -> None:
    check_permutation(weights_of, jacobian)
    check_rotation(weights_of, jacobian)
    check_scale(weights_of, jacobian, scale)


def test_bad_options_are_refused() -> None:
    with pytest.raises(ConfigError, match="`f` must not be negative; found -1"):
        Krum(f=-1)
    with pytest.raises(ConfigError, match="`m` must be at least 1; found 0"):
        Krum(m=0)
