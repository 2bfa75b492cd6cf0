"""The generators' states: whole, loadable without pickle, and streams beside them."""

import io
import random
from typing import Any

import numpy as np
import pytest
import torch

from plait.training.randomness import (
    Stream,
    from_plain,
    random_state,
    restore,
    seed_all,
    to_plain,
)


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


def through_a_file(state: dict[str, Any]) -> dict[str, Any]:
    file = io.BytesIO()
    torch.save(to_plain(state), file)
    file.seek(0)
    return from_plain(torch.load(file, weights_only=True))


def test_a_restored_state_draws_the_same() -> None:
    draw()
    state = random_state(torch.device("cpu"))
    expected = [draw() for _ in range(300)]  # over the end of a block of the Mersenne twister
    seed_all(99)
    restore(through_a_file(state), torch.device("cpu"))
    assert [draw() for _ in range(300)] == expected


def test_seeds_are_a_function_of_all_parts() -> None:
    found = []
    for parts in ((0,), (1,), (0, "fit"), (0, "fit", 1)):
        seed_all(*parts)
        first = draw()
        seed_all(*parts)
        assert draw() == first
        found.append(first)
    for position in range(6):
        assert len({each[position] for each in found}) == len(found)


def test_a_stream_is_cut_off_from_the_global_generators() -> None:
    seed_all(5)
    expected = [draw() for _ in range(4)]
    seed_all(5)
    found, streamed = [], []
    stream = Stream(1, "data")
    for _ in range(4):
        found.append(draw())
        with stream.inside():
            streamed.append(draw())
    assert found == expected
    with Stream(1, "data").inside():
        assert [draw() for _ in range(4)] == streamed
    with Stream(2, "data").inside():
        assert draw() != streamed[0]


def test_a_stream_leaves_the_devices_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """`torch.manual_seed` would seed them too, and dropout on a GPU would repeat itself."""

    def seeds_all_devices(seed: int) -> None:
        raise AssertionError

    monkeypatch.setattr(torch, "manual_seed", seeds_all_devices)
    with Stream(3, "data").inside():
        draw()


def test_a_stream_is_left_also_after_an_error() -> None:
    seed_all(5)
    expected = draw()
    seed_all(5)
    with pytest.raises(ZeroDivisionError), Stream(0).inside():
        draw()
        _ = 1 / 0
    assert draw() == expected


def test_a_stream_swaps_further_generators() -> None:
    own = torch.Generator().manual_seed(3)
    before = own.get_state()
    stream = Stream(0, generators=[own])
    with stream.inside():
        first = torch.rand(2, generator=own)
    assert torch.equal(own.get_state(), before)
    with stream.inside():
        second = torch.rand(2, generator=own)
    assert not torch.equal(first, second)
    twin = torch.Generator().manual_seed(3)
    with Stream(0, generators=[twin]).inside():
        assert torch.equal(torch.rand(2, generator=twin), first)
    other = torch.Generator().manual_seed(4)
    with Stream(0, generators=[other]).inside():
        assert not torch.equal(torch.rand(2, generator=other), first)
