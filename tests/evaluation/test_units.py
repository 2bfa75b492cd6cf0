"""Units of a test part, the blocks that they are in, and the draws of them."""

import math
from collections import Counter
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.utils.data import IterableDataset

from plait.core.errors import DataError
from plait.data import DataSets, InMemory
from plait.evaluation.units import BLOCKS, Units, units_of


def read(known: dict[str, int | Tensor], rows: int, source: str = "") -> Units:
    units = Units(known)
    units.take((source, ""), rows)
    units.close()
    return units


def test_a_data_set_says_its_groups_or_its_length() -> None:
    rows, groups = InMemory(torch.zeros(3, 1), {}), InMemory(torch.zeros(2, 1), {}, [5, 5])
    assert units_of(rows) == {"": 3}
    assert units_of(groups)[""].tolist() == [5, 5]
    both = units_of(DataSets({"one": rows, "two": groups}))
    assert both["one"] == 3
    assert both["two"].tolist() == [5, 5]


def test_a_stream_says_its_length_or_nothing() -> None:
    class Endless(IterableDataset[int]):
        def __iter__(self) -> Any:
            return iter(())

    class Known(Endless):
        examples = 8

    assert units_of(Endless()) == {}
    assert units_of(Known()) == {"": 8}
    assert units_of(DataSets({"one": Endless(), "two": Known()})) == {"two": 8}


@given(st.integers(1, 40), st.integers(1, 5))
def test_each_draw_has_as_many_units_as_there_are(rows: int, draws: int) -> None:
    units = read({}, rows)
    assert units.blocks(("", "")).tolist() == list(range(rows))
    counts = units.draws(("", ""), draws)
    assert counts.shape == (draws, rows)
    assert counts.sum(dim=1).tolist() == [rows] * draws


def test_draws_follow_from_the_source_and_the_number_of_units_alone() -> None:
    place = ("a", "")
    one, other = read({"a": 9}, 9, "a"), read({}, 9, "a")
    other.take(("b", ""), 100)
    assert torch.equal(one.draws(place, 5), other.draws(place, 5))
    assert not torch.equal(one.draws(place, 5), read({}, 9).draws(("", ""), 5))


def test_a_group_is_one_unit() -> None:
    units = read({"": torch.tensor([7, 3, 7, 9])}, 4)
    assert units.blocks(("", "")).tolist() == [1, 0, 1, 2]
    assert units.draws(("", ""), 2).shape == (2, 3)
    assert units.of == "groups"
    assert read({}, 4).of == "rows"


@pytest.mark.parametrize("rows", [BLOCKS + 1, 3 * BLOCKS, 7 * BLOCKS + 123])
def test_blocks_of_many_units_are_equal_in_size_and_drawn_at_random(rows: int) -> None:
    blocks = read({"": rows}, rows).blocks(("", ""))
    sizes = Counter(blocks.tolist())
    assert len(sizes) == BLOCKS
    assert max(sizes.values()) - min(sizes.values()) <= 1
    assert torch.equal(blocks, read({}, rows).blocks(("", "")))
    # neighbours are in one block as rarely as any two rows: 1 in 500
    together = int((blocks[1:] == blocks[:-1]).sum())
    assert together <= rows / BLOCKS + 4 * math.sqrt(rows / BLOCKS)


def test_the_rows_of_a_group_are_in_one_block() -> None:
    groups = torch.arange(3000) // 2
    blocks = read({"": groups}, 3000).blocks(("", ""))
    assert torch.equal(blocks[::2], blocks[1::2])
    assert len(blocks.unique()) == BLOCKS


def influence() -> Tensor:
    """What each row adds to a mean: rows sorted by class, so that neighbours are alike."""
    values = torch.cat([torch.zeros(4000), torch.ones(1000)]).double()
    return values - values.mean()


def test_blocks_give_the_variance_of_single_rows() -> None:
    """Of the mean of 5,000 rows, by the closed form; with 2,000 draws, to 15 %."""
    rows = influence()
    units = read({"": len(rows)}, len(rows))
    blocks = units.blocks(("", ""))
    sums = torch.zeros(BLOCKS, dtype=torch.float64).index_add_(0, blocks, rows)
    means = units.draws(("", ""), 2000) @ sums / len(rows)
    exact = float((rows**2).mean() / len(rows))
    assert float(means.var()) == pytest.approx(exact, rel=0.15)


def test_all_rows_are_there_once() -> None:
    with pytest.raises(DataError, match="resamples need each of 4 rows once; found 3"):
        read({"": 4}, 3)
    with pytest.raises(DataError, match="of source 'a' need each of 2 rows once; found 3"):
        read({"a": torch.tensor([1, 1])}, 3, "a")
