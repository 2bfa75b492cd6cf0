import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from plait.balancing.algebra.smooth_max import smooth_max

VALUES = st.lists(st.floats(-5, 5), min_size=1, max_size=6)


@given(VALUES, st.floats(0.05, 20))
def test_it_is_the_formula_with_the_slopes_of_a_softmax(values: list[float], mu: float) -> None:
    exact = torch.tensor(values, dtype=torch.float64, requires_grad=True)
    found = smooth_max(exact, mu)
    torch.testing.assert_close(found, mu * (exact / mu).exp().sum().log())
    (slopes,) = torch.autograd.grad(found, exact)
    torch.testing.assert_close(slopes, (exact / mu).softmax(0))


@pytest.mark.parametrize("mu", [1e-30, 1e-3])
def test_of_a_small_mu_it_is_the_maximum(mu: float) -> None:
    values = torch.tensor([1e20, -1e20, 9e19])
    assert smooth_max(values, mu) == 1e20
