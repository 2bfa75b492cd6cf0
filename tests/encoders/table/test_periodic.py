"""Vectors of waves."""

import math

import torch

from plait.encoders.table import PeriodicEmbedding


def test_vectors_are_those_of_a_loop() -> None:
    module = PeriodicEmbedding(2, 3, frequencies=4)
    numbers = torch.randn(10, 2)
    expected = torch.empty(10, 6)
    for row in range(10):
        for number in range(2):
            angles = [
                2 * math.pi * f * float(numbers[row, number])
                for f in module.frequencies[number].tolist()
            ]
            waves = [*map(math.sin, angles), *map(math.cos, angles)]
            v = torch.tensor(waves) @ module.weight[number].detach() + module.bias[number]
            expected[row, 3 * number : 3 * number + 3] = v.clamp(min=0)
    torch.testing.assert_close(module(numbers), expected, rtol=1e-4, atol=1e-5)


def test_sigma_is_that_of_the_first_frequencies() -> None:
    module = PeriodicEmbedding(300, 1, sigma=0.5)
    assert 0.45 < module.frequencies.std() < 0.55
