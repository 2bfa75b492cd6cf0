"""Which task a pass is for."""

import copy

import pytest

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
