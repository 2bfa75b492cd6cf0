"""A table, a streamed Parquet file and a data set of Hugging Face, mixed in one training."""

from pathlib import Path
from typing import Any

import pytest
import torch

from plait import MultiTaskModel, Trainer
from plait.data import InMemory, Mixture, Source
from plait.data.mixing import EqualShares, Proportional
from plait.encoders import TabularMLP
from plait.recipes._streamed_table import StreamedTable
from plait.recipes.table import Table
from plait.sharing import Hard
from plait.training import Callback
from tests.data.streams.tables import frame, written

pytest.importorskip("pyarrow")

SETTINGS: dict[str, Any] = {"inputs": {"x": "number", "word": "category"}, "split": "part"}


class Stopped(Exception):
    """Ends a training in the middle of an epoch."""


class StopsAt(Callback):
    def on_step_end(self, trainer: Trainer, record: Any) -> None:
        if trainer.state.step == 13:
            trainer.save()
            raise Stopped


def tables(folder: Path) -> dict[str, Table]:
    datasets: Any = pytest.importorskip("datasets")
    small = frame(150)
    words = datasets.Dataset.from_pandas(frame(300)[["x", "word", "yes", "part"]])
    return {
        "memory": Table(data=small, tasks={"y": "number"}, **SETTINGS),
        "file": StreamedTable(
            data=written(folder / "t.parquet"), tasks={"kind": "category"}, **SETTINGS
        ),
        "hub": StreamedTable(data=words, tasks={"yes": "yes/no"}, **SETTINGS),
    }


def trained(
    folder: Path, run: str, *, workers: int, stop: bool = False, resume: bool = False
) -> Any:
    torch.manual_seed(0)
    sources, tasks = {}, []
    found = tables(folder)
    for name, table in found.items():
        sources[name] = Source(table.splits()["train"], batch_size=16, buffer=100, workers=workers)
        tasks += table.tasks()
    encoder = TabularMLP(found["file"].columns)
    model = MultiTaskModel(Hard(encoder), tasks, example=torch.zeros(2, 2))
    mixture = Mixture(sources, EqualShares(), tasks=tasks, seed=1)
    trainer = Trainer(
        model,
        epochs=2,
        device="cpu",
        run=folder / run,
        callbacks=[StopsAt()] if stop else [],
        progress=False,
    )
    trainer.fit(mixture, resume=resume)
    return trainer, mixture


@pytest.mark.parametrize("workers", [0, 1])
def test_three_kinds_of_sources_train_in_one_run_that_resumes(tmp_path: Path, workers: int) -> None:
    whole, mixture = trained(tmp_path, "whole", workers=workers)
    assert {name: size.examples for name, size in mixture.sizes.items()} == {
        name: int((table["part"] == "train").sum())
        for name, table in (("memory", frame(150)), ("file", frame()), ("hub", frame(300)))
    }
    assert whole.state.step == 2 * len(mixture) > 26
    with pytest.raises(Stopped):
        trained(tmp_path, "parts", workers=workers, stop=True)
    resumed, _ = trained(tmp_path, "parts", workers=workers, resume=True)
    weights = resumed.model.state_dict()
    assert all(torch.equal(weights[k], each) for k, each in whole.model.state_dict().items())


def test_every_row_of_every_source_comes_once(tmp_path: Path) -> None:
    found = tables(tmp_path)
    sources = {
        name: Source(table.splits()["train"], batch_size=16, buffer=100)
        for name, table in found.items()
    }
    tasks = [task for table in found.values() for task in table.tasks()]
    mixture = Mixture(sources, Proportional(), tasks=tasks)
    for name, table in found.items():
        batches = list(mixture.first_pass(name))
        rows = torch.cat([part.inputs for batch in batches for part in batch.parts])
        train: Any = table.splits()["train"]
        wanted = train.inputs if isinstance(train, InMemory) else train.held().inputs
        assert not torch.equal(rows.nan_to_num(-9), wanted.nan_to_num(-9))
        assert sorted(rows.nan_to_num(-9).tolist()) == sorted(wanted.nan_to_num(-9).tolist())
