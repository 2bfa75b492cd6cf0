"""Mean and deviation of labels in batches, against NumPy on all of them at once."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from plait.tasks.labels import Moments


@given(
    sizes=st.lists(st.integers(0, 7), min_size=1, max_size=6),
    outputs=st.integers(1, 3),
    missing=st.floats(0, 1),
    centre=st.sampled_from([0.0, 40.0, -1e9]),
    seed=st.integers(0, 2**31),
)
def test_they_are_those_of_numpy(
    sizes: list[int], outputs: int, missing: float, centre: float, seed: int
) -> None:
    draw = np.random.default_rng(seed)
    batches = [centre + 3 * draw.standard_normal((size, outputs)) for size in sizes]
    weights = [
        draw.integers(0, 4, each.shape) * (draw.random(each.shape) >= missing) for each in batches
    ]
    found = Moments(outputs)
    for rows, mass in zip(batches, weights, strict=True):
        hidden = np.where(mass > 0, rows, np.nan)
        found.add(torch.from_numpy(hidden), torch.from_numpy(mass))
    rows, mass = np.concatenate(batches), np.concatenate(weights)
    for k in range(outputs):
        repeated = np.repeat(rows[:, k], mass[:, k])  # a weight says how often a label counts
        assert found.mass[k] == len(repeated)
        mean, deviation = (repeated.mean(), repeated.std()) if len(repeated) else (0.0, 0.0)
        if len(np.unique(repeated)) < 2:
            assert found.deviation[k] == 0
        assert found.mean[k].item() == pytest.approx(mean, rel=1e-12, abs=1e-12)
        assert found.deviation[k].item() == pytest.approx(deviation, rel=1e-6, abs=1e-6)


def test_rounding_is_no_deviation() -> None:
    found = Moments(1)
    for _ in range(3):
        found.add(torch.full((7, 1), 0.1, dtype=torch.float64), torch.ones(7, 1))
    assert found.deviation.item() == 0
