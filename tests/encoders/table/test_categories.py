"""Codes of categories, their vectors and their single inputs."""

import math

import pytest
import torch

from plait.encoders.table import CategoryEmbedding, Codes, OneHot, Row
from plait.encoders.table.categories import Vectors, width_of
from tests.encoders.tables import category, number

SIZES = (3, 70, 2, 1, 40)
COLUMNS = [category(f"c{place}", size) for place, size in enumerate(SIZES)]
CATEGORIES = Row.of(COLUMNS).categories


def codes(count: int) -> torch.Tensor:
    return torch.stack([torch.randint(0, size + 2, (count,)) for size in SIZES], dim=1)


def test_codes_are_read_beside_numbers() -> None:
    module = Codes(
        Row.of([number("a"), category("b", 2), number("c"), category("d", 5)]).categories
    )
    rows = torch.tensor([[9.5, 3, 0.5, 6], [0, 0, 0, 1]])
    assert module(rows).tolist() == [[3, 6], [0, 1]]


@pytest.mark.parametrize(("code", "read"), [(4, 1), (-1, 1), (1e6, 1), (math.nan, 0), (3, 3)])
def test_a_code_beyond_the_known_ones_is_unseen(code: float, read: int) -> None:
    module = Codes(Row.of([category("a", 2), category("b", 9)]).categories)
    assert module(torch.tensor([[code, 5.0]])).tolist() == [[read, 5]]


@pytest.mark.parametrize("count", range(2, 2000, 7))
def test_the_width_is_a_power_of_two_at_least_the_square_root(count: int) -> None:
    width = width_of(count)
    assert width == 32 or (width**2 >= count and (width // 2) ** 2 < count)


def test_vectors_are_those_of_a_loop_over_the_columns() -> None:
    module = CategoryEmbedding(CATEGORIES)
    found = codes(20)
    expected = []
    for width in sorted({width_of(size + 2) for size in SIZES}):
        table = next(t for t in module.tables if t.weight.shape[1] == width)
        first = 0
        for place, size in enumerate(SIZES):
            if width_of(size + 2) == width:
                own = table.weight[first : first + size + 2]
                expected.append(torch.stack([own[code] for code in found[:, place]]))
                first += size + 2
    torch.testing.assert_close(module(found), torch.cat(expected, dim=1))
    assert module.outputs == module(found).shape[1] == sum(width_of(size + 2) for size in SIZES)


def test_missing_and_unseen_values_say_nothing_until_they_are_learned() -> None:
    module = CategoryEmbedding(CATEGORIES)
    for _ in range(2):
        for code in (0, 1):
            assert not bool(module(torch.full((1, len(SIZES)), code)).any())
        for table in module.tables:
            table.reset_parameters()
    module(torch.zeros(1, len(SIZES), dtype=torch.long)).sum().backward()
    assert all(bool(table.weight.grad[0].all()) for table in module.tables)


def test_vectors_begin_with_length_one() -> None:
    vectors = Vectors([0], [1002], 32)
    assert 0.9 < vectors.weight[2:].square().sum(1).mean() < 1.1


def test_single_inputs_are_those_of_a_loop() -> None:
    module = OneHot(CATEGORIES, 64)
    found = codes(30)
    expected = [
        [
            float(int(row[place]) == code)
            for place, size in enumerate(SIZES)
            if size <= 64
            for code in range(2, size + 2)
        ]
        for row in found
    ]
    assert module(found).tolist() == expected
    assert module.outputs == 3 + 2 + 1 + 40
