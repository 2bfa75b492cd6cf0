"""Which node makes the only use of a parameter."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from plait.gradients.layers.uses import single_uses


def found(losses: Sequence[Tensor], parameters: Sequence[Tensor]) -> list[tuple[str, int, int]]:
    """`(name of the node, position, place among the parameters)`."""
    place = {id(parameter): position for position, parameter in enumerate(parameters)}
    return sorted(
        (node.name(), position, place[id(parameter)])
        for node, uses in single_uses(losses, parameters).items()
        for position, parameter in uses.items()
    )


def test_a_linear_layer_of_any_shape() -> None:
    layer = nn.Linear(3, 2)
    for shape in ((4, 3), (2, 4, 3), (3,)):
        loss = layer(torch.ones(shape)).sum()
        expected = [("AddmmBackward0", 0, 1), ("AddmmBackward0", 2, 0)]
        assert found([loss], [layer.weight, layer.bias]) == expected


def test_two_uses_are_none() -> None:
    w, x = nn.Parameter(torch.ones(3, 3)), torch.ones(2, 3)
    assert found([((x @ w) @ w).sum()], [w]) == []
    assert found([(x @ w).sum(), (x @ w).mean()], [w]) == []
    assert found([(x @ w).sum() + w.sum()], [w]) == []
    turned = w.T  # one view, two products
    assert found([(x @ turned).sum() + (2 * x @ turned).sum()], [w]) == []


def test_one_use_that_several_losses_read_is_one() -> None:
    w = nn.Parameter(torch.ones(3, 3))
    y = torch.ones(2, 3) @ w
    assert found([y.sum(), y.mean(), y[0, 0]], [w]) == [("MmBackward0", 1, 0)]


def test_a_loss_is_a_use() -> None:
    w = nn.Parameter(torch.tensor(1.0))
    assert found([w, w * 2], [w]) == []
    view = w.view(())
    assert found([view, view * 2], [w]) == []
    assert found([w * 1], [w]) == [("MulBackward0", 0, 0)]


def test_a_weight_that_is_computed_is_used_by_what_computes_it() -> None:
    layer = nn.utils.parametrizations.weight_norm(nn.Linear(3, 2, bias=False))
    names = {name for name, _, _ in found([layer(torch.ones(4, 3)).sum()], [*layer.parameters()])}
    assert "MmBackward0" not in names


def test_a_part_of_a_parameter_is_no_view_to_look_through() -> None:
    w = nn.Parameter(torch.ones(4, 3))
    first, _ = w.chunk(2)
    assert [name for name, _, _ in found([F.linear(torch.ones(5, 3), first).sum()], [w])] == [
        "SplitBackward0"
    ]
    assert "MmBackward0" not in str(found([F.linear(torch.ones(5, 3), w[:2]).sum()], [w]))


def test_a_hook_on_the_parameter_changes_its_gradient() -> None:
    w = nn.Parameter(torch.ones(3, 3))
    handle = w.register_hook(lambda gradient: 2 * gradient)
    loss = (torch.ones(2, 3) @ w).sum()
    assert found([loss], [w]) == []
    handle.remove()
    assert len(found([loss], [w])) == 1


def test_a_deep_graph_needs_no_recursion() -> None:
    w = nn.Parameter(torch.tensor(1.0))
    loss = w * 1
    for _ in range(20_000):
        loss = loss + 0
    assert found([loss], [w]) == [("MulBackward0", 0, 0)]
