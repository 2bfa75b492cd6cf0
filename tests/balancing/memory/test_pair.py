"""What is remembered of pairs of tasks."""

import copy

import numpy as np
import torch
from torch import nn

from plait.balancing.memory.pair import PairState

ODD = ["a", "b.c", "100%", "x>task:y", "x"]  # names that keys of a state_dict could be confused by


class Holder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.seen = PairState()


def test_values_are_kept_by_pair_in_any_order() -> None:
    state, values = PairState(), np.arange(25.0).reshape(5, 5)
    state.put(ODD, values)
    assert np.array_equal(state.get(ODD[::-1]), values[::-1, ::-1])
    state.put(["x", "a"], np.full((2, 2), -1.0))
    expected = values.copy()
    expected[np.ix_([0, 4], [0, 4])] = -1
    assert np.array_equal(state.get(ODD), expected)


def test_a_pair_with_a_new_task_or_group_is_zero() -> None:
    state = PairState()
    assert state.get(["a", "b"]).tolist() == [[0, 0], [0, 0]]
    assert not state.state_dict()  # asking remembers nothing
    state.put(["a"], np.ones((1, 1)), group=2)
    assert state.get(["b", "a"], 2).tolist() == [[0, 0], [0, 1]]
    assert state.get(["a"], 1).tolist() == state.get(["a"], 3).tolist() == [[0]]


def test_what_was_read_or_put_is_a_copy() -> None:
    state, values = PairState(), np.ones((2, 2))
    state.put(["a", "b"], values)
    values[:] = 5
    state.get(["a", "b"])[:] = 6
    assert state.get(["a", "b"]).tolist() == [[1, 1], [1, 1]]


def test_goes_through_a_state_dict_into_a_new_module() -> None:
    first, second = Holder(), Holder()
    second.seen.put(["old"], np.ones((1, 1)))
    values = np.random.default_rng(0).standard_normal((2, 5, 5))
    for group in (0, 1):
        first.seen.put(ODD, values[group], group)
    saved = copy.deepcopy(first.state_dict())
    assert all(isinstance(value, torch.Tensor) for value in saved.values())
    second.load_state_dict(saved)
    for group in (0, 1):
        assert np.array_equal(second.seen.get(ODD, group), values[group])
    assert second.seen.get(["old"]).tolist() == [[0]]
    second.seen.put(["a"], np.ones((1, 1)))
    assert first.seen.get(["a"]) == values[0, 0, 0]
