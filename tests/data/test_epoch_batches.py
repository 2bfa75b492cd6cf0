"""The order of the batches depends on (seed, epoch) and on nothing else."""

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from plait.core.errors import ConfigError, DataError
from plait.data import Draw, EpochBatches

SIZES = st.integers(1, 40)


def drawn(batches: EpochBatches, epoch: int, skip: int = 0) -> list[Any]:
    batches.set_epoch(epoch, skip)
    return list(batches)


def order_of(batches: EpochBatches, epoch: int) -> list[int]:
    return [index for batch in drawn(batches, epoch) for index in batch]


@given(SIZES, SIZES, st.booleans(), st.integers(0, 2**62), st.integers(0, 9))
def test_every_epoch_is_a_permutation_in_full_batches(
    size: int, batch_size: int, shuffle: bool, seed: int, epoch: int
) -> None:
    batches = EpochBatches(size, batch_size, shuffle=shuffle, seed=seed)
    found = drawn(batches, epoch)
    indices = [index for batch in found for index in batch]
    assert sorted(indices) == list(range(size))
    assert {type(index) for index in indices} == {int}
    assert [len(batch) for batch in found[:-1]] == [batch_size] * (len(found) - 1)
    assert 1 <= len(found[-1]) <= batch_size
    assert len(found) == len(batches)
    if not shuffle:
        assert indices == list(range(size))


@given(SIZES, SIZES, st.integers(0, 9), st.integers(0, 50))
def test_to_skip_is_to_leave_out_the_beginning(
    size: int, batch_size: int, epoch: int, skip: int
) -> None:
    batches = EpochBatches(size, batch_size, shuffle=True)
    assert drawn(batches, epoch, skip) == drawn(batches, epoch)[skip:]


def test_the_order_depends_on_seed_and_epoch_alone() -> None:
    batches = EpochBatches(50, 7, shuffle=True, seed=3)
    orders = [drawn(batches, epoch) for epoch in range(4)]
    torch.manual_seed(99)
    torch.rand(5)
    state = torch.get_rng_state()
    other = EpochBatches(50, 7, shuffle=True, seed=3)
    assert [drawn(other, epoch) for epoch in (3, 1)] == [orders[3], orders[1]]
    assert torch.equal(torch.get_rng_state(), state)
    # the batch size cuts the order and does not change it
    wider = EpochBatches(50, 9, shuffle=True, seed=3)
    seeds = EpochBatches(50, 7, shuffle=True, seed=4)
    assert order_of(wider, 1) == order_of(batches, 1)
    indices = {tuple(order_of(batches, epoch)) for epoch in range(4)}
    assert len(indices | {tuple(order_of(seeds, 0))}) == 5


def test_every_example_comes_first_about_as_often() -> None:
    """600 epochs of 6: the number of times is binomial, 100 +- 9, so 60..140 is over 4 sigma."""
    batches = EpochBatches(6, 6, shuffle=True)
    firsts = [drawn(batches, epoch)[0][0] for epoch in range(600)]
    assert all(60 < firsts.count(index) < 140 for index in range(6))


@pytest.mark.parametrize(
    ("size", "batch_size", "error", "message"),
    [
        (3, 0, ConfigError, "`batch_size` must be at least 1; found 0"),
        (3, -1, ConfigError, "`batch_size` must be at least 1; found -1"),
        (0, 2, DataError, "must have at least one example; found none"),
    ],
)
def test_nothing_to_draw_is_refused(size, batch_size, error, message: str) -> None:
    with pytest.raises(error, match=message):
        EpochBatches(size, batch_size, shuffle=True)


@given(SIZES, SIZES, st.integers(0, 9))
def test_draws_are_the_indices_with_their_epoch(size: int, batch_size: int, epoch: int) -> None:
    plain = drawn(EpochBatches(size, batch_size, shuffle=True), epoch)
    draws = drawn(EpochBatches(size, batch_size, shuffle=True, draws=True), epoch)
    assert draws == [[Draw(index, epoch) for index in batch] for batch in plain]


@given(SIZES, SIZES, st.integers(0, 9))
def test_a_short_last_batch_is_left_out(size: int, batch_size: int, epoch: int) -> None:
    if size < batch_size:
        with pytest.raises(DataError, match="leaves no batch"):
            EpochBatches(size, batch_size, shuffle=True, drop_last=True)
        return
    whole = EpochBatches(size, batch_size, shuffle=True, drop_last=True)
    every = drawn(EpochBatches(size, batch_size, shuffle=True), epoch)
    assert drawn(whole, epoch) == [batch for batch in every if len(batch) == batch_size]
    assert len(whole) == size // batch_size


@given(st.integers(1, 400), st.integers(1, 9), st.integers(0, 3), st.integers(0, 40))
def test_batches_of_like_lengths_are_a_permutation_and_can_be_skipped(
    size: int, batch_size: int, epoch: int, skip: int
) -> None:
    lengths = [(7 * k) % 13 for k in range(size)]
    order = EpochBatches(size, batch_size, shuffle=True, seed=1, lengths=lengths)
    order.set_epoch(epoch)
    batches = list(order)
    assert sorted(index for batch in batches for index in batch) == list(range(size))
    assert [len(batch) for batch in batches[:-1]] == [batch_size] * (len(batches) - 1)
    order.set_epoch(epoch, skip)
    assert list(order) == batches[skip:]


def test_batches_of_like_lengths_waste_little() -> None:
    lengths = [(7 * k) % 40 for k in range(1000)]
    order = EpochBatches(1000, 10, shuffle=True, lengths=lengths)
    spread = [max(lengths[i] for i in b) - min(lengths[i] for i in b) for b in order]
    assert max(spread) <= 2
    assert [min(lengths[i] for i in b) for b in order] != sorted(
        min(lengths[i] for i in b) for b in order
    )


def test_lengths_of_something_else_are_refused() -> None:
    with pytest.raises(DataError, match=r"one number for each of its 5 examples; found \[2\]"):
        EpochBatches(5, 2, shuffle=True, lengths=[4, 1])
