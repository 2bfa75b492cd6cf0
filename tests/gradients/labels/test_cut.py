"""Where one task alone begins."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from plait.gradients.labels.cut import Region, cut
from plait.gradients.labels.places import Place, Refusal
from plait.gradients.task_graph import TaskGraph
from tests.gradients.products import split

B = 5


def region(losses: Mapping[str, Tensor]) -> Region:
    found = cut(TaskGraph(losses), B, split(losses)[0])
    assert isinstance(found, Region)
    return found


def edges(found: Region) -> list[tuple[str, str, Place]]:
    return [(each.task, each.node.name(), each.place) for each in found.cuts]


def features() -> Tensor:
    found: Tensor = nn.Linear(3, 4)(torch.randn(B, 3)).tanh()
    return found


def head() -> nn.Linear:
    return nn.Linear(4, 2)


def assert_each_path_is_cut_once(losses: Mapping[str, Tensor]) -> None:
    """What the cuts feed in gives the gradients at the shared parameters, once."""
    shared = split(losses)[0]
    total = torch.stack(list(losses.values())).sum()
    inputs = [each.edge for each in region(losses).cuts]
    fed = torch.autograd.grad(total, inputs, retain_graph=True)
    found = torch.autograd.grad(inputs, shared, fed, retain_graph=True)
    expected = torch.autograd.grad(total, shared, retain_graph=True)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other)


def test_heads_begin_at_their_first_layer() -> None:
    z = features()
    losses = {name: head()(z).tanh().square().mean() for name in "ab"}
    place = Place(1, B, 2)
    assert edges(region(losses)) == [("a", "AddmmBackward0", place), ("b", "AddmmBackward0", place)]
    assert_each_path_is_cut_once(losses)


def test_what_several_tasks_reach_follows_in_order() -> None:
    z = features()
    losses = {name: head()(z).square().mean() for name in "ab"}
    found = region(losses)
    names = [node.name().rpartition("::")[2] for node in found.nodes]
    assert names[:4] == ["AddmmBackward0", "AddmmBackward0", "TanhBackward0", "AddmmBackward0"]
    assert sorted(names[4:]) == ["AccumulateGrad", "AccumulateGrad", "TBackward0"]
    place = {node: position for position, node in enumerate(found.nodes)}
    for node, edges in found.nodes.items():
        assert tuple(edges) == node.next_functions
        for child, _ in edges:
            assert child not in place or place[child] > place[node]


def test_a_task_that_reads_two_levels_is_cut_at_both() -> None:
    z = features()
    deep = head()(z).tanh()
    losses = {
        "a": head()(z).square().mean() + (deep - 1).square().mean(),
        "b": nn.Linear(2, 1)(deep).square().mean(),
    }
    assert [task for task, _, _ in edges(region(losses))].count("a") == 2
    assert_each_path_is_cut_once(losses)


def test_what_lies_between_two_readers_is_below_the_cut() -> None:
    """A residual block of a task's own: its inner layers feed the sum, not a cut of their own."""
    z = features()
    losses = {
        "a": (nn.Linear(4, 4)(z).relu() + z).square().mean(),
        "b": head()(z).square().mean(),
    }
    assert ("a", "AddBackward0", Place(1, B, 4)) in edges(region(losses))
    assert len(region(losses).cuts) == 2
    assert_each_path_is_cut_once(losses)


def test_other_readers_of_what_lies_below_are_below_too() -> None:
    """The inner layer is read again above the block, by a skip of its own."""
    z = features()
    inner = nn.Linear(4, 4)(z).relu()
    block = inner * z
    losses = {
        "a": (nn.Linear(4, 4)(block).sigmoid() + inner.exp()).square().mean(),
        "b": head()(z).square().mean(),
    }
    cuts = [name for task, name, _ in edges(region(losses)) if task == "a"]
    assert cuts == ["MulBackward0", "ExpBackward0"]
    assert_each_path_is_cut_once(losses)


def test_the_cut_is_above_tokens_in_one_axis_and_above_views() -> None:
    tokens = nn.Linear(3, 4)(torch.randn(B, 6, 3)).tanh()
    losses = {
        "a": nn.Linear(4, 2)(tokens).square().mean(),  # of [30, 4]
        "b": nn.Linear(24, 2)(tokens.flatten(1)).square().mean(),
        "c": tokens.transpose(0, 1).softmax(0).amax(0).square().mean(),
    }
    found = {task: (name, place.after) for task, name, place in edges(region(losses))}
    assert found == {
        "a": ("PowBackward0", 12),
        "b": ("AddmmBackward0", 2),
        "c": ("AmaxBackward0", 4),
    }
    assert_each_path_is_cut_once(losses)


def test_a_weight_that_two_tasks_turn_by_themselves_is_no_place_to_begin() -> None:
    w, x, y = nn.Parameter(torch.randn(B, 3)), torch.randn(B, 3), torch.randn(B, 3)
    losses = {"a": (x @ w.T).square().mean(), "b": (y @ w.T).square().mean()}
    assert {name for _, name, _ in edges(region(losses))} == {"MmBackward0"}
    assert_each_path_is_cut_once(losses)


def test_parts_of_the_tasks_and_parameters_of_one() -> None:
    z, own = features(), head()
    losses = {"a": head()(z).sum(), "b": head()(z).sum(), "c": own(torch.randn(B, 4)).sum()}
    shared = [*split(losses)[0], own.weight]
    found = cut(TaskGraph(losses), B, shared)
    assert isinstance(found, Region)
    assert {each.task for each in found.cuts} == {"a", "b"}
    assert [(id(parameter), task) for parameter, task in found.alone] == [(id(own.weight), "c")]


def test_nothing_in_common() -> None:
    losses = {"a": features().sum(), "b": features().sum(), "c": torch.tensor(1.0)}
    found = region(losses)
    assert found == Region({}, [], [])


def test_the_task_and_the_shape_are_told() -> None:
    z = features()
    losses = {"a": head()(z).sum(), "b": z.sum()}
    found = cut(TaskGraph(losses), B, split(losses)[0])
    assert isinstance(found, Refusal)
    assert (found.node, found.why) == (
        "SumBackward0",
        "is where 'b' alone begins, and neither its output [] nor what follows has the 5 examples "
        "in front",
    )


def test_a_deep_graph_needs_no_recursion() -> None:
    z = features()
    losses = {name: head()(z) for name in "ab"}
    for _ in range(5_000):
        losses = {name: loss + 0 for name, loss in losses.items()}
    found = region({name: loss.sum() for name, loss in losses.items()})
    assert len(found.cuts) == 2
