"""Edges in the unit of the standardised numbers."""

import pytest

from plait.encoders.table import Row
from plait.encoders.table.edges import standardised_edges
from tests.encoders.tables import category, number


def test_edges_move_with_the_numbers() -> None:
    columns = [number("a", (10, 30, 70), center=30.0, scale=20.0), category("k", 2)]
    assert standardised_edges(Row.of(columns).numbers) == [pytest.approx([-1, 0, 2])]


def test_edges_that_float32_cannot_tell_apart_are_one() -> None:
    assert standardised_edges(Row.of([number("a", (1, 1 + 1e-12, 2))]).numbers) == [[1.0, 2.0]]
