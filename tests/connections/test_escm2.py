"""Risks of what is seen after a click only, corrected for that selection."""

import itertools
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from plait.connections import doubly_robust, imputation, ips, snips
from plait.core.errors import ConfigError

ERROR = torch.tensor([0.5, 2.0, 1.0], dtype=torch.float64)
P = torch.tensor([0.2, 0.5, 0.9], dtype=torch.float64)
GUESS = torch.tensor([1.0, 1.5, 0.0], dtype=torch.float64)


def expectation(risk: Callable[[Tensor], Tensor], p: Tensor) -> Tensor:
    """The mean over all outcomes of the clicks, by their probabilities."""
    total = torch.zeros((), dtype=torch.float64)
    for clicks in itertools.product([0.0, 1.0], repeat=len(p)):
        o = torch.tensor(clicks, dtype=torch.float64)
        total = total + (o * p + (1 - o) * (1 - p)).prod() * risk(o)
    return total


def test_is_unbiased_if_the_propensities_are_right() -> None:
    mean = ERROR.mean()
    torch.testing.assert_close(expectation(lambda o: ips(ERROR, o, P), P), mean)
    torch.testing.assert_close(expectation(lambda o: doubly_robust(ERROR, o, P, GUESS), P), mean)


def test_doubly_robust_is_unbiased_if_the_imputed_errors_are_right() -> None:
    wrong = torch.full_like(P, 0.3)
    found = expectation(lambda o: doubly_robust(ERROR, o, wrong, ERROR), P)
    torch.testing.assert_close(found, ERROR.mean())
    biased = expectation(lambda o: ips(ERROR, o, wrong), P)
    assert (biased - ERROR.mean()).abs() > 0.1
    assert imputation(ERROR, torch.ones(3), wrong, ERROR) == 0.0


def test_is_the_plain_mean_if_all_are_clicked_for_sure() -> None:
    ones = torch.ones(3, dtype=torch.float64)
    for found in (
        ips(ERROR, ones, ones),
        snips(ERROR, ones, ones),
        doubly_robust(ERROR, ones, ones, GUESS),
    ):
        torch.testing.assert_close(found, ERROR.mean())


def test_self_normalised_weights_sum_to_one() -> None:
    click = torch.tensor([1.0, 0.0, 1.0])
    constant = torch.full((3,), 7.0, dtype=torch.float64)
    torch.testing.assert_close(snips(constant, click, P).item(), 7.0)
    assert snips(ERROR, torch.zeros(3), P) == 0.0


def test_what_was_not_clicked_does_not_count_even_without_a_label() -> None:
    click = torch.tensor([1.0, 0.0, 1.0])
    error = ERROR.clone()
    error[1] = torch.nan
    error.requires_grad_()
    for found in (
        ips(error, click, P),
        snips(error, click, P),
        doubly_robust(error, click, P, GUESS),
        imputation(error, click, P, GUESS),
    ):
        assert found.isfinite()
        (grad,) = torch.autograd.grad(found, error)
        assert grad.isfinite().all()
        assert grad[1] == 0.0


def test_propensities_are_clipped_and_get_no_gradient() -> None:
    p = torch.tensor([0.001, 0.5], requires_grad=True)
    error = torch.tensor([1.0, 1.0], requires_grad=True)
    found = ips(error, torch.tensor([1.0, 0.0]), p, clip=0.1)
    assert found.item() == pytest.approx(5.0)
    assert torch.autograd.grad(found, p, allow_unused=True) == (None,)
    for clip in (0.0, 1.5):
        with pytest.raises(ConfigError, match=rf"`clip` must be within 0\.\.1.*found {clip}"):
            ips(error, torch.ones(2), p, clip=clip)
