"""Stages cut at their activation, and the blocks that stages form."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from plait.networks import ends_of_blocks, halves, owns_parameters, run_shifted
from plait.networks.halves import entrance


class Opaque(nn.Sequential):
    """A sequence that is more than its parts."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + 1


class Free(nn.Module):
    """One parameter of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(3))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale


def linear() -> nn.Linear:
    return nn.Linear(3, 3)


HALVES: dict[str, tuple[Any, int, int]] = {
    "a block": (nn.Sequential(linear(), nn.BatchNorm1d(3), nn.ReLU(), nn.Dropout(0.0)), 2, 2),
    "sequences within": (
        nn.Sequential(nn.Sequential(linear(), nn.Sequential(nn.BatchNorm1d(3), nn.ReLU()))),
        2,
        1,
    ),
    "two layers": (nn.Sequential(linear(), nn.ReLU(), linear(), nn.Tanh()), 3, 1),
    "an activation with parameters": (nn.Sequential(linear(), nn.PReLU()), 1, 1),
    "an end with parameters": (nn.Sequential(nn.ReLU(), linear()), 2, 0),
    "a layer": (linear(), 1, 0),
    "a parameter": (nn.Sequential(Free(), nn.ReLU()), 1, 1),
    "no parameter": (nn.Sequential(nn.ReLU(), nn.Dropout(0.0)), 0, 2),
    "an activation": (nn.ReLU(), 0, 1),
    "a function": (torch.tanh, 0, 1),
    "a sequence with a forward of its own": (Opaque(linear(), nn.ReLU()), 1, 0),
}


@pytest.mark.parametrize("name", HALVES)
def test_the_halves_compose_to_the_stage(name: str) -> None:
    stage, first, second = HALVES[name]
    before, after = halves(stage)
    assert (len(before), len(after)) == (first, second)
    x = torch.randn(5, 3)
    found = x
    for part in (*before, *after):
        found = part(found)
    assert torch.equal(found, stage(x))
    assert not any(owns_parameters(part) for part in after if not isinstance(part, nn.PReLU))


@pytest.mark.parametrize("name", HALVES)
def test_a_shift_is_added_between_the_halves(name: str) -> None:
    stage, _, _ = HALVES[name]
    before, after = halves(stage)
    x, shift = torch.randn(5, 3), torch.randn(5, 3)
    body = x
    for part in before:
        body = part(body)
    expected = body + shift
    for part in after:
        expected = part(expected)
    given: list[Tensor] = []

    def added(value: Tensor) -> Tensor:
        given.append(value)
        return shift

    assert torch.equal(run_shifted(stage, x, None, added), expected)
    assert torch.equal(given[0], body)
    assert torch.equal(run_shifted(stage, x, None, None), stage(x))


def test_a_shift_broadcasts() -> None:
    stage = nn.Sequential(nn.Conv2d(2, 3, 1), nn.ReLU())
    x, shift = torch.randn(4, 2, 5, 5), torch.randn(4, 3, 1, 1)
    expected = (stage[0](x) + shift).relu()
    assert torch.equal(run_shifted(stage, x, None, lambda body: shift), expected)


def test_the_mask_reaches_the_parts() -> None:
    class Padded(nn.Module):
        masked = True

        def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
            assert mask is not None
            return x * mask.unsqueeze(-1)

    stage = nn.Sequential(nn.Sequential(linear(), Padded()), nn.ReLU(), Padded())
    mask = torch.tensor([[True, False], [True, True]])
    x = torch.randn(2, 2, 3)
    plain = run_shifted(stage, x, mask, None)
    shifted = run_shifted(stage, x, mask, torch.ones_like)
    assert not plain[0, 1].any() and not shifted[0, 1].any()
    # the second half is what follows the last parameters: the mask, and the activation
    expected = (stage[0][0](x) + 1).relu() * mask.unsqueeze(-1)
    assert torch.equal(shifted, expected)


def test_the_stage_itself_runs_where_nothing_is_added() -> None:
    """Its own hooks fire, as they do outside of plait."""
    stage = nn.Sequential(linear(), nn.ReLU())
    calls: list[int] = []
    stage.register_forward_hook(lambda *_: calls.append(1))
    run_shifted(stage, torch.randn(2, 3), None, None)
    assert calls == [1]


BLOCKS: dict[str, tuple[list[Any], list[int], int]] = {
    "layers and activations": ([linear(), nn.ReLU(), linear(), nn.ReLU()], [1, 3], 0),
    "blocks": ([nn.Sequential(linear(), nn.ReLU()), nn.Sequential(linear(), nn.ReLU())], [0, 1], 0),
    "layers alone": ([linear(), linear(), linear()], [0, 1, 2], 0),
    "normalisation belongs to its layer": (
        [linear(), nn.BatchNorm1d(3), nn.ReLU(), linear(), nn.LayerNorm(3), nn.ReLU()],
        [2, 5],
        0,
    ),
    "so does an activation with parameters": (
        [linear(), nn.PReLU(), linear(), nn.PReLU()],
        [1, 3],
        0,
    ),
    "what comes before is of the first block": (
        [nn.Flatten(), nn.BatchNorm1d(3), linear(), nn.ReLU(), linear()],
        [3, 4],
        2,
    ),
    "functions": ([torch.flatten, linear(), torch.tanh, linear(), torch.tanh], [2, 4], 1),
    "one stage": ([linear()], [0], 0),
    "a parameter of its own": ([linear(), nn.ReLU(), Free(), nn.ReLU()], [1, 3], 0),
    "no parameter": ([nn.Flatten(), nn.ReLU()], [1], 0),
    "an end without parameters": ([linear(), nn.Flatten(), nn.ReLU()], [2], 0),
}


@pytest.mark.parametrize("name", BLOCKS)
def test_blocks_end_before_the_next_one_begins(name: str) -> None:
    stages, ends, first = BLOCKS[name]
    assert ends_of_blocks(stages) == ends
    assert entrance(stages) == first


def test_functions_own_no_parameters() -> None:
    assert not owns_parameters(torch.tanh)
    assert not owns_parameters(nn.ReLU())
    assert owns_parameters(nn.Sequential(nn.ReLU(), linear()))
