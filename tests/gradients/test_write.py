"""Gradients into `.grad`."""

import pytest
import torch
from torch import Tensor, nn

from plait.gradients import accumulate, add
from plait.networks.joined import Joined


def sparse(*values: float) -> Tensor:
    indices = torch.arange(len(values)).unsqueeze(0)
    return torch.sparse_coo_tensor(indices, torch.tensor(values), check_invariants=True)


def test_a_gradient_of_its_own_is_taken_as_it_is() -> None:
    p, gradient = nn.Parameter(torch.zeros(3)), torch.ones(3)
    accumulate([(p, gradient)])
    assert p.grad is gradient


@pytest.mark.parametrize(
    "gradient",
    [
        torch.ones(1).expand(3),
        torch.ones(3)[:1].expand(3),
        torch.ones(4)[:3],
        torch.ones(3, 2)[:, 0],
    ],
)
def test_a_part_of_another_tensor_is_copied(gradient: Tensor) -> None:
    p = nn.Parameter(torch.zeros(3))
    accumulate([(p, gradient)])
    assert p.grad is not None
    p.grad.mul_(2)
    assert gradient.tolist() == [1.0, 1.0, 1.0]
    assert p.grad.tolist() == [2.0, 2.0, 2.0]


@pytest.mark.parametrize("gradient", [torch.ones(3), sparse(1.0, 1.0, 1.0)])
def test_one_gradient_of_two_parameters_is_copied(gradient: Tensor) -> None:
    p, q = nn.Parameter(torch.zeros(3)), nn.Parameter(torch.zeros(3))
    accumulate([(p, gradient), (q, gradient)])
    assert p.grad is not None and q.grad is not None
    p.grad.mul_(2)
    assert p.grad.to_dense().tolist() == [2.0, 2.0, 2.0]
    assert q.grad.to_dense().tolist() == [1.0, 1.0, 1.0]


def test_adds_in_place_to_what_is_there() -> None:
    p = nn.Parameter(torch.zeros(3))
    p.grad = before = torch.ones(3)
    accumulate([(p, torch.ones(3)), (p, torch.ones(3))])
    assert p.grad is before
    assert before.tolist() == [3.0, 3.0, 3.0]


@pytest.mark.parametrize("first", [torch.ones(3), sparse(1.0, 1.0, 1.0)])
@pytest.mark.parametrize("second", [torch.ones(3), sparse(1.0, 1.0, 1.0)])
def test_dense_and_sparse_gradients_mix(first: Tensor, second: Tensor) -> None:
    first, second = first.clone(), second.clone()
    total = add(first, second)
    assert total.to_dense().tolist() == [2.0, 2.0, 2.0]
    assert total.is_sparse == (first.is_sparse and second.is_sparse)

    p = nn.Parameter(torch.zeros(3))
    accumulate([(p, first), (p, second)])
    assert p.grad is not None
    assert p.grad.to_dense().tolist() == [2.0, 2.0, 2.0]
    assert p.grad.is_sparse == total.is_sparse


def test_a_copy_has_the_strides_of_the_parameter() -> None:
    p = nn.Parameter(torch.zeros(2, 3, 4, 4).contiguous(memory_format=torch.channels_last))
    flat = torch.arange(100.0)
    accumulate([(p, flat[:96].view(2, 3, 4, 4))])
    assert p.grad is not None
    assert p.grad.stride() == p.stride()
    assert torch.equal(p.grad.flatten(), flat[:96])


def test_gradients_of_joined_parameters_go_to_their_rows() -> None:
    """Beside that of another parameter, twice for one row; none is left at the parts."""
    parts = {task: nn.Parameter(torch.zeros(2)) for task in "abc"}
    made, other = Joined(parts), nn.Parameter(torch.zeros(2))
    pairs = [(parts["b"], torch.ones(2)), (other, torch.ones(2)), (parts["a"], torch.ones(2))]
    assert not accumulate(pairs)
    accumulate([(parts["b"], torch.ones(2))])
    assert made.whole.grad is not None and other.grad is not None
    assert made.whole.grad.tolist() == [[1, 1], [2, 2], [0, 0]]
    assert made.present == {0, 1}
    assert other.grad.tolist() == [1, 1]
    assert all(part.grad is None for part in parts.values())


def test_a_gradient_of_joined_parameters_is_that_of_the_tasks_present() -> None:
    parts = {name: nn.Parameter(torch.zeros(2)) for name in "abc"}
    joined = Joined(parts)
    gradient = torch.tensor([[1.0, 2.0], [0.0, 0.0], [3.0, 4.0]])
    accumulate([(joined.whole, gradient)], ["a", "c", "elsewhere"])
    assert joined.present == {0, 2}
    accumulate([(parts["b"], torch.ones(2))], ["b"])
    assert joined.whole.grad is not None
    assert joined.whole.grad.tolist() == [[1, 2], [1, 1], [3, 4]]
    assert joined.present is None
    joined.whole.grad = None
    accumulate([(joined.whole, gradient.clone())], {"a": 1, "b": 2, "c": 3})
    assert joined.present is None
