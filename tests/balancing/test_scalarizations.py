"""Scalarisations that are plain functions of the losses."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from plait.balancing import cosmos, ldc_mtl, pbi
from plait.core.errors import ConfigError, ShapeError
from tests.balancing.losses import loss_lists, positive


def tensor(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


@given(loss_lists(2, 5), st.lists(positive(-1, 1), min_size=5, max_size=5), st.floats(0, 9))
def test_pbi_measures_along_and_across_the_preference(
    values: list[float], rates: list[float], theta: float
) -> None:
    losses, preference = tensor(*values), tensor(*rates[: len(values)])
    cosine = torch.cosine_similarity(losses, preference, dim=0).clamp(max=1.0)
    length = losses.norm()
    expected = length * (cosine + theta * (1 - cosine**2).sqrt())
    found = pbi(losses, preference, theta=theta)
    assert found.item() == pytest.approx(expected.item(), rel=1e-6)


def test_pbi_on_the_preferred_direction_has_a_gradient() -> None:
    losses = tensor(2.0, 2.0)
    value = pbi(losses, tensor(1.0, 1.0), theta=7.0)
    assert value.item() == pytest.approx(2 * math.sqrt(2))
    gradient = torch.autograd.grad(value, losses)[0]
    assert gradient.isfinite().all()
    # Of d1 alone, or with a slope of d2 in any direction, up to rounding of d2 about 0
    assert (gradient @ tensor(1.0, 1.0)).item() == pytest.approx(math.sqrt(2))
    exact = tensor(0.0, 2.0)
    gradient = torch.autograd.grad(pbi(exact, tensor(0.0, 1.0)), exact)[0]
    assert gradient.tolist() == [0.0, 1.0]


def test_pbi_counts_from_the_ideal_point() -> None:
    shifted = pbi(tensor(5.0, 4.0), tensor(0.0, 1.0), theta=2.0, reference=tensor(1.0, 1.0))
    assert shifted.item() == pytest.approx(3.0 + 2 * 4.0)


@given(loss_lists(2, 5), st.lists(positive(-1, 1), min_size=5, max_size=5), st.floats(0, 9))
def test_cosmos_is_the_weighted_sum_less_the_cosine(
    values: list[float], rates: list[float], strength: float
) -> None:
    losses, preference = tensor(*values), tensor(*rates[: len(values)])
    cosine = torch.cosine_similarity(losses, preference, dim=0)
    expected = (losses * preference).sum() - strength * cosine
    assert cosmos(losses, preference, strength=strength).item() == pytest.approx(
        expected.item(), rel=1e-9, abs=1e-9
    )


def test_cosmos_of_small_losses_has_their_cosine() -> None:
    found = cosmos(1e-30 * tensor(4.0, 3.0), tensor(0.0, 1.0), strength=5.0)
    assert found.item() == pytest.approx(-3.0)


def test_cosmos_of_losses_of_zero_is_finite() -> None:
    losses = tensor(0.0, 0.0)
    value = cosmos(losses, tensor(0.5, 0.5))
    assert value.item() == 0.0
    assert torch.autograd.grad(value, losses)[0].isfinite().all()


def test_ldc_mtl_by_hand() -> None:
    losses, weights = tensor(4.0, 1.0, 2.0), tensor(0.25, 0.5, 0.25)
    mean = 1.0 + 0.5 + 0.5
    assert ldc_mtl(losses, weights, strength=0.0).item() == pytest.approx(mean)
    gap = abs(1.0 - 0.5) + abs(0.5 - 0.5)
    assert ldc_mtl(losses, weights, strength=2.0).item() == pytest.approx(mean + 2 * gap)
    gap = abs(4.0 - 1.0) + abs(1.0 - 2.0)
    found = ldc_mtl(losses, weights, strength=2.0, weighted_gaps=False)
    assert found.item() == pytest.approx(mean + 2 * gap)


def test_ldc_mtl_normalises_by_the_initial_losses() -> None:
    losses, weights, first = tensor(4.0, 1.0), tensor(0.5, 0.5), tensor(8.0, 2.0)
    same = {"strength": 1.0, "initial_losses": first}
    ratio = ldc_mtl(losses, weights, normalization="ratio", **same)
    assert ratio.item() == pytest.approx(1.0)  # both at half of the smallest first loss, 2
    log = ldc_mtl(losses, weights, normalization="log", **same)
    assert log.item() == pytest.approx(-math.log(2))


def test_ldc_mtl_has_gradients_for_the_router() -> None:
    losses, weights = tensor(4.0, 1.0), tensor(0.5, 0.5)
    gradient = torch.autograd.grad(ldc_mtl(losses, weights, strength=1.0), weights)[0]
    assert gradient.tolist() == [8.0, 0.0]


def test_what_does_not_fit_is_refused() -> None:
    two, three = tensor(1.0, 1.0), tensor(1.0, 1.0, 1.0)
    with pytest.raises(ShapeError, match=r"`losses` and `preference` must both be \[T\]; found"):
        pbi(two, three)
    with pytest.raises(ShapeError, match="`reference`"):
        pbi(two, two, reference=three)
    with pytest.raises(ShapeError, match="`preference`"):
        cosmos(two, three)
    with pytest.raises(ShapeError, match="`weights`"):
        ldc_mtl(two, three)
    with pytest.raises(ShapeError, match="`preference`"):
        cosmos(torch.ones(1, 2), torch.ones(1, 2))
    with pytest.raises(ConfigError, match="`normalization` must be"):
        ldc_mtl(two, two, normalization="sqrt")
    with pytest.raises(ConfigError, match="'ratio' needs `initial_losses`"):
        ldc_mtl(two, two, normalization="ratio")
