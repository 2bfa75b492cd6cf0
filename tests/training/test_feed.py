"""The batches of an epoch: the same whenever they are asked for, and from any position."""

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, Sampler

from plait.core.errors import DataError
from plait.data import InMemory, loader
from plait.tasks import Regression
from plait.training.feed import Feed
from tests.training.problem import BATCH, LOADERS, SIZE, data, differences, train_loader


def inputs(batches: list[Any]) -> Tensor:
    return torch.cat([batch[0] for batch in batches])


def sample(kind: str) -> list[int]:
    """Where to start: everywhere, or in the middle for the slow ones."""
    return [2] if "workers" in kind else list(range(6))


@pytest.mark.parametrize("kind", LOADERS)
def test_any_epoch_from_any_position(kind: str) -> None:
    """A feed of its own for each answer, as in a new process; what others draw does not matter."""
    batches = list(Feed(train_loader(kind), seed=1).epoch(1))
    assert sum(len(batch[0]) for batch in batches) == SIZE
    for skip in sample(kind):
        torch.manual_seed(skip)
        feed = Feed(train_loader(kind), seed=1)
        assert not list(differences(list(feed.epoch(1, skip)), batches[skip:]))
    after_another = Feed(train_loader(kind), seed=1)
    list(after_another.epoch(0))
    assert not list(differences(list(after_another.epoch(1)), batches))


@pytest.mark.parametrize("kind", [kind for kind in LOADERS if kind != "list"])
def test_epochs_differ(kind: str) -> None:
    feed = Feed(train_loader(kind), seed=1)
    first, second = (inputs(list(feed.epoch(epoch))) for epoch in (0, 1))
    assert not torch.equal(first, second)


def test_seeds_differ_but_not_where_the_loader_has_its_own() -> None:
    first, second = (inputs(list(Feed(train_loader("plain"), seed).epoch(0))) for seed in (0, 1))
    assert not torch.equal(first, second)
    first, second = (inputs(list(Feed(train_loader("plait"), seed).epoch(0))) for seed in (0, 1))
    assert torch.equal(first, second), "the seed of plait.data.loader decides"


@pytest.mark.parametrize("kind", LOADERS)
def test_nothing_is_drawn_from_the_global_generators(kind: str) -> None:
    def draw() -> tuple[float, float, float]:
        return float(torch.rand(())), float(np.random.rand()), random.random()

    def seed() -> None:
        torch.manual_seed(1)
        np.random.seed(1)
        random.seed(1)

    seed()
    expected = [draw() for _ in range(6)]
    seed()
    found = [draw()]
    found += [draw() for _ in Feed(train_loader(kind), seed=0).epoch(3)]
    assert found == expected


@pytest.mark.parametrize("kind", ["own generator", "sampler with its own generator"])
def test_a_generator_of_the_loader_stays_as_it_was(kind: str) -> None:
    made = train_loader(kind)
    generator = made.generator or made.sampler.generator
    before = generator.get_state()
    feed = Feed(made, seed=0)
    iterator = feed.epoch(0)
    next(iterator)
    assert torch.equal(generator.get_state(), before)
    next(iterator)
    list(feed.epoch(1))
    assert torch.equal(generator.get_state(), before)


def test_own_generators_of_different_seeds_give_different_orders() -> None:
    def order(seed: int, epoch: int) -> list[int]:
        numbers = InMemory(torch.arange(12.0)[:, None], {})
        generator = torch.Generator().manual_seed(seed)
        made = DataLoader(numbers, batch_size=3, shuffle=True, generator=generator)
        return [int(x) for x in inputs(list(Feed(made, seed=0).epoch(epoch))).flatten()]

    orders = [tuple(order(seed, epoch)) for seed in range(3) for epoch in range(3)]
    assert len(set(orders)) == 9
    assert all(sorted(each) == list(range(12)) for each in orders)


class Counting(InMemory):
    reads = 0

    def __getitem__(self, draw: Any) -> tuple[Any, dict[str, Any]]:
        self.reads += 1
        return super().__getitem__(draw)


def test_a_loader_of_plait_skips_without_reading() -> None:
    source = data()
    counting = Counting(source.inputs, source.targets)
    made = loader(counting, batch_size=BATCH, shuffle=True)
    rest = list(Feed(made, seed=0).epoch(0, skip=3))
    assert counting.reads == sum(len(batch[0]) for batch in rest) == SIZE - 3 * BATCH


def test_a_sampler_is_told_the_epoch() -> None:
    class Told(Sampler[int]):
        epoch = -1

        def set_epoch(self, epoch: int) -> None:
            self.epoch = epoch

        def __iter__(self) -> Iterator[int]:
            return iter([self.epoch])

        def __len__(self) -> int:
            return 1

    numbers = InMemory(torch.arange(5.0), {})
    feed = Feed(DataLoader(numbers, sampler=Told()), seed=0)
    assert [float(next(feed.epoch(epoch))[0]) for epoch in (3, 0, 4)] == [3, 0, 4]


def test_a_data_set_without_a_length() -> None:
    class Endless(IterableDataset[Tensor]):
        def __iter__(self) -> Iterator[Tensor]:
            return iter(torch.rand(4).unbind())

    feed = Feed(DataLoader(Endless(), batch_size=2), seed=0)
    batches = list(feed.epoch(0))
    assert len(batches) == 2
    assert torch.equal(next(feed.epoch(0, skip=1)), batches[1])


@pytest.mark.parametrize("empty", [[], DataLoader(InMemory(torch.zeros(0, 2), {}))])
def test_an_empty_loader_is_refused(empty: Any) -> None:
    with pytest.raises(DataError, match="training loader gives no batch"):
        list(Feed(empty, seed=0).epoch(0))


@pytest.mark.parametrize("kind", ["plain", "plait"])
def test_skipping_beyond_the_end_is_refused_but_not_to_the_end(kind: str) -> None:
    feed = Feed(train_loader(kind), seed=0)
    assert list(feed.epoch(0, skip=5)) == []
    with pytest.raises(DataError, match="gives 5 batches, but the checkpoint was made after 6"):
        list(feed.epoch(0, skip=6))


def test_the_labels_of_a_table_are_counted_for_the_tasks() -> None:
    table, tasks = InMemory(torch.zeros(6, 2), {"y": torch.arange(6.0)}), [Regression("y")]
    plain = loader(table, batch_size=4, shuffle=False)
    batches = list(Feed(plain, 0, tasks).epoch(0))
    assert [batch.counts for batch in batches] == [{"y": 4.0}, {"y": 2.0}]
    assert all(isinstance(pair, tuple) for pair in Feed(plain, 0).epoch(0))
