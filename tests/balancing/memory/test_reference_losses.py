"""Losses of an early epoch, by which later ones are measured."""

import pytest
import torch

from plait.balancing.memory.reference_losses import ReferenceLosses


def values(*numbers: float) -> torch.Tensor:
    return torch.tensor(numbers, dtype=torch.float64)


def test_is_the_mean_over_the_steps_in_which_a_task_was_present() -> None:
    reference = ReferenceLosses()
    reference.add(["a", "b"], values(1.0, 10.0))
    reference.add(["b"], values(20.0))
    reference.add(["b", "a"], values(60.0, 2.0))
    found = reference.of(["a", "b"], values(5.0, 5.0))
    assert found.tolist() == pytest.approx([1.5, 30.0])
    again = reference.of(["b"], values(7.0))
    assert again.tolist() == pytest.approx([30.0])


def test_a_task_without_one_is_measured_by_its_first_loss_that_is_not_zero() -> None:
    reference = ReferenceLosses()
    reference.add(["a"], values(0.0))
    assert reference.of(["a", "b"], values(0.0, 3.0)).tolist() == [1.0, 3.0]
    assert reference.of(["a", "b"], values(2.0, 9.0)).tolist() == [2.0, 3.0]
    assert reference.of(["a", "b"], values(8.0, 9.0)).tolist() == [2.0, 3.0]


def test_a_resumed_mean_goes_on() -> None:
    whole, first, second = ReferenceLosses(), ReferenceLosses(), ReferenceLosses()
    for reference in (whole, first):
        reference.add(["a"], values(1.0))
    second.load_state_dict(first.state_dict())
    for reference in (whole, second):
        reference.add(["a"], values(4.0))
    assert second.of(["a"], values(9.0)).tolist() == [2.5] == whole.of(["a"], values(9.0)).tolist()
