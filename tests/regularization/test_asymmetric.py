"""Tasks that are made up of others."""

import pytest
import torch

from plait.core.errors import ConfigError
from plait.regularization import Asymmetric
from tests.regularization.nets import gradient, on_rows, rows_of

ROWS = torch.tensor([[1.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.5, 1.0, 0.0]], dtype=torch.float64)


def estimated(rows: torch.Tensor, sparsity: float = 0.0) -> Asymmetric:
    regularizer = on_rows(Asymmetric(strength=1.0, sparsity=sparsity), rows)
    regularizer.estimate()
    return regularizer


def test_before_any_estimate_it_is_weight_decay() -> None:
    regularizer = on_rows(Asymmetric(strength=1.0), ROWS)
    assert regularizer.cost().item() == pytest.approx(ROWS.square().sum().item())


def test_two_tasks_by_hand() -> None:
    """w_1 = 2 w_0: B_01 = 2 and B_10 = 1/2 explain both; with mu, w_0 asks for less."""
    rows = torch.tensor([[1.0, 0.0], [2.0, 0.0]], dtype=torch.float64)
    regularizer = estimated(rows)
    expected = torch.tensor([[0.0, 2.0], [0.5, 0.0]], dtype=torch.float64)
    torch.testing.assert_close(regularizer.transfer, expected)
    assert regularizer.cost().item() == pytest.approx(0.0, abs=1e-12)
    # (1 - 2 b)^2 + b is least at b = 3/8, and (2 - b)^2 + b at b = 3/2
    sparse = estimated(rows, sparsity=1.0)
    expected = torch.tensor([[0.0, 1.5], [0.375, 0.0]], dtype=torch.float64)
    torch.testing.assert_close(sparse.transfer, expected)
    assert sparse.cost().item() == pytest.approx(1 / 16 + 1 / 4 + 1.5 + 0.375)


def test_what_is_given_need_not_come_back() -> None:
    """The third task is made of the first two; the first is not worth much of the third."""
    transfer = estimated(ROWS, sparsity=1e-6).transfer
    torch.testing.assert_close(
        transfer[:, 2], torch.tensor([0.5, 0.5, 0]).double(), atol=1e-5, rtol=0
    )
    assert transfer[2, 0] < 0.5
    assert not transfer.diagonal().any()
    assert (transfer >= 0).all()


def test_a_very_long_proximal_step_takes_only_what_the_others_explain() -> None:
    regularizer = estimated(ROWS)
    regularizer.prox(1e12)
    after = rows_of(regularizer)
    left = after - regularizer.transfer.T @ after
    assert left.norm() < 1e-6


def test_the_gradient_pulls_both_sides() -> None:
    regularizer = estimated(ROWS, sparsity=0.5)
    own = torch.eye(3, dtype=torch.float64) - regularizer.transfer
    torch.testing.assert_close(gradient(regularizer), 2 * own @ own.T @ ROWS)


def test_what_is_given_is_watched() -> None:
    (table,) = estimated(ROWS[:2]).watched().values()
    assert table.plain() == {"t0": {"t0": 0.0, "t1": 0.0}, "t1": {"t0": 0.0, "t1": 0.0}}


def test_a_negative_sparsity_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"`sparsity` must be at least 0; found -0\.1"):
        Asymmetric(strength=1.0, sparsity=-0.1)
