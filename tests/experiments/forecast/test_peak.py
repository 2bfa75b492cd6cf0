"""The peak is what arithmetic says, whatever was there before."""

import os
import sys

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from plait.experiments.forecast.peak import bytes_of, bytes_of_module, peak_bytes

CPU = torch.device("cpu")


@given(st.lists(st.integers(1, 10_000), min_size=1, max_size=5))
def test_what_is_held_at_once_counts(sizes: list[int]) -> None:
    def one_by_one() -> None:
        for size in sizes:
            torch.empty(size)

    assert peak_bytes(CPU, one_by_one) == 4 * max(sizes)
    assert peak_bytes(CPU, lambda: [torch.empty(size) for size in sizes]) == 4 * sum(sizes)


def test_a_step_of_a_linear_layer() -> None:
    layer, inputs = nn.Linear(100, 200, bias=False), torch.zeros(50, 100)
    optimizer = torch.optim.AdamW(layer.parameters(), foreach=False)

    def step() -> None:
        layer(inputs).sum().backward()
        optimizer.step()

    weight, output = 4 * 100 * 200, 4 * 50 * 200
    least = weight + 2 * weight  # the gradient, and two moments
    assert least <= peak_bytes(CPU, step) <= least + 2 * weight + output
    step()
    optimizer.zero_grad()
    assert weight <= peak_bytes(CPU, step) <= 3 * weight + output  # the moments are there


def test_it_is_silent_and_hides_nothing_of_what_runs(capfd: pytest.CaptureFixture[str]) -> None:
    def says() -> None:
        torch.zeros(3)
        os.write(2, b"said\n")
        print("printed", file=sys.stderr, flush=True)

    peak_bytes(CPU, says)
    assert capfd.readouterr().err == "said\nprinted\n"


def test_an_error_comes_through(capfd: pytest.CaptureFixture[str]) -> None:
    def fails() -> None:
        raise KeyError("why")

    with pytest.raises(KeyError, match="why"):
        peak_bytes(CPU, fails)
    assert peak_bytes(CPU, lambda: torch.empty(10)) == 40


def test_one_memory_counts_once() -> None:
    one = torch.zeros(10, 10)
    assert bytes_of([one, one.T, one[2:]]) == 400
    tied = nn.ModuleList([nn.Linear(3, 3, bias=False), nn.BatchNorm1d(3)])
    tied.append(tied[0])
    assert bytes_of_module(tied) == 4 * 9 + 4 * (3 + 3) + 4 * (3 + 3) + 8
