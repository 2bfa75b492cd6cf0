"""Logarithms of losses that may be zero."""

import math

import pytest
import torch

from plait.balancing.algebra.logarithm import log_losses, vanished


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_is_the_logarithm_wherever_the_weight_is_a_number(dtype: torch.dtype) -> None:
    smallest = torch.finfo(dtype).tiny
    losses = torch.tensor([smallest, 1e-9, 1.0, 1e30], dtype=dtype, requires_grad=True)
    logs = log_losses(losses)
    torch.testing.assert_close(logs, losses.detach().log())
    weights = torch.autograd.grad(logs.sum(), losses)[0]
    assert weights.isfinite().all()
    torch.testing.assert_close(weights, 1 / losses.detach())


def test_a_loss_that_has_vanished_has_no_slope() -> None:
    losses = torch.tensor([0.0, 1e-42, 2.0], requires_grad=True)
    assert vanished(losses).tolist() == [True, True, False]
    logs = log_losses(losses)
    assert logs.tolist() == pytest.approx([0.0, 0.0, math.log(2)])
    assert torch.autograd.grad(logs.sum(), losses)[0].tolist() == [0.0, 0.0, 0.5]


def test_a_negative_loss_does_not_pass_for_one_that_has_vanished() -> None:
    assert log_losses(torch.tensor([-1.0])).isnan().all()
