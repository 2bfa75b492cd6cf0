"""Which task a pass is for."""

import copy

import pytest
import torch

from plait.core.errors import ConfigError
from plait.sharing.conditioning.layers.active import Active


def test_a_task_is_active_for_one_pass_whatever_happens_in_it() -> None:
    active = Active()
    with active.running("a"):
        assert active.task == "a"
    with pytest.raises(ZeroDivisionError), active.running("b"):
        _ = 1 / 0
    with pytest.raises(ConfigError, match="ran outside of a pass for a task"):
        _ = active.task


def test_one_pass_at_a_time() -> None:
    active = Active()
    other = copy.deepcopy(active)
    with active.running("a"):
        with pytest.raises(ConfigError, match="one for task 'a' is running"):
            active.running("b").__enter__()
        with other.running("b"):
            assert (active.task, other.task) == ("a", "b")


def test_a_pass_may_be_for_all_tasks_by_their_shares() -> None:
    active, shares = Active(), torch.tensor([0.5, 0.5])
    with active.blending(shares):
        assert active.shares is shares
        with pytest.raises(ConfigError, match="one for all tasks is running"):
            active.running("a").__enter__()
        with pytest.raises(ConfigError, match="one for all tasks is running"):
            active.blending(shares).__enter__()
    with pytest.raises(ZeroDivisionError), active.blending(shares):
        _ = 1 / 0
    with pytest.raises(ConfigError, match="ran outside of a pass for all tasks"):
        _ = active.shares
