"""Matrix products by label, in both ways, against a loop over the tasks."""

from collections.abc import Sequence

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from plait.gradients.labels.layers import linear as module
from plait.gradients.labels.layers.linear import Linear, linear
from plait.gradients.labels.places import Place, Use
from tests.gradients.labels.slow import DRAWS, assert_exact, ranks_of, some, use_of
from tests.gradients.nets import Draw

DRAW = pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)


def inputs(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, requires_grad=True)


@DRAW
@pytest.mark.parametrize("way", ["kernel", "rows"])
@pytest.mark.parametrize("positions", [(0, 2), (2,), (0,)])
def test_a_layer_with_one_position(
    monkeypatch: pytest.MonkeyPatch, draw: Draw, way: str, positions: Sequence[int]
) -> None:
    other = {"kernel": "by_rows", "rows": "by_kernel"}[way]
    monkeypatch.setattr(Linear, other, lambda self, ranks: 1e30)
    layer = nn.Linear(5, 3).double()
    layer.weight.requires_grad_(2 in positions)
    layer.bias.requires_grad_(0 in positions)
    output = layer(inputs(6, 5))
    assert_exact(use_of("linear", output, positions, 1, 6), output, ranks_of(draw))


@DRAW
@pytest.mark.parametrize("scratch", [1 << 20, 10])
def test_positions_before_and_behind_the_examples(
    monkeypatch: pytest.MonkeyPatch, draw: Draw, scratch: int
) -> None:
    """Also where the memory holds two of the five inputs at a time."""
    monkeypatch.setattr(module, "SCRATCH", 2 * scratch)
    layer, x = nn.Linear(5, 3).double(), inputs(6, 4, 5)
    behind = layer(x.flatten(0, 1))
    assert_exact(use_of("linear", behind, [0, 2], 1, 6), behind, ranks_of(draw))
    before = layer(x.transpose(0, 1).flatten(0, 1))
    assert_exact(use_of("linear", before, [0, 2], 4, 6), before, ranks_of(draw))
    plain = F.linear(x.flatten(0, 1), layer.weight)
    assert_exact(use_of("linear", plain, [1], 1, 6), plain, ranks_of(draw))


@DRAW
def test_the_kernel_in_tiles(monkeypatch: pytest.MonkeyPatch, draw: Draw) -> None:
    monkeypatch.setattr(module, "TILE", 3)
    monkeypatch.setattr(Linear, "by_rows", lambda self, ranks: 1e30)
    output = nn.Linear(5, 3).double()(inputs(6, 5))
    assert_exact(use_of("linear", output, [0, 2], 1, 6), output, ranks_of(draw))


def test_the_kernel_keeps_what_single_precision_would_lose() -> None:
    """Tasks whose gradients are 1e-25 and 1e25 at inputs of 1e20 and 1e-30."""
    ranks = ranks_of(some(1.0), 2, 3)
    layer = Linear([], lambda: x[:, None], (3, 1, 4, 2))
    layer.biases = 0
    x, found = torch.randn(3, 4), torch.randn(6, 1, 2)
    x *= torch.tensor([1e20, 1e-30, 1.0])[:, None]
    found[:3] *= 1e-25
    found[3:] *= 1e15
    rows = torch.stack([x.double().T @ found[own, 0].double() for own in ranks.slices]).flatten(1)
    products = layer._from_kernel(x, found[:, 0], ranks)
    torch.testing.assert_close(products, rows @ rows.T, rtol=1e-5, atol=0)


def test_the_cheaper_way_is_taken_by_count() -> None:
    """The kernel where rows are long and tasks many, rows where examples are many."""
    wide = Linear([], lambda: torch.zeros(0), (8, 1, 200, 100))
    assert wide.by_kernel(ranks_of(some(0.3), 20, 8)) < wide.by_rows(ranks_of(some(0.3), 20, 8))
    long = Linear([], lambda: torch.zeros(0), (500, 1, 3, 2))
    assert long.by_kernel(ranks_of(some(0.3), 3, 500)) > long.by_rows(ranks_of(some(0.3), 3, 500))
    assert long.operations(ranks_of(some(0.3), 3, 500)) == pytest.approx(
        long.by_rows(ranks_of(some(0.3), 3, 500)), rel=0.3
    )
    several = Linear([], lambda: torch.zeros(0), (8, 2, 200, 100))
    assert several.by_kernel(ranks_of(some(0.3), 20, 8)) == float("inf")


def test_what_is_no_plain_layer_is_not_known() -> None:
    weight, bias = nn.Parameter(torch.ones(5, 3)), nn.Parameter(torch.ones(6, 3))
    x, place = torch.ones(6, 5), Place(1, 6, 5)
    for output, positions in [
        (torch.addmm(bias[:1], x, weight, alpha=2), [2]),
        (torch.addmm(bias, x, weight), [0, 2]),
        (torch.mm(weight.T, torch.ones(5, 6)), [0]),
        (torch.bmm(x[None], weight[None]), [1]),
    ]:
        use = Use("linear", output.grad_fn, dict.fromkeys(positions, weight), place, place)
        assert linear(use) is None
