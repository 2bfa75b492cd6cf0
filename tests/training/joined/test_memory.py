"""States of parameters apart and of a whole: one is the other, by hand."""

from typing import Any

import pytest
import torch
from torch import nn

from plait.networks.joined import Joined
from plait.training.joined.memory import join_states, split_state

SOME = torch.tensor([1.0, 2.0])


def joined() -> Joined:
    return Joined({task: nn.Parameter(torch.zeros(2)) for task in "abc"})


def test_of_adam() -> None:
    own = {"step": torch.tensor(4.0), "exp_avg": SOME, "exp_avg_sq": SOME.square()}
    whole = join_states([{}, own, {}], joined())
    assert whole["step"].tolist() == [0, 4, 0]
    assert whole["exp_avg"].tolist() == [[0, 0], [1, 2], [0, 0]]
    assert whole["exp_avg_sq"].tolist() == [[0, 0], [1, 4], [0, 0]]
    back = split_state(whole, counts=True)
    assert back.keys() == {1}
    torch.testing.assert_close(back[1], own)
    assert back[1]["exp_avg"].untyped_storage().nbytes() == 8


def test_of_sgd_whose_steps_torch_does_not_count() -> None:
    states: list[dict[str, Any]] = [{"momentum_buffer": SOME}, {"momentum_buffer": None}, {}]
    whole = join_states(states, joined())
    assert whole["step"].tolist() == [1, 0, 0]
    back = split_state(whole, counts=False)
    assert back.keys() == {0}
    torch.testing.assert_close(back[0], {"momentum_buffer": SOME})


@pytest.mark.parametrize("counts", [False, True])
def test_of_nothing(counts: bool) -> None:
    assert join_states([{}, {}, {}], joined()) == {}
    assert split_state({}, counts=counts) == {}
