"""Experts of all tasks, and one gate."""

import pytest
import torch
from torch import nn

from plait.core.errors import ConfigError, ShapeError
from plait.core.keys import safe_key
from plait.core.structure import PerTask
from plait.sharing import MMoE, OMoE
from tests.sharing.encoders import conv, mlp

ROWS = torch.randn(4, 5)


def new(tasks: str = "abc", experts: int = 3) -> OMoE:
    sharing = OMoE(mlp(), experts=experts)
    sharing.setup(list(tasks), ROWS)
    return sharing


def size(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_it_is_the_multi_gate_mixture_with_equal_gates() -> None:
    encoder = mlp()
    one, many = OMoE(encoder, experts=3), MMoE(encoder, experts=3)
    one.setup(["a", "b"], ROWS)
    many.setup(["a", "b"], ROWS)
    for task in "ab":
        many.gates[safe_key(task)].load_state_dict(one.gates["all"].state_dict())
    found, expected = one(ROWS), many(ROWS)
    for task in "ab":
        assert all(map(torch.equal, found[task].levels, expected[task].levels))
    rows = found.watched["OMoE: gates"].rows
    assert list(rows) == ["all"]
    torch.testing.assert_close(rows["all"], expected.watched["MMoE: gates"].rows["a"])
    assert found.watched["OMoE: gates"].columns == ("expert 1", "expert 2", "expert 3")


def test_all_tasks_read_one_mixture() -> None:
    found = new()(ROWS)
    assert found["a"] is found["b"] is found["c"]


def test_the_number_of_parameters_is_that_of_one_gate() -> None:
    for tasks in ("a", "abc"):
        assert size(new(tasks)) == 3 * size(mlp()) + 3 * 5 + 3


def test_the_gate_does_not_depend_on_the_tasks() -> None:
    one, two = new("ab"), new("c")
    assert all(map(torch.equal, one.gates.parameters(), two.gates.parameters()))


def test_inputs_of_each_task_have_mixtures_of_their_own() -> None:
    sharing = new("ab")
    inputs = PerTask({"a": torch.randn(2, 5), "b": torch.randn(3, 5)})
    found = sharing(inputs)
    for task in "ab":
        expected = sharing(inputs[task])[task]
        assert all(map(torch.equal, found[task].levels, expected.levels))


def test_inputs_of_each_task_must_have_one_width_at_the_gate() -> None:
    example = PerTask({"a": torch.zeros(2, 2, 6, 8), "b": torch.zeros(2, 2, 8, 8)})
    message = "a gate of OMoE reads the inputs of all tasks: 96 numbers of task 'a', but 128 of 'b'"
    with pytest.raises(ShapeError, match=message):
        OMoE(conv(), gate_input="input").setup(["a", "b"], example)
    OMoE(conv()).setup(["a", "b"], example)  # pooled features have the width of the channels


def test_options_outside_their_range_are_refused() -> None:
    with pytest.raises(ConfigError, match="`experts` must be a whole number, at least 1"):
        OMoE(mlp(), experts=-1)
