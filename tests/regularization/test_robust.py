"""Networks of low rank, with whole tasks as exceptions."""

import pytest
import torch
from torch import Tensor

from plait.regularization import Robust, TraceNorm
from tests.regularization.nets import linear, networks, on_rows, rows_of, tied, values


def test_the_norms_by_hand() -> None:
    rows = torch.tensor([[3.0, 0.0, 0.0], [0.0, 0.0, -4.0]], dtype=torch.float64)
    regularizer = on_rows(Robust(strength=1.0, ratio=0.5), rows)
    assert regularizer.cost().item() == pytest.approx(7.0)  # at first all is common
    regularizer.own.copy_(rows)
    assert regularizer.cost().item() == pytest.approx(7.0 + 0.5 * 7.0)


def test_it_is_the_sum_over_layers() -> None:
    nets = networks("abc")
    regularizer = tied(Robust(strength=1.0), nets)
    common = tied(TraceNorm(strength=1.0), nets).cost().detach()
    torch.testing.assert_close(regularizer.cost(), common)
    regularizer.own.copy_(regularizer.shared)
    names = ("stem.weight", "stem.bias", "top.weight")
    lengths = [values(nets, name).norm(dim=1).sum() for name in names]
    expected = common + 0.8 * torch.stack(lengths).sum()
    torch.testing.assert_close(regularizer.cost(), expected)


def solved(target: Tensor, ratio: float, strength: float = 0.5) -> Robust:
    """min |W - target|^2 / 2 + strength R(W), by proximal gradient."""
    regularizer = Robust(strength=1.0, ratio=ratio)
    regularizer.setup(linear(torch.zeros_like(target)))
    (layer,) = regularizer.groups
    for _ in range(300):
        moved = rows_of(regularizer) + (target - rows_of(regularizer))
        with torch.no_grad():
            for parameter, row in zip(layer, moved, strict=True):
                parameter.copy_(row)
        regularizer.prox(strength)
    return regularizer


def test_an_outlier_gets_a_row_of_its_own_and_the_others_none() -> None:
    torch.manual_seed(0)
    common = torch.ones(5, 1, dtype=torch.float64) * torch.tensor([[2.0, 0, 0, 0]]).double()
    target = common + 0.05 * torch.randn(5, 4, dtype=torch.float64)
    target[3] = torch.tensor([-1.0, 0, 4.0, 1.0])
    regularizer = solved(target, ratio=0.8)
    lengths = regularizer.own.norm(dim=1)
    assert lengths[3] > 1.0
    assert not lengths[[0, 1, 2, 4]].any()
    assert torch.linalg.matrix_rank(regularizer.shared, rtol=1e-9) == 1


def test_with_a_dear_exception_all_is_common_and_with_a_cheap_one_nothing() -> None:
    torch.manual_seed(1)
    target = torch.randn(3, 4, dtype=torch.float64)
    dear = solved(target, ratio=1.01)
    assert not dear.own.any()
    other = on_rows(TraceNorm(strength=1.0), target)
    other.prox(0.5)
    torch.testing.assert_close(rows_of(dear), rows_of(other))
    cheap = solved(target, ratio=0.99 / 3**0.5)
    torch.testing.assert_close(cheap.shared, torch.zeros_like(target), atol=1e-9, rtol=0)
