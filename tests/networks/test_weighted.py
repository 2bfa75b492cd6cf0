"""Weighted sums of the outputs of several networks, against the sum as it is written."""

import pytest
import torch

from plait.networks import weighted_sum


@pytest.mark.parametrize("shape", [(), (4, 1, 1), (6, 1, 1, 1)], ids=["one", "channels", "rows"])
@pytest.mark.parametrize("count", [1, 2, 4])
def test_value_and_gradients(shape: tuple[int, ...], count: int) -> None:
    weights = [torch.randn(shape).double().requires_grad_() for _ in range(count)]
    values = [torch.randn(6, 4, 3, 2).double().requires_grad_() for _ in range(count)]
    found, slow = weighted_sum(weights, values), torch.zeros(6, 4, 3, 2).double()
    for weight, value in zip(weights, values, strict=True):
        slow = slow + weight * value
    assert torch.equal(found, slow)
    known = [*weights, *values]
    ours, theirs = (torch.autograd.grad(each.square().sum(), known) for each in (found, slow))
    torch.testing.assert_close(ours, theirs)


def test_one_and_zero_give_the_value() -> None:
    values = [torch.randn(50) for _ in range(3)]
    weights = [torch.tensor(w) for w in (0.0, 1.0, 0.0)]
    assert torch.equal(weighted_sum(weights, values), values[1])


def test_the_sum_has_the_dtype_of_its_values() -> None:
    values = [torch.ones(2, 3, dtype=torch.bfloat16) for _ in range(2)]
    found = weighted_sum([torch.ones(3), torch.tensor(0.5)], values)
    assert found.dtype == torch.bfloat16
    assert found.tolist() == [[1.5] * 3] * 2


def test_as_many_weights_as_values() -> None:
    with pytest.raises(ValueError, match="zip"):
        weighted_sum([torch.ones(())], [torch.ones(2), torch.ones(2)])
