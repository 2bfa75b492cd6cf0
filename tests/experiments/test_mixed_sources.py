"""A table, a Parquet file that is streamed, and a data set of Hugging Face in one run."""

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from plait.experiments.build import Problem
from plait.experiments.config import validate
from plait.experiments.run import run
from plait.recipes import Combined, Table
from plait.recipes._streamed_table import StreamedTable


def table(rows: int, task: str, seed: int) -> pd.DataFrame:
    """A table whose target is the sum of its columns, with a column of its split."""
    rng = np.random.default_rng(seed)
    found = pd.DataFrame(rng.normal(size=(rows, 3)), columns=list("abc"))
    parts = itertools.cycle(["train"] * 3 + ["val", "test"])
    return found.assign(**{task: found.sum(axis=1)}, split=list(itertools.islice(parts, rows)))


def test_they_train_together_and_each_part_is_of_one_source(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    datasets = pytest.importorskip("datasets")
    table(100, "first", 0).to_csv(tmp_path / "small.csv", index=False)
    table(400, "second", 1).to_parquet(tmp_path / "large.parquet", row_group_size=50)
    from_hub = datasets.Dataset.from_pandas(table(200, "third", 2), preserve_index=False)
    numbers = dict.fromkeys("abc", "number")
    described = {"inputs": numbers, "split": "split"}
    recipe = Combined(
        {
            "small": Table(data=tmp_path / "small.csv", tasks={"first": "number"}, **described),
            "large": StreamedTable(
                data=tmp_path / "large.parquet", tasks={"second": "number"}, **described
            ),
            "hub": Table(data=from_hub, tasks={"third": "number"}, **described),
        }
    )
    config = validate(
        {"recipe": "Combined", "epochs": 3, "batch_size": 20, "device": "cpu", "steps": 24}
        | {"mixing": "RoundRobin", "optimizer": {"class": "AdamW", "lr": 0.01}}
    )
    found = run(config, tmp_path / "run", problem=Problem(recipe, config))
    assert set(found.test.metrics) == {"first", "second", "third"}
    trivial = found.test.trivial
    for task, metrics in found.test.metrics.items():
        assert metrics["mae"] < trivial[task]["mae"], task
