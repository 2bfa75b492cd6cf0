"""The rows of one step: buffers of several batches, and parameter groups."""

import pytest
import torch
from torch import nn

from plait.core.errors import ConfigError
from plait.engine.rows import Groups, Rows
from plait.gradients import Layout, RowBuffer
from tests.engine.loops import rows_of


def linear(*values: float) -> nn.Parameter:
    return nn.Parameter(torch.tensor(values, dtype=torch.float64))


def test_the_buffers_of_a_step_have_the_same_columns() -> None:
    """q turns out to be shared in the second batch, r across the two."""
    p, q, r = linear(1.0, 2.0), linear(3.0), linear(4.0)
    rows = Rows(RowBuffer())
    rows.buffer(0).add({"a": p.sum() + q.sum(), "b": (p * 3).sum() + r.sum()}, [p, q, r])
    rows.buffer(1).add({"a": (5 * r).sum() + p.sum(), "b": (7 * q).sum() + p.sum()}, [p, q, r])
    rows.settle(None)
    layout = rows.buffers[0].layout
    assert [id(each) for each in layout.shared] == [id(p), id(r), id(q)]
    assert rows.jacobian(0).tolist() == [[1, 1, 0, 1], [3, 3, 1, 0]]
    assert rows.jacobian(1).tolist() == [[1, 1, 5, 0], [1, 1, 0, 7]]
    assert rows.gramian().tolist() == [[2.0, 9.0], [11.0, 6.0]]
    assert rows.gramian(r).tolist() == [[0.0, 0.0], [0.0, 1.0]]
    assert not [each for buffer in rows.buffers for each in buffer.own]


@pytest.mark.parametrize(
    ("order", "expected"), [(None, ("c", "a")), ((), ("c", "a")), (("a", "b", "c"), ("a", "c"))]
)
def test_tasks_are_those_with_a_row_in_every_batch_in_one_order(
    order: tuple[str, ...] | None, expected: tuple[str, ...]
) -> None:
    p = linear(1.0, 1.0)
    value = {"a": 1.0, "b": 2.0, "c": 3.0}
    rows = Rows(RowBuffer(Layout([p])))
    for batch, tasks in enumerate(("cba", "ac", "bac")):
        losses = {task: (batch + 1) * value[task] * p.sum() for task in tasks}
        rows.buffer(batch).add(losses, [p])
    rows.settle(order)
    assert rows.tasks == expected
    for batch in range(3):
        wanted = [[(batch + 1) * value[task]] * 2 for task in expected]
        assert rows.jacobian(batch).tolist() == wanted
    cross = [[2 * value[i] * 2 * value[j] for j in expected] for i in expected]
    assert rows.gramian().tolist() == cross


def test_no_task_in_all_batches_is_an_error() -> None:
    p = linear(1.0)
    rows = Rows(RowBuffer(Layout([p])))
    rows.buffer(0).add({"a": p.sum()}, [p])
    rows.buffer(1).add({"b": p.sum()}, [p])
    with pytest.raises(ConfigError, match="no task has labels in all 2 batches of this step"):
        rows.settle(None)


@pytest.mark.parametrize("kind", ["layer", "matrix"])
def test_groups_are_modules_or_parameters(kind: str) -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 3), nn.LayerNorm(3)).double()
    x = torch.randn(4, 2, dtype=torch.float64)
    losses = {"a": model(x).sum(), "b": model(x).square().mean(), "c": model[0](x).sum()}
    buffer = RowBuffer()
    buffer.add({t: loss * 1 for t, loss in losses.items()}, list(model.parameters()))
    groups = Groups(buffer, kind, model)
    members = [[p] for p in buffer.layout.shared]
    if kind == "layer":  # in the order in which a parameter of theirs was found to be shared
        of = {id(p): module for module in model for p in module.parameters()}
        modules = list({id(of[id(p)]): of[id(p)] for p in buffer.layout.shared}.values())
        members = [list(module.parameters()) for module in modules]
    assert groups.count == len(members) == (3 if kind == "layer" else 6)
    losses = {"a": model(x).sum(), "b": model(x).square().mean(), "c": model[0](x).sum()}
    weights = torch.arange(3.0 * len(members)).view(-1, 3)
    direction = groups.direction(weights, buffer.jacobian)
    pieces = {id(p): piece for p, piece in buffer.split(direction)}
    for group, (parameters, matrix) in enumerate(
        zip(members, groups.gramians(buffer.jacobian), strict=True)
    ):
        rows = rows_of(losses, parameters)
        torch.testing.assert_close(matrix, rows @ rows.T)
        expected = weights[group].double() @ rows
        found = torch.cat([pieces[id(p)].flatten() for p in parameters])
        torch.testing.assert_close(found, expected)


def test_groups_by_layer_need_the_model() -> None:
    with pytest.raises(ConfigError, match="groups by layer need the model"):
        Groups(RowBuffer(), "layer", None)


@pytest.mark.parametrize("kind", ["layer", "matrix"])
def test_no_shared_parameter_makes_no_group(kind: str) -> None:
    groups = Groups(RowBuffer(), kind, nn.Linear(1, 1))
    empty = torch.zeros(2, 0)
    assert groups.count == 0
    assert groups.gramians(empty).shape == (0, 2, 2)
    assert groups.direction(torch.zeros(0, 2), empty).shape == (0,)
