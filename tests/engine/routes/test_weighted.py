"""Loss methods are one backward pass of the weighted sum."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from plait.balancing import (
    Equal,
)
from plait.engine import backward
from tests.gradients.nets import NETS
from tests.gradients.slow import gradients_of


@pytest.mark.parametrize("weights", [None, {"a": 0.3, "c": 7.0}])
@pytest.mark.parametrize("build", NETS.values(), ids=list(NETS))
def test_a_loss_method_is_the_backward_of_the_weighted_sum_to_the_last_bit(
    build: Callable[..., Any], weights: dict[str, float] | None
) -> None:
    parameters, make_losses = build()
    torch.manual_seed(1)
    losses = make_losses()
    objective = [loss * (weights or {}).get(task, 1.0) for task, loss in losses.items()]
    torch.stack([term.double() for term in objective]).sum().backward()
    expected = gradients_of(parameters)
    for parameter in parameters:
        parameter.grad = None
    torch.manual_seed(1)
    backward(make_losses(), Equal(weights=weights))
    found = gradients_of(parameters)
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[key], expected[key]) for key in found)
