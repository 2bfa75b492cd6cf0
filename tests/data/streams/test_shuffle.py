"""The order of a stream, against a slow loop that holds everything."""

from itertools import chain
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.core.seeding import derive_seed
from plait.data import collate
from plait.data.streams.shuffle import batches_of_epoch
from tests.data.streams.blocks import Numbered


def labels(stream: Numbered, batch_size: int, **options: Any) -> list[list[int]]:
    batches = batches_of_epoch(stream, batch_size, **options)
    return [collate(batch)[1]["y"].reshape(-1).tolist() for batch in batches]


def slowly(stream: Numbered, batch_size: int, *, epoch: int, seed: int, buffer: int) -> Any:
    """All numbers in a list, buffer by buffer, and then cut."""
    order = torch.Generator().manual_seed(derive_seed(seed, "pieces", epoch))
    pools: list[list[int]] = []
    held = 0
    for place in torch.randperm(len(stream.sizes), generator=order).tolist():
        start = sum(stream.sizes[:place])
        numbers = list(range(start, start + stream.sizes[place]))
        if not pools or held + len(numbers) > buffer:
            pools.append([])
            held = 0
        pools[-1] += numbers
        held += len(numbers)
    left = []
    for number, pool in enumerate(pools):
        generator = torch.Generator().manual_seed(derive_seed(seed, "buffer", epoch, number))
        left += [pool[i] for i in torch.randperm(len(pool), generator=generator).tolist()]
    return [left[start : start + batch_size] for start in range(0, len(left), batch_size)]


STREAMS = st.lists(st.integers(1, 9), min_size=1, max_size=8)


@settings(deadline=None, max_examples=60)
@given(STREAMS, st.integers(1, 12), st.integers(1, 30), st.integers(0, 3), st.booleans())
def test_the_order_is_that_of_a_slow_loop(
    sizes: list[int], batch_size: int, buffer: int, epoch: int, as_lists: bool
) -> None:
    options: dict[str, Any] = {"epoch": epoch, "seed": 5, "buffer": buffer}
    stream = Numbered(*sizes, as_lists=as_lists)
    found = labels(stream, batch_size, shuffle=True, **options)
    assert found == slowly(stream, batch_size, **options)
    assert sorted(chain(*found)) == list(range(sum(sizes)))
    for skip in range(len(found) + 2):
        assert labels(stream, batch_size, shuffle=True, skip=skip, **options) == found[skip:]


def test_the_order_is_a_function_of_seed_and_epoch() -> None:
    stream = Numbered(*[5] * 20)

    def order(epoch: int, seed: int) -> list[list[int]]:
        return labels(stream, 8, shuffle=True, epoch=epoch, seed=seed, buffer=20)

    assert order(1, 3) == order(1, 3)
    assert len({str(order(epoch, seed)) for epoch in range(3) for seed in range(3)}) == 9


def test_without_shuffling_the_order_is_that_of_the_data() -> None:
    stream = Numbered(4, 1, 7)
    found = labels(stream, 5, shuffle=False, epoch=3, buffer=6)
    assert found == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9], [10, 11]]


def test_buffers_that_are_skipped_are_not_read() -> None:
    stream = Numbered(*[4] * 6)
    labels(stream, 4, shuffle=False, skip=3, buffer=8)
    assert stream.read == [2, 3, 4, 5]  # the buffer of 8 in which batch 3 begins, and those after


def test_no_more_pieces_are_read_than_the_buffer_holds() -> None:
    stream = Numbered(*[10] * 50)
    batches = batches_of_epoch(stream, 10, shuffle=True, buffer=35)
    for count, _ in enumerate(batches, start=1):
        read, used = len(stream.read) * 10, count * 10
        assert used <= read <= used + 30 - 10  # 3 pieces of 10 fit


def test_a_piece_that_is_larger_than_the_buffer_is_read_alone() -> None:
    found = labels(Numbered(3, 20, 4), 27, shuffle=True, buffer=5)
    assert sorted(found[0]) == list(range(27))


@pytest.mark.parametrize("shuffle", [True, False])
def test_a_batch_is_made_of_as_many_buffers_as_it_takes(shuffle: bool) -> None:
    found = labels(Numbered(*[1] * 10), 4, shuffle=shuffle, buffer=1)
    assert [len(batch) for batch in found] == [4, 4, 2]
