"""What ran in between leaves no trace in any generator."""

import pytest
import torch

from plait.core.random_state import random_state, random_state_kept, restore
from tests.core.test_random_stream import draw

CPU = torch.device("cpu")


def test_a_restored_state_draws_the_same() -> None:
    draw()
    state = random_state(CPU)
    expected = [draw() for _ in range(300)]
    restore(state, CPU)
    assert [draw() for _ in range(300)] == expected


def test_what_draws_inside_changes_nothing_after() -> None:
    state = random_state(CPU)
    expected = draw()
    restore(state, CPU)
    with pytest.raises(KeyError), random_state_kept(CPU):
        draw()
        raise KeyError
    assert draw() == expected
