import copy
import pickle

import torch
from torch import nn

from plait.balancing.memory.task import TaskState, grouped

ODD = ["a", "b.c", "training", "100%"]  # names that a module's own attributes would clash with


class Holder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.seen = TaskState()


def test_values_are_kept_by_task_in_any_order() -> None:
    state, values = TaskState(), torch.randn(4, 3)
    state.put(ODD, values)
    assert torch.equal(state.get(ODD[::-1], torch.zeros(3)), values.flip(0))
    state.put(ODD[:1], torch.ones(1, 3))
    assert torch.equal(state.get(ODD, torch.zeros(3))[1:], values[1:])


def test_a_task_without_a_value_has_the_default() -> None:
    state = TaskState()
    assert torch.equal(state.get(["a"], torch.tensor(7.0)), torch.tensor([7.0]))
    assert "a" not in state


def test_what_was_put_does_not_follow_the_tensor() -> None:
    state, values = TaskState(), torch.ones(2)
    state.put(["a", "b"], values)
    values.zero_()
    assert torch.equal(state.get(["a", "b"], torch.zeros(())), torch.ones(2))


def test_goes_through_a_state_dict_into_a_new_module() -> None:
    first, second = Holder(), Holder()
    first.seen.put(ODD, torch.randn(4, 2, dtype=torch.float64))
    second.seen.put(["old"], torch.ones(1, 2))
    second.load_state_dict(first.state_dict())
    assert "old" not in second.seen
    default = torch.zeros(2, dtype=torch.float64)
    assert torch.equal(second.seen.get(ODD, default), first.seen.get(ODD, default))


def test_copies_are_independent() -> None:
    holder = Holder()
    holder.seen.put(["a"], torch.ones(1))
    for twin in (copy.deepcopy(holder), pickle.loads(pickle.dumps(holder))):
        twin.seen.put(["a"], torch.zeros(1))
        assert torch.equal(holder.seen.get(["a"], torch.zeros(())), torch.ones(1))


def test_reset_forgets() -> None:
    state = TaskState()
    state.put(["a"], torch.ones(1))
    state.reset()
    assert not state.state_dict()


def test_moves_with_its_module() -> None:
    holder = Holder()
    holder.seen.put(["a"], torch.ones(1))
    holder.to("meta")
    assert next(iter(holder.state_dict().values())).device.type == "meta"


def test_each_parameter_group_has_names_of_its_own() -> None:
    assert grouped(["a", "b"], 0) == ("a", "b")  # one group: the plain names
    names = {name for group in range(3) for name in grouped(["a", "b"], group)}
    assert len(names) == 6
