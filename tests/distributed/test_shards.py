"""Parts of parameters in each process: put together, run alone, saved, refused."""

import pytest
import torch
from torch import nn

from plait.distributed.shards import is_sharded, parted, whole_value, whole_values
from tests.distributed.group import Group
from tests.distributed.sharded import refused, steps_of_an_optimizer, values


def test_one_process_has_all_of_it() -> None:
    layer = nn.Linear(2, 2)
    assert whole_value(layer.weight) is layer.weight
    assert parted(layer.weight, layer.weight) is layer.weight
    assert whole_values({"a": (1, [layer.bias])}) == {"a": (1, [layer.bias])}
    assert not is_sharded(layer)


def test_a_layer_of_five_rows_in_two_processes(two: Group) -> None:
    first, second = two(values)
    assert [first.pop("row"), second.pop("row")] == [0, 3]
    assert [first.pop("holders"), second.pop("holders")] == [(2, 0), (2, 1)]
    rows = torch.cat([first.pop("local"), second.pop("local")])
    torch.manual_seed(0)
    assert torch.equal(rows, nn.Linear(3, 5).double().weight)
    for each in (first, second):
        assert each == {
            **dict.fromkeys(("whole", "back", "state", "leaf"), True),
            "sharded": (True, False),
        }


def test_the_state_of_an_optimizer(two: Group) -> None:
    assert two(steps_of_an_optimizer) == [True, True]


REFUSED = {
    "later": "a model that was sharded later",
    "chunks": "chunk_size=2",
    "look ahead": "AutoLambda looks ahead",
    "penalty": "a penalty of sharded parameters",
    "a rank alone": "is reached in some of the processes alone",
    "second dimension": "sharded along their first dimension",
    "groups": "shards the stages that every task reads",
    "hybrid": "needs several machines",
    "last batch": "the last batch of an epoch has 1 of the examples, and 2 processes",
    "last batch of a stream": "drop the last one",
}


@pytest.mark.parametrize("what", REFUSED)
def test_refused_in_all_processes(two: Group, what: str) -> None:
    for told in two(refused, what):
        assert REFUSED[what] in told
