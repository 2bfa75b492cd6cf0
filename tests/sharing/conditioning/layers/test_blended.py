"""The updates of all tasks in one layer."""

import copy

import pytest
import torch
from torch import Tensor, nn

from plait.sharing.conditioning.layers.active import Active
from plait.sharing.conditioning.layers.blended import BlendBeside, BlendInside, blended
from plait.sharing.conditioning.layers.units import Update

SHARES = torch.tensor([0.5, 0.2, 0.3])


def update(rows: int, columns: int, **options: float) -> Update:
    made = Update(rows, columns, 2, **options)  # type: ignore[arg-type]
    nn.init.normal_(made.up)
    return made


@pytest.mark.parametrize("blocks", [1, 3])
def test_one_update_is_the_weighted_sum_of_all(blocks: int) -> None:
    updates = [update(3, 4, scale=0.5, blocks=blocks) for _ in SHARES]
    up, down = blended(updates, SHARES.double())
    assert (up.shape, down.shape) == ((blocks, 3, 6), (blocks, 6, 4))
    wanted = sum(float(share) * each.matrix() for share, each in zip(SHARES, updates, strict=True))
    torch.testing.assert_close((up @ down).flatten(0, 1), wanted)


def in_its_weight(base: nn.Module, name: str, updates: list[Update]) -> nn.Module:
    """The layer with the updates merged into its weight."""
    merged = copy.deepcopy(base)
    weight = merged.get_parameter(name)
    with torch.no_grad():
        for share, each in zip(SHARES, updates, strict=True):
            weight += share * each.matrix().view_as(weight)
    return merged


def test_beside_a_linear_layer() -> None:
    base, active, hidden = nn.Linear(4, 3), Active(), torch.randn(2, 5, 4)
    updates = [update(3, 4) for _ in SHARES]
    layer = BlendBeside(base, dict(zip("abc", updates, strict=True)), active)
    with active.blending(SHARES):
        found: Tensor = layer(hidden)
    torch.testing.assert_close(found, in_its_weight(base, "weight", updates)(hidden))


def test_inside_a_convolution() -> None:
    base, active, images = nn.Conv2d(2, 3, 3), Active(), torch.randn(2, 2, 5, 5)
    updates = [update(3, 18) for _ in SHARES]
    units = {task: nn.ModuleList([each]) for task, each in zip("abc", updates, strict=True)}
    layer = BlendInside(base, units, active, ["weight"])
    with active.blending(SHARES):
        found: Tensor = layer(images)
    torch.testing.assert_close(found, in_its_weight(base, "weight", updates)(images))
