"""Which parameters have columns, and whose the others are."""

import copy
import gc
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from plait.gradients import Layout


def numbers(*sizes: int, dtype: torch.dtype = torch.float32) -> list[nn.Parameter]:
    return [nn.Parameter(torch.zeros(size, dtype=dtype)) for size in sizes]


def ids(tensors: list[Tensor]) -> list[int]:
    return list(map(id, tensors))


def test_a_parameter_of_two_tasks_is_shared_from_then_on() -> None:
    p, q = numbers(2, 3)
    layout = Layout()
    assert not layout.meet(p, ["a"])
    assert not layout.meet(p, ["a"])
    assert not layout.meet(q, ["b"])
    assert not layout.meet(q, [])
    assert [(id(each), task) for each, task in layout.owners] == [(id(p), "a"), (id(q), "b")]
    assert p not in layout and layout.width == 0 and layout.shared == []
    assert layout.meet(q, ["a"])
    assert layout.meet(p, ["b", "c"])
    assert layout.meet(p, ["a"]), "it stays shared"
    assert ids(layout.shared) == [id(q), id(p)]
    assert (layout.columns(q), layout.columns(p)) == (slice(0, 3), slice(3, 5))
    assert layout.width == 5
    assert layout.owners == []


def test_two_tasks_at_once_share_at_once() -> None:
    (p,) = numbers(2)
    layout = Layout()
    assert layout.meet(p, ("a", "b"))
    assert layout.columns(p) == slice(0, 2)


@pytest.mark.parametrize("seed", range(20))
def test_columns_are_side_by_side_in_the_order_of_their_discovery(seed: int) -> None:
    torch.manual_seed(seed)
    parameters, layout = numbers(3, 1, 4, 0, 2), Layout()
    met: dict[int, set[str]] = {}
    expected: list[nn.Parameter] = []
    for _ in range(15):
        parameter = parameters[int(torch.randint(5, ()))]
        task = "abc"[int(torch.randint(3, ()))]
        met.setdefault(id(parameter), set()).add(task)
        shared = len(met[id(parameter)]) > 1
        assert layout.meet(parameter, [task]) == shared
        if shared and not any(each is parameter for each in expected):
            expected.append(parameter)
    assert ids(layout.shared) == ids(expected)
    start = 0
    for parameter in expected:
        assert layout.columns(parameter) == slice(start, start + parameter.numel())
        start += parameter.numel()
    assert layout.width == start
    assert {(id(p), task) for p, task in layout.owners} == {
        (key, *tasks) for key, tasks in met.items() if len(tasks) == 1
    }


def test_named_parameters_are_shared_and_no_others() -> None:
    p, q = numbers(2, 3)
    layout = Layout([p, p])
    assert layout.width == 2 and p in layout
    assert not layout.meet(q, ["a", "b"])
    assert layout.meet(p, [])
    assert layout.owners == []


def test_what_was_known_comes_first() -> None:
    p, q, r = numbers(2, 3, 4)
    layout = Layout(known=[q, p], owners=[(r, "a")])
    assert ids(layout.shared) == [id(q), id(p)]
    assert not layout.meet(r, ["a"])
    assert layout.meet(r, ["b"])
    assert layout.columns(r) == slice(5, 9)


def test_a_row_has_the_widest_dtype() -> None:
    (narrow,), (wide,) = numbers(2, dtype=torch.bfloat16), numbers(2, dtype=torch.float64)
    layout = Layout()
    assert layout.dtype is None
    layout.meet(narrow, "ab")
    assert layout.dtype == torch.bfloat16
    layout.meet(wide, "ab")
    assert layout.dtype == torch.float64
    assert layout.device == torch.device("cpu")


def test_gone_parameters_give_up_their_columns() -> None:
    p, q, r = numbers(2, 3, 4)
    layout = Layout()
    for each in (p, q):
        layout.meet(each, "ab")
    layout.meet(r, "a")
    assert not layout.prune()
    del p, r, each
    gc.collect()
    assert layout.owners == []
    assert ids(layout.shared) == [id(q)]
    assert layout.prune()
    assert (layout.width, layout.columns(q)) == (3, slice(0, 3))
    assert not layout.prune()


def test_a_new_parameter_is_not_taken_for_one_that_is_gone() -> None:
    """Python gives the place of one in memory, and so its id, to the next."""
    layout = Layout()
    (p,) = numbers(2)
    layout.meet(p, "ab")
    data = torch.zeros(3)  # made first, or it would take the place itself
    key = id(p)
    del p
    later = [data.as_subclass(nn.Parameter) for _ in range(100)]
    new = next(each for each in later if id(each) == key)
    assert new not in layout
    assert not layout.meet(new, "a")
    assert layout.meet(new, "b")
    assert layout.columns(new) == slice(2, 5)


def test_a_deep_copy_knows_the_copied_parameters() -> None:
    p, q = numbers(2, 3)
    for layout in (Layout(known=[p], owners=[(q, "a")]), Layout([p])):
        twins: Any
        twins, twin = copy.deepcopy(([p, q], layout))
        assert ids(twin.shared) == [id(twins[0])]
        assert p not in twin
        assert [id(each) for each, _ in twin.owners] == [id(twins[1])] * len(layout.owners)
        assert (twin.given is None) == (layout.given is None)
