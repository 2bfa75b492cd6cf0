"""The trace norm of each layer of all networks."""

import pytest
import torch

from plait.regularization import TraceNorm
from tests.regularization.nets import gradient, networks, on_rows, rows_of, tied, values


def on(rows: torch.Tensor) -> TraceNorm:
    return on_rows(TraceNorm(strength=1.0), rows)


def test_two_tasks_by_hand() -> None:
    """Orthogonal rows: their lengths are the singular values."""
    rows = torch.tensor([[3.0, 0.0, 0.0], [0.0, 0.0, -1.0]], dtype=torch.float64)
    regularizer = on(rows)
    assert regularizer.cost().item() == pytest.approx(4.0)
    expected = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0]], dtype=torch.float64)
    torch.testing.assert_close(gradient(regularizer), expected)
    regularizer.prox(2.0)
    torch.testing.assert_close(
        rows_of(regularizer), torch.tensor([[1.0, 0, 0], [0, 0, 0]]).double()
    )


def test_it_is_the_sum_over_layers() -> None:
    nets = networks("abc")
    norms = [
        torch.linalg.svdvals(values(nets, name)).sum()
        for name in ("stem.weight", "stem.bias", "top.weight")
    ]
    torch.testing.assert_close(tied(TraceNorm(strength=1.0), nets).cost(), torch.stack(norms).sum())


def test_equal_tasks_cost_the_root_of_their_number() -> None:
    row = torch.randn(1, 6, dtype=torch.float64)
    regularizer = on(row.repeat(4, 1))
    torch.testing.assert_close(regularizer.cost(), 2 * row.norm())
    torch.testing.assert_close(gradient(regularizer), row.repeat(4, 1) / (2 * row.norm()))


def test_at_zero_the_subgradient_is_zero() -> None:
    assert not gradient(on(torch.zeros(3, 4))).any()


def test_the_proximal_step_lowers_the_rank() -> None:
    torch.manual_seed(2)
    rows = torch.randn(4, 9, dtype=torch.float64)
    sizes = torch.linalg.svdvals(rows)
    regularizer = on(rows)
    regularizer.prox(float(sizes[1] + sizes[2]) / 2)
    assert torch.linalg.matrix_rank(rows_of(regularizer)) == 2


def test_it_does_not_change_with_a_rotation_of_the_inputs() -> None:
    rows = torch.randn(3, 5, dtype=torch.float64)
    turn, _ = torch.linalg.qr(torch.randn(5, 5, dtype=torch.float64))
    torch.testing.assert_close(on(rows @ turn).cost(), on(rows).cost())
