"""What a loader needs so that a run begins anywhere in its epochs."""

from collections.abc import Iterator

import pytest

from plait.data import InMemory, Resumable, loader
from plait.training.feed import Feed


class Own:
    """A user's loader of five numbers in each epoch."""

    def __init__(self, *, seeks: bool) -> None:
        self.seeks = seeks
        self.read: list[int] = []
        self.epoch = self.skip = 0

    def start_at(self, epoch: int, skip: int) -> None:
        self.epoch, self.skip = epoch, skip

    def __len__(self) -> int:
        return 5

    def __iter__(self) -> Iterator[int]:
        for number in range(self.skip, 5):
            self.read.append(number)
            yield 10 * self.epoch + number


@pytest.mark.parametrize("seeks", [True, False])
def test_a_loader_of_ones_own_is_told_where_to_begin(seeks: bool) -> None:
    own = Own(seeks=seeks)
    assert isinstance(own, Resumable)
    assert list(Feed(own, seed=0).epoch(2, skip=3)) == [23, 24]
    assert own.read == ([3, 4] if seeks else [0, 1, 2, 3, 4])


def test_a_loader_of_a_table_has_its_place_in_its_batch_sampler() -> None:
    import torch

    data = InMemory(torch.zeros(3, 1), {"y": torch.zeros(3)})
    assert not isinstance(loader(data, batch_size=2, shuffle=True), Resumable)
