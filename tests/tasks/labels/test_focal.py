import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from plait.tasks.labels.focal import focal


@given(p=st.floats(1e-6, 1 - 1e-6), gamma=st.floats(0.1, 5))
def test_it_is_the_formula_of_the_paper(p: float, gamma: float) -> None:
    found = focal(torch.tensor([-math.log(p)], dtype=torch.float64), gamma)
    assert found.item() == pytest.approx(-((1 - p) ** gamma) * math.log(p), rel=1e-6)


@pytest.mark.parametrize("gamma", [0.01, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_label_that_is_certain_has_a_finite_slope(gamma: float, dtype: torch.dtype) -> None:
    entropies = torch.tensor([0.0, 1e-30, 1.0, 200.0], dtype=dtype, requires_grad=True)
    found = focal(entropies, gamma)
    found.sum().backward()
    assert entropies.grad is not None
    assert entropies.grad.isfinite().all()
    assert found[0] == 0
    assert found[-1].item() == pytest.approx(200)
    torch.testing.assert_close(entropies.grad[-1].item(), 1.0)


def test_0_leaves_the_entropies_as_they_are() -> None:
    entropies = torch.rand(5)
    assert torch.equal(focal(entropies, 0.0), entropies)
