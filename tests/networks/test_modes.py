import random

import numpy as np
import pytest
import torch
from torch import nn

from plait.networks.modes import evaluating, on_trial


def net() -> nn.Sequential:
    """In training, but for a part that is frozen in eval mode."""
    made = nn.Sequential(nn.BatchNorm1d(2), nn.Sequential(nn.Dropout(), nn.BatchNorm1d(2)))
    made[1][1].eval()
    return made


def test_every_part_is_in_eval_mode_inside_and_in_its_own_after() -> None:
    module = net()
    before = {name: part.training for name, part in module.named_modules()}
    assert set(before.values()) == {True, False}
    with evaluating(module):
        assert not any(part.training for part in module.modules())
        state = {name: value.clone() for name, value in module.state_dict().items()}
        module(torch.randn(4, 2))
    assert {name: part.training for name, part in module.named_modules()} == before
    assert all(torch.equal(module.state_dict()[name], value) for name, value in state.items())


def test_modes_come_back_after_an_error() -> None:
    module = net()
    with pytest.raises(RuntimeError, match="inside"), evaluating(module):
        raise RuntimeError("inside")
    assert [part.training for part in module.modules()] == [True, True, True, True, False]


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_a_trial_changes_no_random_state(device: str) -> None:
    """Whatever the module draws from, and whatever seeds it."""
    generators = (random.random, np.random.rand, lambda: float(torch.rand(())))
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    expected = [draw() for draw in generators]
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    with on_trial(net().to(device)) as (trial, copied):
        assert copied
        assert not any(part.training for part in trial.modules())
        random.seed(7), np.random.seed(7), torch.manual_seed(7)
    assert [draw() for draw in generators] == expected
