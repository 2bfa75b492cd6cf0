"""The batches of a step, as all processes have them together."""

from typing import Any

from plait.distributed import ALONE, ranks
from plait.engine.wholes import Whole, wholes_of
from tests.distributed.group import Group


def test_one_process_adds_micro_batches_up() -> None:
    names = ["b"]
    found = wholes_of(ALONE, names, [[{"a": 2.0, "b": 0.0}, {"a": 1.5}], []], [7, 0])
    assert found == [Whole({"a": 3.5}, 7, (2,)), Whole({}, 0, (0,))]
    assert names == ["b", "a"], "a new one comes last"


def found() -> Any:
    here, names = ranks(), ["a"]
    mine = [{"c": 1.0, "a": 3.0}, {"c": 2.0}] if here.rank else [{"b": 2.0, "a": 1.0}]
    return wholes_of(here, names, [mine, []], [here.rank + 1, 0]), names


def test_processes_add_up(two: Group) -> None:
    wanted = [Whole({"a": 4.0, "b": 2.0, "c": 3.0}, 3, (1, 2)), Whole({}, 0, (0, 0))]
    assert two(found) == [(wanted, ["a", "b", "c"])] * 2
