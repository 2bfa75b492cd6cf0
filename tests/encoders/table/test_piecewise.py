"""Piecewise linear vectors of numbers."""

from itertools import pairwise

import torch

from plait.encoders.table import PiecewiseEmbedding

EDGES = [[-1.0, 0.0, 0.5, 2.0], [0.0, 1.0, 4.0]]


def encoding(z: float, edges: list[float]) -> list[float]:
    found = []
    for left, right in pairwise(edges):
        found.append(0.0 if z < left else 1.0 if z >= right else (z - left) / (right - left))
    return found


def test_the_encoding_is_that_of_a_loop() -> None:
    module = PiecewiseEmbedding(EDGES, 3)
    numbers = torch.linspace(-3, 6, 40).repeat(2, 1).T.contiguous()
    found = module.encode(numbers)
    for number, edges in enumerate(EDGES):
        bins = len(edges) - 1
        expected = torch.tensor([encoding(float(z), edges) for z in numbers[:, number]])
        torch.testing.assert_close(found[:, number, :bins], expected)
        assert not bool(found[:, number, bins:].any())


def test_vectors_are_those_of_a_loop() -> None:
    module = PiecewiseEmbedding(EDGES, 3)
    numbers = torch.randn(20, 2)
    expected = torch.empty(20, 6)
    for row in range(20):
        for number, edges in enumerate(EDGES):
            e = torch.tensor(encoding(float(numbers[row, number]), edges))
            v = e @ module.weight[number, : len(e)] + module.bias[number]
            expected[row, 3 * number : 3 * number + 3] = v.clamp(min=0)
    torch.testing.assert_close(module(numbers), expected)


def test_what_is_no_bin_has_no_weight_and_gets_no_gradient() -> None:
    module = PiecewiseEmbedding(EDGES, 3)
    module(torch.randn(20, 2)).sum().backward()
    assert not bool(module.weight[1, 2:].any())
    assert not bool(module.weight.grad[1, 2:].any())
