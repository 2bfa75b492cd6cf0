"""Parts that run one after the other, in stages: one for each grid."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from plait.encoders.backbones.layouts import ChannelsFirst, ChannelsLast, OnGrid
from plait.networks.modes import evaluating


def cut_at_grids(
    parts: Sequence[nn.Module], example: Tensor, reductions: Sequence[int], *, last: bool = False
) -> list[nn.Sequential]:
    """Returns stages of the parts, one for each of the grids, which give maps, channels first.

    A stage ends with the last part whose output is on its grid; the last one with the last part.
    Where a part has its channels last, they are moved between the stages.

    Args:
        parts: run one after the other.
        example: a batch of images `[B, C, H, W]`.
        reductions: by how much each grid is coarser than the images, finest first.
        last: channels are last where a shape allows both.

    Returns:
        Modules whose composition is that of the parts, in the layout `[B, C, H, W]`.
    """
    outputs = _outputs(parts, example)
    ends, layouts = _ends(outputs, example, reductions, last)
    stages: list[nn.Sequential] = []
    start, enters = 0, None
    for end, layout in zip(ends, layouts, strict=True):
        before = [ChannelsLast()] if enters == "last" else []
        leaves: list[nn.Module] = [ChannelsFirst()] if layout == "last" else []
        if layout == "tokens":
            leaves = [OnGrid(example.shape[2] / example.shape[3])]
        stages.append(nn.Sequential(*before, *parts[start : end + 1], *leaves))
        start, enters = end + 1, layout
    return stages


def _outputs(parts: Sequence[nn.Module], hidden: Tensor) -> list[tuple[int, ...]]:
    """Returns the shape of what each part gives for one example."""
    shapes = []
    with evaluating(nn.ModuleList(parts)), torch.no_grad(), torch.random.fork_rng(devices=[]):
        hidden = hidden.clone()
        for part in parts:
            hidden = part(hidden)
            shapes.append(tuple(hidden.shape[1:]))
    return shapes


def _ends(
    outputs: Sequence[tuple[int, ...]], example: Tensor, reductions: Sequence[int], last: bool
) -> tuple[list[int], list[str]]:
    """Returns the number of the last part of each stage, and how its output is laid out."""
    height, width = example.shape[2:]
    grids = [(height // by, width // by) for by in sorted(set(reductions))]
    found = [_place(shape, grids, last) for shape in outputs]
    ends: list[tuple[int, str]] = []
    for grid in grids:
        numbers = [number for number, place in enumerate(found) if place and place[0] == grid]
        if numbers and (not ends or numbers[-1] > ends[-1][0]):
            ends.append((numbers[-1], found[numbers[-1]][1]))  # type: ignore[index] # is a place
    end, final = len(outputs) - 1, outputs[-1]
    if not ends or ends[-1][0] != end:
        if len(final) == 2 and grids and final[0] == grids[-1][0] * grids[-1][1]:
            ends = [each for each in ends if found[each[0]] != (grids[-1], each[1])]
            ends.append((end, "tokens"))
        else:
            ends.append((end, "last" if last and len(final) == 3 else "first"))
    return [number for number, _ in ends], [layout for _, layout in ends]


def _place(
    shape: tuple[int, ...], grids: Sequence[tuple[int, int]], last: bool
) -> tuple[tuple[int, int], str] | None:
    """Returns the grid of a map, and whether its channels are "first" or "last"; None for others.

    How the network has them comes first, where a shape allows both.
    """
    if len(shape) != 3:
        return None
    for layout in ("last", "first") if last else ("first", "last"):
        grid = (shape[0], shape[1]) if layout == "last" else (shape[1], shape[2])
        if grid in grids:
            return grid, layout
    return None
