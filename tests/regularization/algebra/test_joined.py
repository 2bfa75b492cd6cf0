import torch
from torch import nn

from plait.regularization.algebra.joined import BUNDLE, blocks, bundles, joined, write


def layers(dtype: torch.dtype = torch.float64) -> list[list[nn.Parameter]]:
    shapes = [(2, 3), (4,), ()]
    return [[nn.Parameter(torch.randn(s, dtype=dtype)) for _ in "ab"] for s in shapes]


def test_a_row_holds_all_layers_of_a_task() -> None:
    groups = layers()
    for task, row in enumerate(joined(groups)):
        assert torch.equal(row, torch.cat([layer[task].flatten() for layer in groups]))
    assert [joined(block).shape[1] for block in blocks(groups, per_layer=True)] == [6, 4, 1]
    assert [joined(block).shape[1] for block in blocks(groups, per_layer=False)] == [11]


def test_what_is_written_is_read_back() -> None:
    groups = layers()
    rows = torch.randn(2, 11, dtype=torch.float64)
    write(groups, rows)
    assert torch.equal(joined(groups), rows)
    assert all(parameter.requires_grad for layer in groups for parameter in layer)


def test_half_precision_is_widened_and_written_back() -> None:
    groups = layers(torch.bfloat16)
    assert joined(groups).dtype == torch.float32
    write(groups, torch.ones(2, 11))
    assert groups[0][0].dtype == torch.bfloat16
    assert (joined(groups) == 1).all()


def test_small_layers_are_bundled_and_large_ones_stay_alone() -> None:
    sizes = [3, 4, BUNDLE + 1, 5, BUNDLE - 5, 1]
    groups = [[nn.Parameter(torch.zeros(size)) for _ in "ab"] for size in sizes]
    found = [[layer[0].numel() for layer in bundle] for bundle in bundles(groups)]
    assert found == [[3, 4], [BUNDLE + 1], [5, BUNDLE - 5], [1]]
