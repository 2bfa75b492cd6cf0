"""Features that all tasks use or none."""

import pytest
import torch
from torch import nn

from plait.core.errors import ConfigError
from plait.regularization import L21
from tests.regularization.nets import gradient, on_rows, rows_of, tied

ROWS = torch.tensor([[3.0, 0.0, 0.1], [4.0, 0.0, 0.0]], dtype=torch.float64)


def test_two_tasks_by_hand() -> None:
    regularizer = on_rows(L21(strength=1.0), ROWS)
    assert regularizer.cost().item() == pytest.approx(5.1)
    expected = torch.tensor([[0.6, 0.0, 1.0], [0.8, 0.0, 0.0]], dtype=torch.float64)
    torch.testing.assert_close(gradient(regularizer), expected)
    regularizer.prox(1.0)
    found = rows_of(regularizer)
    torch.testing.assert_close(found[:, 0], torch.tensor([2.4, 3.2], dtype=torch.float64))
    assert not found[:, 1:].any()


def slow(weights: list[torch.Tensor], axis: int) -> float:
    """The length of each slice along an axis, over all tasks, one by one."""
    total = 0.0
    for index in range(weights[0].shape[axis]):
        total += sum(float(w.select(axis, index).square().sum()) for w in weights) ** 0.5
    return total


@pytest.mark.parametrize(("rows", "axis"), [("input", 1), ("output", 0)])
def test_a_row_is_a_channel_over_all_tasks(rows: str, axis: int) -> None:
    nets = {task: nn.Conv2d(3, 4, 2).double() for task in "ab"}
    weights = [net.weight.detach().clone() for net in nets.values()]
    biases = [net.bias.detach() for net in nets.values()]
    found = tied(L21(strength=1.0, rows=rows, include_bias=False), nets)
    assert found.cost().item() == pytest.approx(slow(weights, axis))
    whole = slow(biases, 0) if rows == "output" else float(torch.cat(biases).norm())
    with_bias = tied(L21(strength=1.0, rows=rows), nets)
    assert with_bias.cost().item() == pytest.approx(slow(weights, axis) + whole)
    found.prox(0.6)
    for index in range(weights[0].shape[axis]):
        before = torch.cat([w.select(axis, index).flatten() for w in weights])
        after = torch.cat([net.weight.select(axis, index).flatten() for net in nets.values()])
        kept = max(1 - 0.6 / float(before.norm()), 0.0)
        torch.testing.assert_close(after.detach(), kept * before)


def test_unknown_rows_are_refused() -> None:
    with pytest.raises(ConfigError, match="`rows` must be 'input' or 'output'; found 'task'"):
        L21(strength=1.0, rows="task")
