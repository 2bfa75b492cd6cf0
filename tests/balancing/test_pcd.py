"""A main task, and a share of progress for all others."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from plait.balancing import PCD, DualProj, Info
from plait.core.errors import ConfigError
from tests.balancing.gramians import jacobians, scales
from tests.balancing.invariants import (
    check_permutation,
    check_rotation,
    check_scale,
    close,
    independent,
)

seeds = st.integers(0, 2**32 - 1)
shares = st.sampled_from([0.0, 0.02, 0.5, 1.0])


def weights_of(jacobian: np.ndarray, tau: float = 0.02) -> np.ndarray:
    """Those of any scale: eps = 0."""
    gramian = torch.from_numpy(jacobian @ jacobian.T)
    found: np.ndarray = PCD(tau=tau, eps=0.0).weights(gramian).numpy()
    return found


def named(balancer: PCD, jacobian: np.ndarray, tasks: tuple[str, ...]) -> list[float]:
    found = balancer.weights(torch.from_numpy(jacobian @ jacobian.T), Info(tasks))
    return list(found.tolist())


def nearest(main: np.ndarray, rows: np.ndarray, least: np.ndarray) -> np.ndarray | None:
    """The nearest e to `main` with ``rows e >= least``: the best of all sets of tight rows."""
    best: np.ndarray | None = None
    for size in range(len(rows) + 1):
        for chosen in itertools.combinations(range(len(rows)), size):
            tight = list(chosen)
            left = least[tight] - rows[tight] @ main
            e = main + np.linalg.pinv(rows[tight], rcond=1e-9) @ left
            if (rows @ e < least - 1e-9).any():
                continue
            if best is None or np.linalg.norm(e - main) < np.linalg.norm(best - main):
                best = e
    return best


def test_two_tasks_by_hand() -> None:
    # u = (1, 0) and (-0.6, 0.8). With tau = 0.2, e = u_1 + 0.8 u_2 = (0.52, 0.64)
    jacobian = np.array([[2.0, 0.0], [-3.0, 4.0]])
    length = np.hypot(0.52, 0.64)
    weights = weights_of(jacobian, 0.2)
    np.testing.assert_allclose(weights, [1 / length, 0.8 * 2 / 5 / length], rtol=1e-12)
    np.testing.assert_allclose(weights @ jacobian, [1.04 / length, 1.28 / length], rtol=1e-12)


def test_a_task_that_gains_enough_changes_nothing() -> None:
    assert weights_of(np.array([[2.0, 0.0], [3.0, 3.0]]), 0.5).tolist() == [1.0, 0.0]


@given(jacobians(max_tasks=5), shares)
def test_is_the_nearest_direction_that_serves_the_others(jacobian: np.ndarray, tau: float) -> None:
    norms = np.linalg.norm(jacobian, axis=1)
    assume(norms.all())
    units = jacobian / norms[:, None]
    expected = nearest(units[0], units[1:], np.full(len(units) - 1, tau))
    if expected is None:
        expected = units[0]
    length = float(np.linalg.norm(expected))
    assume(length == 0 or length > 1e-6)
    expected = norms[0] * expected / (length or 1.0)
    found = weights_of(jacobian, tau) @ jacobian
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6 * norms[0])


@given(independent(max_tasks=6), scales(), seeds)
def test_every_condition_of_the_optimum_holds(
    jacobian: np.ndarray, scale: float, seed: int
) -> None:
    """Feasible, stationary, and a multiplier of 0 where there is something left over."""
    rows = scale * jacobian
    norms = np.linalg.norm(rows, axis=1)
    tasks = tuple("abcdef"[: len(rows)])
    main = int(np.random.default_rng(seed).integers(len(rows)))
    taus = dict(zip(tasks, np.random.default_rng(seed).uniform(0, 0.5, len(rows)), strict=True))
    del taus[tasks[main]]
    balancer = PCD(primary=tasks[main], tau=taus, eps=0.0)
    balancer.setup(tasks)
    weights = np.array(named(balancer, rows, tasks))
    direction = weights @ rows
    assert np.linalg.norm(direction) == pytest.approx(norms[main])

    e = direction / (weights[main] * norms[main])  # u_main counts 1 in it
    multipliers = weights * norms / (weights[main] * norms[main])
    for task, norm, row, multiplier in zip(tasks, norms, rows, multipliers, strict=True):
        if task == tasks[main]:
            continue
        slack = row @ e / norm - taus[task]
        assert slack >= -1e-9 and multiplier >= 0
        assert slack * multiplier == pytest.approx(0, abs=1e-9)


@given(independent(min_tasks=2), scales())
def test_scale_rotation_and_the_order_of_the_others(jacobian: np.ndarray, scale: float) -> None:
    check_rotation(weights_of, jacobian)
    check_scale(weights_of, jacobian, scale)
    main = jacobian[:1]
    check_permutation(
        lambda others: weights_of(np.concatenate([main, others]))[1:], jacobian[1:], 1e-7
    )


@given(independent(min_tasks=2), seeds)
def test_factors_of_the_others_change_nothing(jacobian: np.ndarray, seed: int) -> None:
    factors = 10 ** np.random.default_rng(seed).uniform(-6, 6, (len(jacobian), 1))
    factors[0] = 1.0
    close(weights_of(factors * jacobian) * factors[:, 0], weights_of(jacobian))


@given(jacobians(min_tasks=2, max_tasks=5))
def test_with_tau_zero_it_goes_where_dual_projection_of_the_main_task_goes(
    jacobian: np.ndarray,
) -> None:
    """The nearest direction that makes no other task worse cannot make the main one worse."""
    norms = np.linalg.norm(jacobian, axis=1)
    assume(norms.all())
    preference = [1.0] + [0.0] * (len(jacobian) - 1)
    gramian = torch.from_numpy(jacobian @ jacobian.T)
    dual = DualProj(preference=preference).weights(gramian).numpy() @ jacobian
    length = float(np.linalg.norm(dual))
    assume(length < 1e-12 * norms[0] or length > 1e-5 * norms[0])
    expected = norms[0] * dual / length if length > 1e-12 * norms[0] else np.zeros_like(dual)
    found = weights_of(jacobian, 0.0) @ jacobian
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6 * norms[0])


@settings(max_examples=25)
@given(seeds, st.sampled_from([0.0, 0.5, 0.999]), st.sampled_from([1e-8, 0.1]))
def test_lengths_are_averaged_over_the_steps_of_each_task(
    seed: int, beta: float, eps: float
) -> None:
    """Against a loop that corrects the bias by the sum of the weights, with absent tasks."""
    rng = np.random.default_rng(seed)
    balancer, tasks = PCD(beta=beta, eps=eps), ("a", "b", "c")
    balancer.setup(tasks)
    past: dict[str, list[float]] = {task: [] for task in tasks}
    for _ in range(5):
        rows = rng.standard_normal((3, 9)) * 10 ** rng.uniform(-1, 1, (3, 1))
        kept = [0, *(i for i in (1, 2) if rng.random() < 0.7)]
        units, present = [], tuple(tasks[i] for i in kept)
        for i in kept:
            past[tasks[i]].append(float(rows[i] @ rows[i]))
            ages = beta ** np.arange(len(past[tasks[i]]))[::-1].astype(float)
            units.append(rows[i] / np.sqrt(ages @ past[tasks[i]] / ages.sum() + eps))
        least = np.array([0.02 * unit @ unit for unit in units[1:]])
        e = nearest(units[0], np.array(units[1:]).reshape(-1, 9), least)
        assert e is not None
        expected = e * np.linalg.norm(rows[0]) / np.linalg.norm(e)
        found = np.array(named(balancer, rows[kept], present)) @ rows[kept]
        np.testing.assert_allclose(found, expected, rtol=1e-8)


def test_the_main_task_is_the_first_one_or_the_one_named() -> None:
    rows = np.array([[1.0, 0.0], [-1.0, 1.0]])
    by_hand, by_name = PCD(), PCD(primary="b")
    by_name.setup(["a", "b"])
    one, two = named(by_hand, rows, ("a", "b")), named(by_name, rows[::-1], ("a", "b"))
    assert one == pytest.approx(two[::-1])
    set_up = PCD()
    set_up.setup(["b", "a"])
    assert named(set_up, rows[::-1], ("a", "b")) == pytest.approx(two)


def test_without_a_gradient_of_the_main_task_the_shared_parameters_rest() -> None:
    balancer = PCD()
    balancer.setup(["a", "b", "c"])
    assert named(balancer, np.eye(2), ("b", "c")) == [0.0, 0.0]
    assert balancer.flag == "no gradient of the main task"
    assert named(balancer, np.diag([0.0, 1.0]), ("a", "b")) == [0.0, 0.0]
    assert balancer.flag == "no gradient of the main task"
    assert named(balancer, np.eye(3), ("a", "b", "c"))[0] > 0
    assert balancer.flag is None


def test_where_no_direction_serves_the_others_it_is_the_main_gradient() -> None:
    balancer = PCD()
    rows = np.array([[1.0, 2.0], [3.0, -1.0], [-6.0, 2.0]])
    assert named(balancer, rows, ("a", "b", "c")) == [1.0, 0.0, 0.0]
    assert balancer.flag == "the other tasks exclude each other"


def test_opposite_gradients() -> None:
    """With a share to guarantee the other task gets it; with none, nothing is left to do."""
    rows = np.array([[2.0, -1.0], [-4.0, 2.0]])
    np.testing.assert_allclose(weights_of(rows, 0.02) @ rows, [-2.0, 1.0], rtol=1e-9)
    balancer = PCD(tau=0.0)
    assert named(balancer, rows, ("a", "b")) == [0.0, 0.0]
    assert balancer.flag == "Pareto-stationary"


@pytest.mark.parametrize("value", [-0.1, 1.5, float("nan")])
def test_shares_are_shares(value: float) -> None:
    with pytest.raises(ConfigError, match=r"`tau` must be in \[0, 1\]; found"):
        PCD(tau=value)
    with pytest.raises(ConfigError, match=r"`tau` must be in \[0, 1\]; found"):
        PCD(tau={"a": value})


def test_a_task_asks_for_less_as_its_gradient_vanishes() -> None:
    shares = []
    for size in (1.0, 1e-4, 1e-6, 1e-160):
        balancer = PCD(tau=0.5)
        weights = balancer.weights(torch.diag(torch.tensor([1.0, size**2], dtype=torch.float64)))
        shares.append(size * (weights[1] / weights[0]).item())  # tau |u| / |u_main|
    assert shares == pytest.approx([0.5, 0.5 * 0.5**0.5, 0.5 * 1e-2, 0.0], rel=1e-4, abs=1e-12)
    # The other way round the step is along the other gradient, at the main one's length
    gramian = torch.diag(torch.tensor([1e-200, 1.0], dtype=torch.float64))
    assert PCD().weights(gramian).tolist() == pytest.approx([0.0, 1e-100], rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("value", [-1e-9, float("nan")])
def test_eps_is_not_negative(value: float) -> None:
    with pytest.raises(ConfigError, match="`eps` must not be negative; found"):
        PCD(eps=value)


@pytest.mark.parametrize("value", [-0.1, 1.0, float("nan")])
def test_beta_is_below_one(value: float) -> None:
    with pytest.raises(ConfigError, match=r"`beta` must be in \[0, 1\); found"):
        PCD(beta=value)


def test_names_are_those_of_tasks() -> None:
    with pytest.raises(ConfigError, match="unknown task 'c'"):
        PCD(primary="c").setup(["a", "b"])
    with pytest.raises(ConfigError, match="unknown task 'c'"):
        PCD(tau={"c": 0.1}).setup(["a", "b"])
    with pytest.raises(ConfigError, match=r"'a', the main task\. Leave it out"):
        PCD(tau={"a": 0.1}).setup(["a", "b"])
    PCD(primary="b", tau={"a": 0.1}).setup(["a", "b"])
