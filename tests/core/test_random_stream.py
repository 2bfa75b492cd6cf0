"""Streams of random numbers beside the global generators."""

import random

import numpy as np
import pytest
import torch

from plait.core.random_stream import RandomStream, seed_host


def draw() -> list[float]:
    """An odd number of normal draws: Python and NumPy keep the second of a pair for later."""
    return [
        random.gauss(0, 1),
        random.random(),
        float(np.random.standard_normal()),
        float(np.random.rand()),
        float(torch.randn(())),
        float(torch.rand(3)[2]),
    ]


def test_a_stream_is_cut_off_from_the_global_generators() -> None:
    seed_host(5)
    expected = [draw() for _ in range(4)]
    seed_host(5)
    found, streamed = [], []
    stream = RandomStream(1, "data")
    for _ in range(4):
        found.append(draw())
        with stream.inside():
            streamed.append(draw())
    assert found == expected
    with RandomStream(1, "data").inside():
        assert [draw() for _ in range(4)] == streamed
    with RandomStream(2, "data").inside():
        assert draw() != streamed[0]


def test_a_stream_leaves_the_devices_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """`torch.manual_seed` would seed them too, and dropout on a GPU would repeat itself."""

    def seeds_all_devices(seed: int) -> None:
        raise AssertionError

    monkeypatch.setattr(torch, "manual_seed", seeds_all_devices)
    with RandomStream(3, "data").inside():
        draw()


def test_a_stream_is_left_also_after_an_error() -> None:
    seed_host(5)
    expected = draw()
    seed_host(5)
    with pytest.raises(ZeroDivisionError), RandomStream(0).inside():
        draw()
        _ = 1 / 0
    assert draw() == expected


def test_a_stream_swaps_further_generators() -> None:
    own = torch.Generator().manual_seed(3)
    before = own.get_state()
    stream = RandomStream(0, generators=[own])
    with stream.inside():
        first = torch.rand(2, generator=own)
    assert torch.equal(own.get_state(), before)
    with stream.inside():
        second = torch.rand(2, generator=own)
    assert not torch.equal(first, second)
    twin = torch.Generator().manual_seed(3)
    with RandomStream(0, generators=[twin]).inside():
        assert torch.equal(torch.rand(2, generator=twin), first)
    other = torch.Generator().manual_seed(4)
    with RandomStream(0, generators=[other]).inside():
        assert not torch.equal(torch.rand(2, generator=other), first)
