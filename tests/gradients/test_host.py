"""Many tensors in one copy."""

import numpy as np
import torch

from plait.gradients.host import to_host


def test_each_array_is_its_tensor_in_double_precision() -> None:
    tensors = [
        torch.randn(3, 2),
        torch.tensor(2.5, dtype=torch.float64),
        torch.randn(0, 4),
        torch.randn(5).to(torch.bfloat16),
        torch.randn(4, 3).T,
        torch.tensor([1, 2]),
    ]
    found = to_host(tensors)
    assert len(found) == len(tensors)
    for array, tensor in zip(found, tensors, strict=True):
        assert array.dtype == np.float64
        np.testing.assert_array_equal(array, tensor.double().numpy())


def test_no_dtype_is_lost_on_the_way() -> None:
    third = torch.tensor([1 / 3], dtype=torch.float64)
    single, double = to_host([torch.ones(1), third])
    assert double[0] == third.item() and single[0] == 1.0


def test_graphs_are_left_behind_and_nothing_is_nothing() -> None:
    (found,) = to_host([torch.ones(2, requires_grad=True) * 2])
    assert found.tolist() == [2.0, 2.0]
    assert to_host([]) == []
