"""The loaders of a run on several data sets, and its first example."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from plait import MultiTaskModel, Trainer
from plait.core.errors import ConfigError, DataError, ShapeError
from plait.data import DataSets, EachOnce, InMemory, Mixture
from plait.experiments.build.loaders import batch_size_of, build_loaders, example_of
from plait.experiments.config import RunConfig
from plait.recipes import Combined, Table
from plait.recipes._streamed_table import StreamedTable
from plait.sharing import Hard
from plait.tasks import Regression
from tests.training.problem import StopAt, Stopped, assert_same_model

TASKS = [Regression("y")]


def table(rows: int, width: int = 3) -> InMemory:
    return InMemory(torch.rand(rows, width), {"y": torch.rand(rows, 1)})


def splits(width: int = 3) -> dict[str, Any]:
    return {
        split: DataSets({"a": table(40), "b": table(12, width)})
        for split in ("train", "val", "test")
    }


def config(**settings: Any) -> RunConfig:
    return RunConfig.model_validate({"recipe": "Combined", **settings})


def test_training_is_mixed_and_the_rest_is_gone_through() -> None:
    sources = {"a": {"batch_size": 10}, "b": {}}
    made = build_loaders(
        config(sources=sources, batch_size=4, mixing="RoundRobin", steps=6), splits(), TASKS
    )
    assert isinstance(made["train"], Mixture)
    assert len(made["train"]) == 6
    sizes = {name: size.batch_size for name, size in made["train"].sizes.items()}
    assert sizes == {"a": 10, "b": 4}
    for split in ("val", "test"):
        assert isinstance(made[split], EachOnce)
        assert sum(len(part.inputs) for batch in made[split] for part in batch.parts) == 52


def test_one_data_set_has_no_mixing() -> None:
    alone = dict.fromkeys(("train", "val", "test"), table(9))
    assert len(build_loaders(config(batch_size=4), alone, TASKS)["train"]) == 3
    for setting in ({"mixing": "EqualShares"}, {"steps": 4}):
        with pytest.raises(ConfigError, match="is about several data sets, and there is one"):
            build_loaders(config(**setting), alone, TASKS)


def test_an_empty_source_is_named() -> None:
    empty = {split: DataSets({"a": table(4), "b": table(0)}) for split in ("train", "val", "test")}
    with pytest.raises(DataError, match="source 'b': a source must have at least one batch"):
        build_loaders(config(), empty, TASKS)


def test_the_example_has_each_source_where_there_are_stems() -> None:
    made = build_loaders(config(batch_size=4), splits(5), TASKS, stems=True)["val"]
    found = example_of(made, nn.Identity())
    assert {name: tuple(each.shape) for name, each in found.items()} == {"a": (4, 3), "b": (4, 5)}


def test_without_stems_the_encoder_reads_every_source() -> None:
    made = build_loaders(config(batch_size=4), splits(5), TASKS)["val"]
    with pytest.raises(ShapeError, match=r"source 'b': .* Give each source a `stem`"):
        example_of(made, nn.Linear(3, 2))
    alike = build_loaders(config(batch_size=4), splits(), TASKS)["val"]
    assert example_of(alike, nn.Linear(3, 2)).shape == (4, 3)


def test_a_stated_batch_size_counts() -> None:
    assert batch_size_of(7, 10**6) == 7


def test_a_table_a_streamed_parquet_file_and_a_hugging_face_data_set(tmp_path: Path) -> None:
    """In one run, and on after an interruption in an epoch; an exact copy of the whole one."""
    pytest.importorskip("pyarrow")
    datasets = pytest.importorskip("datasets")
    draw = np.random.default_rng(0)

    def frame(rows: int, first: str) -> pd.DataFrame:
        found = pd.DataFrame({first: draw.normal(size=rows), "y": draw.normal(size=rows)})
        return found.assign(sold=np.where(found[first] > 0, "yes", "no"))

    frame(160, "b").to_parquet(tmp_path / "b.parquet", row_group_size=20)
    described = {"tasks": {"sold": "yes/no"}, "split": {"val": 0.2, "test": 0.2}}
    table, hub = frame(60, "a"), datasets.Dataset.from_pandas(frame(40, "c"))

    def trained(run: Path, *, stop: int = 0, resume: bool = False) -> Trainer:
        problem = Combined(
            {
                "table": Table(data=table, inputs={"a": "number"}, **described),
                "stream": StreamedTable(
                    data=tmp_path / "b.parquet", inputs={"b": "number"}, **described
                ),
                "hub": Table(data=hub, inputs={"c": "number"}, **described),
            }
        )
        config = RunConfig.model_validate(
            {"recipe": "Combined", "batch_size": 8, "mixing": "EqualShares"}
        )
        torch.manual_seed(0)
        tasks, encoder = problem.tasks(), problem.encoder()
        loaders = build_loaders(config, problem.splits(), tasks, stems=True)
        model = MultiTaskModel(Hard(encoder), tasks, example=example_of(loaders["val"], encoder))
        callbacks = [StopAt("on_step_end", stop)] if stop else []
        options: dict[str, Any] = {"epochs": 2, "device": "cpu", "progress": False}
        made = Trainer(model, run=run, checkpoint_every=4, callbacks=callbacks, **options)
        made.fit(loaders["train"], loaders["val"], resume=resume)
        return made

    whole = trained(tmp_path / "whole")
    assert set(whole.state.examples) == {"table", "stream", "hub"}
    with pytest.raises(Stopped):
        trained(tmp_path / "parted", stop=6)
    parted = trained(tmp_path / "parted", resume=True)
    assert_same_model(whole.model, parted.model)
    assert parted.state.examples == whole.state.examples
