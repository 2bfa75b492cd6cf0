"""The generators' states: whole, and loadable without pickle."""

import io
from typing import Any

import torch

from plait.core.random_state import random_state, restore
from plait.training.randomness import from_plain, seed_all, to_plain
from tests.core.test_random_stream import draw


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
