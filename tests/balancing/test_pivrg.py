"""Alpha-fair directions with a preference for the tasks that are behind."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.balancing import PIVRG, FairGrad, Info
from plait.core.errors import ConfigError

TASKS = ("a", "b", "c")


def gramian_of(seed: int, tasks: int = 3) -> torch.Tensor:
    rows = torch.from_numpy(np.random.default_rng(seed).standard_normal((tasks, tasks + 3)))
    return rows @ rows.T


def weights(
    balancer: PIVRG,
    gramian: torch.Tensor,
    losses: list[float],
    epoch: int,
    tasks: tuple[str, ...] = TASKS,
) -> list[float]:
    given_losses = torch.tensor(losses, dtype=torch.float64)
    return list(balancer.weights(gramian, Info(tasks, given_losses, epoch=epoch)).tolist())


def fair(gramian: torch.Tensor, preference: list[float], alpha: float = 2.0) -> list[float]:
    return list(FairGrad(alpha=alpha, preference=preference).weights(gramian).tolist())


def test_two_tasks_by_hand() -> None:
    # a is 50 % above its reference, b at it: tau = 50 / ln 3, and p = 2 (3/4, 1/4)
    balancer = PIVRG(references={"a": 2.0, "b": 1.0}, bound=3.0)
    gramian, pair = torch.diag(torch.tensor([1.0, 8.0])), ("a", "b")
    first = weights(balancer, gramian, [4.0, 1.5], 0, pair)
    assert first == pytest.approx([1.0, 0.25])  # w^3 = p / G^2 with p = 1
    weights(balancer, gramian, [2.0, 0.5], 0, pair)  # means of the epoch: 3 and 1
    found = weights(balancer, gramian, [9.0, 9.0], 1, pair)
    assert found == pytest.approx([1.5 ** (1 / 3), 0.25 * 0.5 ** (1 / 3)])


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1.0, 2.0, 4.0]))
def test_is_fairgrad_with_a_softmax_of_the_gaps(seed: int, alpha: float) -> None:
    rng, gramian = np.random.default_rng(seed), gramian_of(seed)
    references = rng.uniform(0.5, 2, 3)
    balancer = PIVRG(references=dict(zip(TASKS, references, strict=True)), alpha=alpha)
    balancer.setup(TASKS)
    epochs = references * rng.uniform(0.97, rng.choice([1.03, 3.0]), (4, 2, 3))
    for epoch, steps in enumerate(epochs):
        preference = np.ones(3)
        if epoch:
            gaps = 100 * (epochs[epoch - 1].mean(axis=0) / references - 1)
            powers = np.exp(gaps / max(np.ptp(gaps) / np.log(2), 10.0))
            preference = 3 * powers / powers.sum()
            assert preference.max() <= 2 * preference.min() * (1 + 1e-12)
        for losses in steps:
            found = weights(balancer, gramian, losses.tolist(), epoch)
            assert found == pytest.approx(fair(gramian, preference.tolist(), alpha), rel=1e-9)


def test_without_references_the_first_epoch_is_the_reference() -> None:
    given_first, own = PIVRG(references={"a": 3.0, "b": 1.0, "c": 5.0}), PIVRG()
    gramian = gramian_of(1)
    history = [[2.0, 1.0, 5.0], [4.0, 1.0, 5.0], [2.0, 0.9, 1.0], [1.0, 0.5, 2.0], [1.0, 1.0, 1.0]]
    for epoch, losses in zip([0, 0, 1, 2, 3], history, strict=True):
        found = weights(own, gramian, losses, epoch)
        expected = weights(given_first, gramian, losses, epoch)
        assert found == pytest.approx(expected, rel=1e-12)


def test_a_task_without_a_finished_epoch_counts_one() -> None:
    balancer, gramian = PIVRG(references=dict.fromkeys(TASKS, 1.0)), gramian_of(2)
    two = gramian[:2, :2]
    weights(balancer, two, [2.0, 1.0], 0, TASKS[:2])
    # tau = 100 / ln 2: the two have 2 (2/3, 1/3)
    found = weights(balancer, gramian, [2.0, 1.0, 7.0], 1)
    assert found == pytest.approx(fair(gramian, [4 / 3, 2 / 3, 1.0]), rel=1e-9)
    # c is away for an epoch, then its last one counts: gaps of 100, 0 and 600 percent
    weights(balancer, two, [2.0, 1.0], 2, TASKS[:2])
    powers = np.exp2(np.array([100, 0, 600]) / 600)
    preference = (3 * powers / powers.sum()).tolist()
    found = weights(balancer, gramian, [2.0, 1.0, 7.0], 3)
    assert found == pytest.approx(fair(gramian, preference), rel=1e-9)


def test_losses_of_zero_and_a_given_preference() -> None:
    gramian, preference = gramian_of(3), {"a": 3.0, "c": 0.5}
    balancer = PIVRG(preference=preference)
    for epoch in range(3):
        found = weights(balancer, gramian, [0.0, 0.0, 0.0], epoch)
        assert found == pytest.approx(fair(gramian, [3.0, 1.0, 0.5]), rel=1e-9)


def test_options_outside_their_range_are_refused() -> None:
    for value in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ConfigError, match="`references` must be positive and finite; found"):
            PIVRG(references={"a": value})
    with pytest.raises(ConfigError, match="`bound` must be above 1; found 1"):
        PIVRG(bound=1.0)
    with pytest.raises(ConfigError, match="`min_temperature` must be positive; found 0"):
        PIVRG(min_temperature=0.0)


def test_every_task_has_a_reference_or_none_has() -> None:
    balancer = PIVRG(references={"a": 1.0})
    with pytest.raises(ConfigError, match=r"`references` must have a loss of every task; .* 'b'"):
        balancer.setup(["a", "b"])
    with pytest.raises(ConfigError, match=r"`references` must have a loss of every task; .* 'b'"):
        weights(balancer, torch.eye(2), [1.0, 1.0], 0, ("a", "b"))
    with pytest.raises(ConfigError, match="unknown task 'a'"):
        balancer.setup(["b"])
    assert balancer.tasks == ()
