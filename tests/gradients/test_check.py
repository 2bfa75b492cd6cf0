"""Losses before they are differentiated."""

import pytest
import torch
from torch import Tensor

from plait.core.errors import ConfigError, ShapeError
from plait.core.names import Names
from plait.core.outputs import Losses
from plait.gradients import check_losses, roots, values_of


def loss(value: float = 1.0, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.tensor(value, dtype=dtype, requires_grad=True)


def test_good_losses_pass() -> None:
    check_losses({"a": loss(), "b": loss(-3.0, torch.bfloat16)}, {"decay": torch.tensor(0.0)})
    check_losses({"a": loss()}, {"": torch.tensor(1.0)})
    check_losses({}, {})


def test_a_loss_is_a_scalar_with_a_graph() -> None:
    with pytest.raises(ShapeError, match=r"task 'b' must be a scalar; found \[2, 1\]"):
        check_losses({"a": loss(), "b": torch.ones(2, 1, requires_grad=True)}, {})
    with pytest.raises(ConfigError, match="task 'b' depends on no parameter"):
        check_losses({"a": loss(), "b": torch.tensor(1.0)}, {})


def test_a_penalty_is_a_scalar() -> None:
    with pytest.raises(ShapeError, match=r"the penalty 'decay' must be a scalar; found \[2\]"):
        check_losses({"a": loss()}, {"decay": torch.ones(2)})
    with pytest.raises(ShapeError, match=r"the penalty must be a scalar; found \[2\]"):
        check_losses({}, {"": torch.ones(2)})


def test_values_keep_the_widest_precision() -> None:
    mixed = values_of([loss(1.0, torch.bfloat16), loss(1e300, torch.float64)])
    assert mixed.tolist() == [1.0, 1e300]
    assert not mixed.requires_grad
    assert values_of([loss(2.0, torch.float16)]).dtype == torch.float32


def test_losses_of_one_vector_have_one_root() -> None:
    vector = torch.tensor([1.0, 2.0], requires_grad=True)
    losses = Losses.joined(Names("ab"), vector * 2, vector, {"a": 1.0, "b": 1.0})
    check_losses(losses, {})
    assert [each.tolist() for each in roots(losses)] == [[2, 4]]
    assert [each.item() for each in roots(dict(losses))] == [2, 4]
    assert values_of([*roots(losses), torch.tensor(3.0)]).tolist() == [2, 4, 3]
    assert values_of(roots(losses)).tolist() == [2, 4]
    assert values_of([torch.tensor([1.0], dtype=torch.bfloat16)]).dtype == torch.float32
    with pytest.raises(ConfigError, match=r"the loss of task 'a' depends on no parameter"):
        check_losses(Losses.joined(Names("ab"), vector.detach(), vector, {"a": 1.0, "b": 1.0}), {})
