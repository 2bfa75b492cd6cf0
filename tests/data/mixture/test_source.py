"""What a source may be, and what is known of its size."""

from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader

from plait.core.batch import Batch
from plait.core.errors import ConfigError, DataError
from plait.data import InMemory, Source, loader
from plait.data.mixing.base import Size
from tests.data.mixture.tables import KnownStream, Stream, own_loader, table, tasks

TABLE = table("large", 10)
PAIRS = [TABLE[index] for index in range(10)]
BATCHES = [(TABLE.inputs[:4], {"large": TABLE.inputs[:4]})] * 3


@pytest.mark.parametrize(
    ("data", "options", "size"),
    [
        (TABLE, {"batch_size": 4}, Size(10, 3, 10 / 3)),
        (TABLE, {"batch_size": 4, "drop_last": True}, Size(8, 2, 4)),
        (PAIRS, {"batch_size": 5}, Size(10, 2, 5)),
        (Stream(TABLE), {"batch_size": 4}, Size(None, None, 4)),
        (Stream(TABLE), {"batch_size": 4, "examples": 10}, Size(10, 3, 10 / 3)),
        (KnownStream(TABLE), {"batch_size": 4}, Size(10, 3, 10 / 3)),
        (own_loader(TABLE, 4), {}, Size(10, 3, 10 / 3)),
        (own_loader(TABLE, 4, drop_last=True), {}, Size(10, 2, 4)),
        (loader(TABLE, batch_size=4, shuffle=True), {}, Size(10, 3, 10 / 3)),
        (DataLoader(Stream(TABLE), batch_size=4), {}, Size(None, None, 4)),
        (BATCHES, {}, Size(None, 3, None)),
        (BATCHES, {"examples": 12}, Size(12, 3, 4)),
    ],
)
def test_sizes_are_known_as_far_as_the_data_say(data: Any, options: Any, size: Size) -> None:
    assert Source(data, **options).size == size


def test_batches_with_a_stated_size() -> None:
    class Anew:
        def __iter__(self) -> Any:
            return iter(BATCHES)

    assert Source(Anew(), batch_size=4).size == Size(None, None, 4)
    assert Source(Anew(), batch_size=4, examples=12).size == Size(12, 3, 4)


@pytest.mark.parametrize("workers", [0, 2])  # of a stream, there is one at most
@pytest.mark.parametrize("data", [TABLE, PAIRS, Stream(TABLE)], ids=["table", "list", "stream"])
def test_data_sets_become_counted_batches(data: Any, workers: int) -> None:
    found = list(Source(data, batch_size=4, workers=workers).loader(tasks(), seed=0))
    assert all(isinstance(batch, Batch) for batch in found)
    assert sum(batch.counts["large"] for batch in found) == 10
    rows = torch.cat([batch.parts[0].inputs for batch in found]).floor().flatten()
    assert sorted(rows.tolist()) == list(range(10))


def test_a_loader_of_your_own_is_left_alone() -> None:
    own = own_loader(TABLE)
    assert Source(own).loader(tasks(), seed=0) is own


@pytest.mark.parametrize(
    ("data", "options", "error", "message"),
    [
        (TABLE, {}, ConfigError, "InMemory.* needs a `batch_size`"),
        (TABLE, {"batch_size": 0}, ConfigError, "`batch_size` of Source must be .*at least 1"),
        (TABLE, {"batch_size": 4, "workers": -1}, ConfigError, "workers"),
        ([], {"batch_size": 4}, DataError, "at least one batch of examples; found none"),
        ([], {}, DataError, "at least one batch; found none"),
        (PAIRS, {"batch_size": 40, "drop_last": True}, DataError, "10 examples, less than one"),
        (iter(BATCHES), {}, DataError, "can be gone through once"),
        (3, {}, DataError, "must be a data set or a loader of batches; found int"),
    ],
)
def test_what_is_no_source_is_refused(
    data: Any, options: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        Source(data, **options)


def test_a_table_without_rows_is_refused() -> None:
    empty = InMemory(torch.zeros(0, 2), {"large": torch.zeros(0, 1)})
    with pytest.raises(DataError, match="at least one batch of examples; found none"):
        Source(empty, batch_size=4)
