"""The loaders of a run on several data sets, and its first example."""

from typing import Any

import pytest
import torch
from torch import nn

from plait.core.errors import ConfigError, DataError, ShapeError
from plait.data import DataSets, EachOnce, InMemory, Mixture
from plait.experiments.build.loaders import batch_size_of, build_loaders, example_of
from plait.experiments.config import RunConfig
from plait.tasks import Regression

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
