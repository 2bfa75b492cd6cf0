"""Gradient reversal."""

import copy
import math

import pytest
import torch
from torch import Tensor

from plait.core.errors import ConfigError
from plait.networks.reversal import GradientReversal
from tests.networks.progress import set_progress


@pytest.mark.parametrize("factor", [0.0, 0.3, 2])
def test_the_value_is_that_of_the_input_and_the_gradient_minus_factor_times_its_own(
    factor: float,
) -> None:
    hidden = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    out = GradientReversal(factor)(hidden)
    assert torch.equal(out, hidden)
    given = torch.randn(4, 3, dtype=torch.float64)
    (gradient,) = torch.autograd.grad(out, hidden, given)
    torch.testing.assert_close(gradient, -factor * given, rtol=1e-7, atol=0)


def test_the_gradients_of_gradients_are_there_too() -> None:
    hidden = torch.randn(3, dtype=torch.float64, requires_grad=True)
    (first,) = torch.autograd.grad(
        GradientReversal(0.5)(hidden.pow(3)).sum(), hidden, create_graph=True
    )
    (second,) = torch.autograd.grad(first.sum(), hidden)
    torch.testing.assert_close(second, -0.5 * 6 * hidden.detach())


@pytest.mark.parametrize("progress", [0.0, 0.1, 0.37, 1.0])
def test_the_factor_rises_with_the_progress(progress: float) -> None:
    reversal = GradientReversal().double()
    assert reversal.factor() == 0
    set_progress(reversal, progress)
    expected = 2 / (1 + math.exp(-10 * progress)) - 1
    torch.testing.assert_close(reversal.factor().item(), expected)
    set_progress(constant := GradientReversal(0.25), progress)
    assert constant.factor() == 0.25


def test_the_progress_is_part_of_the_state() -> None:
    reversal = GradientReversal()
    set_progress(reversal, 0.5)
    twin = GradientReversal()
    twin.load_state_dict(copy.deepcopy(reversal.state_dict()))
    assert torch.equal(twin.factor(), reversal.factor())


def test_keeps_the_dtype_of_the_gradient() -> None:
    hidden = torch.randn(2, dtype=torch.bfloat16, requires_grad=True)
    GradientReversal(0.5)(hidden).sum().backward()
    assert hidden.grad is not None
    assert hidden.grad.dtype == torch.bfloat16
    assert (hidden.grad == -0.5).all()


def test_several_gradients_at_once() -> None:
    hidden = torch.randn(3, requires_grad=True)
    out = GradientReversal(2.0)(hidden)
    (rows,) = torch.autograd.grad(out, hidden, torch.eye(3), is_grads_batched=True)
    assert torch.equal(rows, -2 * torch.eye(3))

    def gradient(row: Tensor) -> Tensor:
        return torch.func.grad(lambda x: GradientReversal(2.0)(x).square().sum())(row)

    batch = torch.randn(4, 3)
    torch.testing.assert_close(torch.vmap(gradient)(batch), -4 * batch)


@pytest.mark.parametrize(
    ("factor", "message"),
    [
        (-0.1, "`reversal` must be at least 0; found -0.1"),
        (math.nan, "`reversal` must be at least 0; found nan"),
        ("gannin", "`reversal` must be 'ganin' or a number; found 'gannin'"),
    ],
)
def test_other_factors_are_refused(factor: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        GradientReversal(factor)  # type: ignore[arg-type]
