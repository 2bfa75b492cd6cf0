"""The shortest combination of gradients that lean towards their mean."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.balancing import Info, SDMGrad
from plait.core.errors import ConfigError
from plait.core.lookup import options_of
from tests.balancing.gramians import jacobians, scales
from tests.balancing.invariants import (
    check_permutation,
    check_rotation,
    check_scale,
    close,
    independent,
)

LAMBDAS = st.sampled_from([0.0, 0.1, 0.3, 1.0, 10.0])


def weights_of(jacobian: np.ndarray, lam: float = 0.3) -> np.ndarray:
    gramian = torch.from_numpy(jacobian @ jacobian.T)
    found: np.ndarray = SDMGrad(lam=lam).weights(gramian).numpy()
    return found


@given(jacobians(max_tasks=8), LAMBDAS)
def test_meets_the_optimality_conditions_of_the_shortest_point(
    jacobian: np.ndarray, lam: float
) -> None:
    """<r_i, r> >= |r|^2 for every leaning row, with equality where w is not 0."""
    active = jacobian[jacobian.any(axis=1)]
    if not len(active):
        return
    weights = weights_of(jacobian, lam)[jacobian.any(axis=1)]
    w = weights * (1 + lam) - lam / len(active)
    assert w.min() >= -1e-12
    assert w.sum() == pytest.approx(1)
    leaning = active + lam * active.mean(axis=0)
    shortest = w @ leaning
    size = (leaning**2).sum(axis=1).max()
    excess = leaning @ shortest - shortest @ shortest
    assert (excess >= -1e-7 * size).all()
    assert w @ excess <= 1e-7 * size


@given(independent(min_tasks=2, max_tasks=2), LAMBDAS)
def test_two_tasks_in_closed_form(jacobian: np.ndarray, lam: float) -> None:
    one, two = jacobian + lam * jacobian.mean(axis=0)
    w = np.clip((two - one) @ two / ((one - two) @ (one - two)), 0, 1)
    expected = (np.array([w, 1 - w]) + lam / 2) / (1 + lam)
    np.testing.assert_allclose(weights_of(jacobian, lam), expected, atol=1e-9)


@given(independent())
def test_a_large_lambda_is_the_mean(jacobian: np.ndarray) -> None:
    close(weights_of(jacobian, 1e6) @ jacobian, jacobian.mean(axis=0), 1e-4)


@given(jacobians(max_tasks=4), LAMBDAS)
def test_equal_and_opposite_tasks(jacobian: np.ndarray, lam: float) -> None:
    row = jacobian[:1]
    size = np.abs(row).max()
    equal = np.concatenate([row, row, row])
    np.testing.assert_allclose(weights_of(equal, lam) @ equal, row[0], atol=1e-9 * size)
    balancer = SDMGrad(lam=0.0)
    opposite = np.concatenate([row, -2 * row])
    vector = balancer.weights(torch.from_numpy(opposite @ opposite.T)).numpy() @ opposite
    np.testing.assert_allclose(vector, 0, atol=1e-9 * size)
    assert balancer.flag == ("Pareto-stationary" if row.any() else None)


@given(independent(), scales(), LAMBDAS)
def test_does_not_depend_on_order_axes_or_a_common_factor(
    jacobian: np.ndarray, scale: float, lam: float
) -> None:
    check_permutation(lambda rows: weights_of(rows, lam), jacobian)
    check_rotation(lambda rows: weights_of(rows, lam), jacobian)
    check_scale(lambda rows: weights_of(rows, lam), jacobian, scale)


def test_a_row_of_zeros_is_dropped_or_kept() -> None:
    gramian = torch.diag(torch.tensor([1.0, 0.0]))
    assert SDMGrad().weights(gramian).tolist() == [1.0, 0.0]
    # rows g + lam g / 2 and lam g / 2: the shorter one gets w = 1, weights (w + lam / 2)/(1 + lam)
    literal = SDMGrad(lam=1.0, zero_rows="keep")
    np.testing.assert_allclose(literal.weights(gramian), [0.25, 0.75], rtol=1e-12)
    assert not literal.weights(torch.zeros(2, 2)).any()


def descend(cross: np.ndarray, w: np.ndarray, lam: float, niter: int) -> np.ndarray:
    """The inner loop with torch's SGD, and the projection by bisection."""
    scale = np.sqrt(np.maximum(np.diag(cross), 0)).mean()
    matrix = torch.from_numpy(cross / scale**2)
    parameter = torch.nn.Parameter(torch.from_numpy(w))
    optimizer = torch.optim.SGD([parameter], lr=10.0, momentum=0.5)
    for _ in range(niter):
        parameter.grad = matrix @ (parameter.detach() + lam / len(w))
        optimizer.step()
        low, high = parameter.min().item() - 1, parameter.max().item()
        for _ in range(200):
            middle = (low + high) / 2
            above = (parameter.detach() - middle).clamp(min=0).sum() > 1
            low, high = (middle, high) if above else (low, middle)
        parameter.data = (parameter.detach() - low).clamp(min=0)
    found: np.ndarray = parameter.detach().numpy()
    return found


@settings(max_examples=10)
@given(independent(min_tasks=2, max_tasks=5), st.integers(0, 2**32 - 1))
def test_sgd_takes_the_steps_of_the_paper(jacobian: np.ndarray, seed: int) -> None:
    rng, lam, niter = np.random.default_rng(seed), 0.3, 3
    balancer = SDMGrad(lam=lam, solver="sgd", niter=niter)
    w = np.full(len(jacobian), 1 / len(jacobian))
    for _ in range(2):
        noise = rng.standard_normal((2, *jacobian.shape)) / 3
        cross = (jacobian + noise[0]) @ (jacobian + noise[1]).T
        w = descend(cross, w, lam, niter)
        weights = balancer.weights(torch.from_numpy(cross)).numpy()
        np.testing.assert_allclose(weights, (w + lam / len(w)) / (1 + lam), atol=1e-7)


def test_sgd_ends_where_exact_is_if_its_learning_rate_lets_it() -> None:
    rows = torch.tensor([[2.0, 0.0, 1.0], [-1.0, 1.0, 0.0], [0.5, 0.5, 3.0]], dtype=torch.float64)
    small = SDMGrad(solver="sgd", niter=5000, lr=0.05)
    torch.testing.assert_close(small.weights(rows @ rows.T), SDMGrad().weights(rows @ rows.T))


def test_sgd_remembers_w_of_each_task() -> None:
    rows = torch.randn(3, 5, dtype=torch.float64)
    balancer, names = SDMGrad(solver="sgd", niter=2, lr=0.1), ("a", "b", "c")
    balancer.weights(rows @ rows.T, Info(names))
    share = balancer.learned.read(names)[1]
    balancer.weights(rows[[0, 2]] @ rows[[0, 2]].T, Info(("a", "c")))
    assert balancer.learned.read(names)[1] == pytest.approx(share)
    assert balancer.learned.read(names)[0] != pytest.approx(1 / 3)


def test_the_number_of_batches_depends_on_the_solver() -> None:
    exact, sgd = SDMGrad(), SDMGrad(solver="sgd")
    assert (exact.batches, exact.applied) == (1, (1.0,))
    assert (sgd.batches, sgd.applied) == (3, (0.0, 0.0, 1.0))


def test_a_cross_gramian_without_a_positive_diagonal_gives_weights_on_the_simplex() -> None:
    weights = SDMGrad(lam=0.0, solver="sgd").weights(torch.tensor([[-1.0, 2.0], [0.5, -1.0]]))
    assert weights.min() >= 0
    assert weights.sum().item() == pytest.approx(1)


@pytest.mark.parametrize(
    ("option", "value", "rule"),
    [
        ("lam", -1.0, "must not be negative; found -1"),
        ("solver", "adam", "must be 'exact' or 'sgd'; found 'adam'"),
        ("niter", 0, "must be an integer of at least 1; found 0"),
        ("lr", 0.0, "must be a number above 0; found 0"),
        ("momentum", 1.0, r"must be in \[0, 1\); found 1"),
        ("momentum", -0.1, "must be a number of at least 0; found -0.1"),
        ("eps", -1.0, "must be a number of at least 0; found -1"),
        ("zero_rows", "no", "must be 'drop' or 'keep'; found 'no'"),
    ],
)
def test_bad_options_are_refused(option: str, value: object, rule: str) -> None:
    with pytest.raises(ConfigError, match=f"`{option}` {rule}"):
        SDMGrad(**{"solver": "sgd", option: value})


@pytest.mark.parametrize("option", ["niter", "lr", "momentum", "eps"])
def test_options_of_the_other_solver_are_refused(option: str) -> None:
    with pytest.raises(ConfigError, match=f"`{option}` has no effect with solver='exact'"):
        SDMGrad(**{option: 1})


@pytest.mark.parametrize("options", [{}, {"solver": "sgd"}, {"solver": "sgd", "niter": 3}])
def test_its_options_make_it_again(options: dict[str, Any]) -> None:
    made = SDMGrad(**options)
    assert options_of(SDMGrad(**options_of(made))) == options_of(made)
