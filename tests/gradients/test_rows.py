"""The matrix of per-task gradients, and which parameters have columns in it."""

import copy
import gc

import torch
from torch import Tensor, nn

from plait.gradients import Layout, RowBuffer


def three() -> tuple[nn.Parameter, nn.Parameter, nn.Parameter]:
    p, q, r = (nn.Parameter(torch.full((size,), float(size))) for size in (1, 2, 3))
    return p, q, r


def ids(parameters: list[Tensor]) -> list[int]:
    return list(map(id, parameters))


def test_a_parameter_of_two_tasks_has_columns() -> None:
    p, q, r = three()
    rows = RowBuffer()
    rows.add({"a": p.sum() + 2 * q.sum(), "b": 3 * q.sum() + r.sum()}, [p, q, r])
    assert rows.tasks == ["a", "b"]
    assert ids(rows.layout.shared) == [id(q)]
    assert rows.jacobian.tolist() == [[2.0, 2.0], [3.0, 3.0]]
    own = {(id(parameter), task): g.tolist() for parameter, task, g in rows.own}
    assert own == {(id(p), "a"): [1.0], (id(r), "b"): [1.0, 1.0, 1.0]}


def test_what_was_shared_once_stays_shared() -> None:
    p, q, r = three()
    rows = RowBuffer()
    rows.add({"a": p.sum() + q.sum(), "b": q.sum()}, [p, q, r])
    rows.reset()
    rows.add({"b": p.sum()}, [p, q, r])  # its second task, in another step
    assert ids(rows.layout.shared) == [id(q), id(p)]
    assert rows.jacobian.tolist() == [[0.0, 0.0, 1.0]]
    assert [id(parameter) for parameter, _ in rows.split(torch.ones(3))] == [id(p)]


def test_micro_batches_add_up_until_the_reset() -> None:
    p, q, r = three()
    rows = RowBuffer()
    rows.add({"a": q.sum() + p.sum()}, [p, q, r])
    rows.add({"b": 5 * q.sum()}, [p, q, r])
    rows.add({"a": 2 * q.sum() + 3 * p.sum()}, [p, q, r])
    assert rows.jacobian.tolist() == [[3.0, 3.0], [5.0, 5.0]]
    assert [(task, g.tolist()) for _, task, g in rows.own] == [("a", [4.0])]
    rows.reset()
    assert rows.tasks == []
    assert rows.jacobian.shape == (0, 2)
    rows.add({"b": q.sum()}, [p, q, r])
    assert rows.jacobian.tolist() == [[1.0, 1.0]]


def test_the_memory_is_kept_and_grows_on_demand() -> None:
    p, q, r = three()
    rows = RowBuffer()
    rows.add({"a": p.sum(), "b": p.sum()}, [p, q, r])
    place = rows.jacobian.data_ptr()
    rows.reset()
    rows.add({"a": p.sum(), "b": p.sum()}, [p, q, r])
    assert rows.jacobian.data_ptr() == place
    rows.reset()
    rows.add({"a": (p * r).sum(), "b": r.sum(), "c": p.sum()}, [p, q, r])
    assert rows.jacobian.tolist() == [[9.0, 1.0, 1.0, 1.0], [0.0, 1.0, 1.0, 1.0], [1.0, 0, 0, 0]]


def test_a_task_may_come_with_any_micro_batch() -> None:
    """The buffer has rows for two tasks when the third comes."""
    p, q, r = three()
    rows = RowBuffer(Layout([q]))
    for step in range(2):
        rows.reset()
        for position, task in enumerate("abcd"[: 3 + step]):
            rows.add({task: (position + 1) * q.sum() + r.sum()}, [p, q, r])
            rows.add({"a": 10 * q.sum()}, [p, q, r])
        assert rows.tasks == list("abcd"[: 3 + step])
        first = 1.0 + 10 * (3 + step)
        assert rows.jacobian[:, 0].tolist() == [first, 2.0, 3.0, 4.0][: 3 + step]


def test_a_direction_is_cut_into_the_shapes_of_the_parameters() -> None:
    p, q = nn.Parameter(torch.zeros(2, 3)), nn.Parameter(torch.zeros(2, dtype=torch.float64))
    rows = RowBuffer(Layout([p, q]))
    rows.add({"a": p.sum() + q.sum().float()}, [p, q])
    pieces = dict(zip("pq", (g for _, g in rows.split(torch.arange(8.0))), strict=True))
    assert pieces["p"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert pieces["q"].tolist() == [6, 7]
    assert (pieces["p"].dtype, pieces["q"].dtype) == (torch.float32, torch.float64)


def test_a_direction_is_cut_for_the_parameters_that_are_named() -> None:
    a, b = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
    rows = RowBuffer(Layout(given=[a, b]))
    rows.add({"one": a.sum()}, [a, b])
    direction = torch.arange(4.0)
    assert [p is a for p, _ in rows.split(direction)] == [True]
    assert [g.tolist() for _, g in rows.split(direction, [b, a])] == [[2.0, 3.0], [0.0, 1.0]]


def test_memory_that_was_given_back_is_taken_again_as_needed() -> None:
    a = torch.ones(2, requires_grad=True)
    rows = RowBuffer(Layout(given=[a]))
    rows.add({"one": a.sum(), "two": (2 * a).sum(), "three": (3 * a).sum()}, [a])
    rows.release()
    rows.reset()
    rows.add({"two": (2 * a).sum()}, [a])
    assert rows.jacobian.tolist() == [[2.0, 2.0]]
    assert rows._matrix is not None and len(rows._matrix) == 1


def test_rows_have_the_widest_dtype_of_their_parameters() -> None:
    p, q = nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(1, dtype=torch.float64))
    rows = RowBuffer()
    rows.add({"a": p.sum() * 1, "b": p.sum() * 1}, [p, q])
    assert rows.jacobian.dtype == torch.float32
    rows.reset()
    rows.add({"a": (p * q * 1e-200).sum(), "b": q.sum()}, [p, q])
    assert rows.jacobian.tolist() == [[0.0, 1e-200], [0.0, 1.0]]


def test_named_parameters_are_shared_and_no_others() -> None:
    p, q, r = three()
    rows = RowBuffer(Layout([p, p]))
    rows.add({"a": (p * q).sum(), "b": (p * q).sum()}, [p, q, r])
    assert rows.jacobian.shape == (2, 1)
    assert [(id(parameter), task) for parameter, task, _ in rows.own] == [
        (id(q), "a"),
        (id(q), "b"),
    ]


def test_keeps_no_parameter_alive_and_gives_up_its_columns() -> None:
    p, q, r = three()
    rows = RowBuffer()
    rows.add({"a": (p * q.sum()).sum(), "b": (p * q.sum()).sum() + r.sum()}, [p, q, r])
    rows.reset()
    del p, r
    gc.collect()
    assert ids(rows.layout.shared) == [id(q)]
    assert rows.layout.owners == []
    rows.reset()
    rows.add({"a": 2 * q.sum()}, [q])
    assert rows.jacobian.tolist() == [[2.0, 2.0]]


def test_holds_what_was_reached_until_the_step_is_done() -> None:
    """An input that needs a gradient may have no other owner than the graph."""
    p = nn.Parameter(torch.ones(2))
    rows = RowBuffer()

    def add() -> None:
        x = torch.ones(2, requires_grad=True)
        rows.add({"a": (p * x).sum(), "b": (p * x).sum()}, [p, x])

    add()
    gc.collect()
    assert len(rows.split(torch.ones(4))) == 2


def test_a_deep_copy_knows_the_copied_parameters() -> None:
    p, q, r = three()
    rows = RowBuffer()
    rows.add({"a": (p * q.sum()).sum() + r.sum(), "b": p.sum()}, [p, q, r])
    twins, copied = copy.deepcopy(([p, q, r], rows))
    assert ids(copied.layout.shared) == [id(twins[0])]
    assert [(id(parameter), task) for parameter, task in copied.layout.owners] == [
        (id(twins[1]), "a"),
        (id(twins[2]), "a"),
    ]


def test_rows_that_were_formed_elsewhere_are_taken_as_they_are() -> None:
    """The gradients of two tasks at one parameter, in two parts."""
    shared, own = torch.zeros(2), torch.zeros(1)
    rows = RowBuffer()
    for factor in (1.0, 2.0):
        rows.take(
            [
                ("a", [(shared, factor * torch.tensor([1.0, 2.0])), (own, torch.ones(1))]),
                ("b", [(shared, factor * torch.tensor([3.0, 4.0]))]),
            ],
            ["a", "b"],
        )
    assert rows.jacobian.tolist() == [[3, 6], [9, 12]]
    assert [(task, gradient.tolist()) for _, task, gradient in rows.own] == [("a", [2])]


def test_complete_rows_come_in_one_order_with_zeros_where_nothing_was_reached() -> None:
    """As another process has them: a task more, another order, a head more."""
    shared, head, other = (torch.ones(2, requires_grad=True) for _ in range(3))
    buffer = RowBuffer(Layout(known=[shared]))
    buffer.add({"b": (shared * head * 3).sum()}, [shared, head])
    buffer.complete({"a": [shared, other], "b": [shared, head]})
    assert buffer.tasks == ["a", "b"]
    assert buffer.jacobian.tolist() == [[0.0, 0.0], [3.0, 3.0]]
    own = [(task, gradient.tolist()) for _, task, gradient in buffer.own_of_rows]
    assert own == [("a", [0.0, 0.0]), ("b", [3.0, 3.0])]
    buffer.put_own([torch.ones(2), torch.zeros(2)])
    assert [gradient.tolist() for _, _, gradient in buffer.own] == [[1.0, 1.0], [0.0, 0.0]]
