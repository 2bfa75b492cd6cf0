import torch

from plait.regularization.algebra.inverse import inverse_of_positive


def test_zero_has_no_inverse_and_no_gradient() -> None:
    values = torch.tensor([4.0, 0.0, -1.0], requires_grad=True)
    found = inverse_of_positive(values)
    assert found.tolist() == [0.25, 0.0, 0.0]
    found.sum().backward()
    assert values.grad is not None
    assert values.grad.tolist() == [-1 / 16, 0.0, 0.0]
