"""What a loader yields, wherever it is read."""

import pickle
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils.data import Dataset

from plait.core.batch import Batch
from plait.core.errors import DataError
from plait.data import EpochBatches, InMemory, batches_of, loader
from plait.tasks import Classification, Regression

TASKS = [Classification("y", classes=11), Regression("z")]


def data(size: int = 11) -> InMemory:
    numbers = torch.arange(size)
    inputs = torch.stack([numbers, -numbers], dim=1).float()
    return InMemory(inputs, {"y": numbers, "z": numbers / 2})


def drawn(batches: EpochBatches, epoch: int, skip: int = 0) -> list[list[int]]:
    batches.set_epoch(epoch, skip)
    found: Any = list(batches)
    return list(found)


def read(loading: Any, epoch: int, skip: int = 0) -> list[tuple[Tensor, dict[str, Tensor]]]:
    loading.batch_sampler.set_epoch(epoch, skip)
    return list(loading)


def test_a_loader_stacks_what_the_batches_name() -> None:
    loading = loader(data(), batch_size=4, shuffle=True, seed=1)
    order = drawn(EpochBatches(11, 4, shuffle=True, seed=1), 2)
    batches = read(loading, 2)
    assert len(batches) == len(loading) == 3
    for (inputs, targets), draws in zip(batches, order, strict=True):
        indices = torch.tensor(draws)
        assert torch.equal(inputs, torch.stack([indices, -indices], dim=1).float())
        assert torch.equal(targets["y"], indices)
        assert torch.equal(targets["z"], indices / 2)


def test_workers_read_the_same_batches() -> None:
    runs = [
        read(loader(data(), batch_size=3, shuffle=True, workers=workers), 1, skip=1)
        for workers in (0, 2)
    ]
    assert len(runs[0]) == 3
    for one, other in zip(*runs, strict=True):
        assert torch.equal(one[0], other[0])
        assert all(torch.equal(one[1][task], other[1][task]) for task in ("y", "z"))


def test_what_is_skipped_is_not_read() -> None:
    class Watched(Dataset[Any]):
        def __init__(self) -> None:
            self.read: list[int] = []

        def __len__(self) -> int:
            return 9

        def __getitem__(self, index: int) -> tuple[Tensor, dict[str, int]]:
            self.read.append(index)
            return torch.zeros(1), {"y": index}

    watched = Watched()
    loading = loader(watched, batch_size=2, shuffle=True)
    batches = read(loading, 5, skip=3)
    expected = drawn(loading.batch_sampler, 5, 3)  # type: ignore[arg-type]
    assert [targets["y"].tolist() for _, targets in batches] == expected
    assert watched.read == [index for batch in expected for index in batch]


def test_reading_draws_nothing_from_the_global_generator() -> None:
    """Else what dropout draws would change with the number of epochs that were read before."""
    loading = loader(data(), batch_size=4, shuffle=True)
    state = torch.get_rng_state()
    read(loading, 0)
    read(loading, 1)
    assert torch.equal(torch.get_rng_state(), state)


# --- with tasks: batches that are counted where they are read -------------------------------


class Slow(Dataset[Any]):
    """The same examples, which have to be stacked one by one."""

    def __init__(self, source: InMemory) -> None:
        self.source = source

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> Any:
        return self.source[index]


def assert_same(one: Batch, other: Batch) -> None:
    (first,), (second,) = one.parts, other.parts
    assert first.counts == second.counts
    assert first.targets.keys() == second.targets.keys()
    exact: Any = {"rtol": 0, "atol": 0, "equal_nan": True}
    torch.testing.assert_close(first.inputs, second.inputs, **exact)
    torch.testing.assert_close(dict(first.targets), dict(second.targets), **exact)


def partial() -> InMemory:
    found = data()
    found.targets["z"][2:] = torch.nan
    found.targets["z"] = found.targets["z"][:, None]
    return found


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("kind", [lambda made: made, Slow])
def test_with_tasks_the_batches_are_counted(kind: Any, workers: int) -> None:
    source = partial()
    options: Any = {"batch_size": 4, "shuffle": True, "seed": 1}
    counted = list(loader(kind(source), **options, workers=workers, tasks=TASKS))
    pairs = list(loader(source, **options))
    assert len(counted) == len(pairs) == 3
    for found, pair in zip(counted, pairs, strict=True):
        assert isinstance(found, Batch)
        assert_same(found, Batch.of(*pair, TASKS))
    assert sum(batch.counts.get("z", 0) for batch in counted) == 2
    assert any("z" not in batch.counts for batch in counted), "a task may be absent"


def test_labels_are_counted_in_the_worker_that_read_them() -> None:
    counted = []

    class Noted(Regression):
        def count(self, target: Any, weights: Tensor | None = None) -> float:
            counted.append(len(target))
            return super().count(target, weights)

    options: Any = {"batch_size": 4, "shuffle": False, "tasks": [Noted("z")]}
    source = partial()
    batches = list(loader(source, **options, workers=1))
    assert batches[0].counts == {"z": 2.0}
    assert not counted, "not here"
    list(loader(source, **options))
    assert counted == [11, 4, 4, 3], "all rows once; batch by batch, since a label is missing"


def test_a_label_that_breaks_its_rule_is_found_in_the_worker() -> None:
    loading = loader(data(12), batch_size=6, shuffle=False, workers=1, tasks=TASKS)
    with pytest.raises(DataError, match=r"worker process 0(.|\n)*task 'y'"):
        list(loading)
    with pytest.raises(DataError) as found:
        list(batches_of(loading, TASKS))
    with pytest.raises(DataError, match=r"^labels of task 'y' must be") as here:
        list(loader(data(12), batch_size=6, shuffle=False, tasks=TASKS))
    assert str(found.value) == str(here.value), "the Trainer says what it says without workers"


def test_a_loader_is_the_same_after_a_pickle() -> None:
    """A worker that is spawned gets the data set, the tasks and the draws by one."""
    batches = loader(partial(), batch_size=4, shuffle=True, tasks=TASKS)
    for one, other in zip(pickle.loads(pickle.dumps(batches)), batches, strict=True):
        assert_same(one, other)


@pytest.mark.slow
def test_a_worker_that_is_spawned_reads_the_same_batches() -> None:
    options: Any = {"batch_size": 4, "shuffle": True, "tasks": TASKS}
    spawned = loader(partial(), **options, workers=1)
    spawned.multiprocessing_context = "spawn"
    for one, other in zip(spawned, loader(partial(), **options), strict=True):
        assert_same(one, other)
