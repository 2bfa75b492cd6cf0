"""What holds for all known data of sentences and sounds: miniatures are read, run and refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plait.core.errors import DataError
from plait.experiments import build_job, run, validate, with_defaults
from plait.experiments.build.names import recipe_class
from plait.experiments.trained import Trained
from plait.recipes import Table
from plait.recipes._known_folder import KnownFolder
from tests.cli.shell import plait
from tests.recipes.known_media import MADE

FIRST = {  # a file of each layout
    "atis": "train/seq.in",
    "fsdd": "recordings",
    "gum": "train.jsonl.gz",
    "meld": "train_sent_emo.csv",
}


def opened(name: str, folder: Path, **more: Any) -> KnownFolder:
    cls: Any = recipe_class(name)
    problem = cls(data=folder, **more)
    assert isinstance(problem, KnownFolder)
    return problem


def settings(name: str, folder: Path, **more: Any) -> dict[str, Any]:
    return with_defaults(
        {"recipe": name, "data": str(folder), "epochs": 1, "device": "cpu", **more}
    )


@pytest.mark.parametrize("name", MADE)
def test_every_row_is_in_one_split_with_its_labels(name: str, tmp_path: Path) -> None:
    problem = opened(name, MADE[name](tmp_path))
    rows = np.concatenate(list(problem.rows.values()))
    assert sorted(rows) == list(range(len(problem.frame)))
    words = {"train": {"train"}, "val": {"val", "dev"}, "test": {"test"}}
    for split, each in words.items():
        assert set(problem.frame["split"].iloc[problem.rows[split]]) <= each
    splits: Any = problem.splits()
    assert all(len(splits[split]) == len(problem.rows[split]) > 0 for split in problem.rows)
    _, targets = splits["train"][0]
    assert targets.keys() == problem.described_tasks.keys()


@pytest.mark.parametrize("name", MADE)
def test_a_run_is_trained_used_and_measured(name: str, tmp_path: Path) -> None:
    folder = MADE[name](tmp_path / "data")
    result = run(validate(settings(name, folder)), tmp_path / "run")
    problem = opened(name, folder)
    assert result.test.metrics.keys() == problem.described_tasks.keys()
    test = problem.frame.iloc[problem.rows["test"]]
    found = Trained(tmp_path / "run", files=folder).evaluate(test)
    for task, metrics in result.test.metrics.items():
        assert found.metrics[task] == pytest.approx(metrics, rel=1e-4, nan_ok=True)


@pytest.mark.parametrize("name", MADE)
def test_defaults_can_be_built(name: str, tmp_path: Path) -> None:
    folder = MADE[name](tmp_path / "data")
    config = validate(with_defaults({"recipe": name, "data": str(folder), "device": "cpu"}))
    assert build_job(config, tmp_path / "run").trainer.options.epochs > 1


@pytest.mark.parametrize("name", MADE)
def test_a_missing_file_is_named(name: str, tmp_path: Path) -> None:
    refused = plait("train", name, "--data", tmp_path, "--out", tmp_path / "run")
    assert refused.code == 2
    assert "must hold" in refused.err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["atis", "gum", "meld"])
def test_a_file_that_is_none_is_named(name: str, tmp_path: Path) -> None:
    path = MADE[name](tmp_path) / FIRST[name]
    path.write_bytes(b"\xff\xfe no text")
    with pytest.raises(DataError, match=str(path)):
        opened(name, tmp_path).splits()


@pytest.mark.parametrize("name", ["atis", "gum", "meld"])
def test_a_frame_takes_the_place_of_the_folder(name: str, tmp_path: Path) -> None:
    problem = opened(name, MADE[name](tmp_path))
    cls: Any = recipe_class(name)
    again: Table = cls(data=problem.frame)
    assert again.columns == problem.columns
