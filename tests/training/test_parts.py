"""Several processes read parts of the same data."""

from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, DistributedSampler

from plait.core.errors import DataError
from plait.data import InMemory, loader
from plait.distributed import ranks
from plait.training.parts import check_loaders
from tests.distributed.group import Group

WHOLE = nn.Linear(2, 1)  # in each process
ROWS = [(torch.zeros(2), {"y": torch.tensor([float(row)])}) for row in range(30)]


def test_one_process_reads_any_loader() -> None:
    for train in (DataLoader(ROWS, batch_size=4), [], loader(ROWS, batch_size=4, shuffle=True)):
        check_loaders(train, DataLoader(ROWS, batch_size=4), epochs=2, model=WHOLE)
    with pytest.raises(DataError, match="the validation data must be a loader"):
        check_loaders([], ROWS[0][0].sum, epochs=1, model=WHOLE)


def parts(rows: list[Any]) -> DataLoader[Any]:
    return DataLoader(rows, batch_size=4, sampler=DistributedSampler(rows))


def told() -> list[str]:
    table = InMemory(torch.zeros(9, 2), {"y": torch.zeros(9, 1)})
    check_loaders(loader(table, batch_size=2, shuffle=True), None, epochs=1, model=WHOLE)
    check_loaders(parts(ROWS), loader(table, batch_size=2, shuffle=False), epochs=1, model=WHOLE)
    given: list[tuple[Any, Any]] = [
        (DataLoader(ROWS, batch_size=4), None),
        (parts(ROWS), parts(ROWS)),
        (parts(ROWS[: 10 + 10 * ranks().rank]), None),
    ]
    found = []
    for train, val in given:
        with pytest.raises(DataError) as error:
            check_loaders(train, val, epochs=1, model=WHOLE)
        found.append(str(error.value))
    return found


def test_what_processes_cannot_share(two: Group) -> None:
    first, second = two(told)
    assert first == second
    whole, validation, lengths = first
    assert "would give each of 2 processes all of its batches" in whole
    assert "read whole, by rank 0" in validation
    assert "have [2, 3] batches" in lengths
