"""Rows of an iterable, encoded while they are read."""

from typing import Any

import pandas as pd
import pytest
import torch

from plait.core.errors import DataError
from plait.data import InMemory, loader
from plait.data.streams.row_stream import RowStream


class Rows:
    """An iterable of rows that knows its epoch."""

    epoch = 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __iter__(self) -> Any:
        return iter([{"x": k, "word": "ab"[k % 2], "epoch": self.epoch} for k in range(1500)])


def encode(frame: pd.DataFrame, name: str) -> InMemory:
    assert name == "the stream"
    numbers = torch.tensor(frame["x"].to_numpy())
    return InMemory(
        numbers[:, None].float(), {"y": numbers, "epoch": torch.tensor(frame["epoch"].to_numpy())}
    )


def labels(data: RowStream, epoch: int, skip: int = 0, task: str = "y") -> list[int]:
    batches: Any = loader(data, batch_size=64, shuffle=True, buffer=1200)
    batches.start_at(epoch, 0)
    found = [targets[task] for _, targets in batches]
    return torch.cat(found[skip:]).tolist()


def test_every_row_comes_once_in_an_order_of_the_epochs_own() -> None:
    data = RowStream(Rows(), encode)
    orders = [labels(data, epoch) for epoch in (0, 1, 0)]
    assert orders[0] == orders[2] != orders[1]
    assert [sorted(order) for order in orders] == [list(range(1500))] * 3
    assert set(labels(data, 3, task="epoch")) == {3}
    assert data.examples is None


def test_what_is_no_row_is_refused() -> None:
    with pytest.raises(DataError, match=r"must yield rows \{column: cell\}; found tuple"):
        next(RowStream([(1, 2)], encode).pieces(0, None))  # type: ignore[list-item]


def test_class_numbers_of_hugging_face_become_names() -> None:
    datasets: Any = pytest.importorskip("datasets")
    features = datasets.Features({"kind": datasets.ClassLabel(names=["no", "yes"])})
    data = datasets.Dataset.from_dict({"kind": [1, 0, -1]}, features=features)
    seen: list[Any] = []
    stream = RowStream(data.to_iterable_dataset(), lambda frame, name: seen.append(frame))
    next(stream.pieces(0, None)).read()
    assert seen[0]["kind"].tolist()[:2] == ["yes", "no"]
    assert seen[0]["kind"].isna().tolist() == [False, False, True]
