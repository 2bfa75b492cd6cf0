"""Passes over a loader: the same whenever they are asked for; more in tests/training/test_feed."""

from collections.abc import Iterator
from typing import Any

import pytest
from torch.utils.data import DataLoader

from plait.core.errors import DataError
from plait.data import loader
from plait.data.passes import Passes, batches_in
from tests.data.mixture.tables import KnownStream, Noisy, Stream, own_loader, table

LOADERS = {
    "table": lambda: loader(table("large", 10), batch_size=3, shuffle=True),
    "noise": lambda: loader(Noisy(table("large", 10)), batch_size=3, shuffle=True),
    "own": lambda: own_loader(Noisy(table("large", 10))),
    "stream": lambda: DataLoader(Stream(table("large", 10)), batch_size=3),
}


def inputs(batches: Iterator[Any]) -> list[list[float]]:
    return [batch[0].flatten().tolist() for batch in batches]


@pytest.mark.parametrize("kind", LOADERS)
def test_a_pass_from_any_position(kind: str) -> None:
    whole = inputs(Passes(LOADERS[kind](), 0, "s").read(2, 1, number=5))
    for skip in range(5):
        found = inputs(Passes(LOADERS[kind](), 0, "s").read(2, 1, number=5, skip=skip))
        assert found == whole[skip:]


@pytest.mark.parametrize("kind", ["noise", "own", "stream"])
def test_passes_draw_by_their_place(kind: str) -> None:
    passes = Passes(LOADERS[kind](), 0, "s")
    first, again, other = (inputs(passes.read(*place, number=5)) for place in ((0,), (0,), (1,)))
    assert first == again != other
    assert inputs(Passes(LOADERS[kind](), 0, "t").read(0, number=5)) != first


def test_more_cannot_be_skipped_than_there_is() -> None:
    with pytest.raises(DataError, match="gives 4 batches, but the checkpoint was made after 5"):
        list(Passes(LOADERS["own"](), 0).read(0, number=0, skip=5))


def test_what_sets_its_epoch_is_told_the_number() -> None:
    class Told(Stream):
        def set_epoch(self, epoch: int) -> None:
            self.epoch = epoch

    stream = Told(table("large", 4))
    list(Passes(DataLoader(stream, batch_size=2), 0).read(0, number=7))
    assert stream.epoch == 7


def test_a_loader_that_begins_anywhere_is_asked_to() -> None:
    class Counting:
        seeks = True

        def start_at(self, epoch: int, skip: int) -> None:
            self.start = epoch, skip

        def __len__(self) -> int:
            return 4

        def __iter__(self) -> Iterator[int]:
            epoch, skip = self.start
            return iter(range(10 * epoch + skip, 10 * epoch + 4))

    assert list(Passes(Counting(), 0).read(3, number=3, skip=2)) == [32, 33]


def test_lengths() -> None:
    assert batches_in([1, 2]) == 2
    assert batches_in(DataLoader(KnownStream(table("large", 10)), batch_size=4)) == 3
    assert batches_in(DataLoader(Stream(table("large", 10)), batch_size=4)) is None
