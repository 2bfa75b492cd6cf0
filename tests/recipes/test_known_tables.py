"""What holds for every known table: miniatures in the original layout are read, run and refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from plait.core.errors import DataError
from plait.experiments import build_job, run, validate, with_defaults
from plait.experiments.overrides import read_yaml
from plait.experiments.trained import Trained
from plait.recipes import Recipe, Table
from tests.cli.shell import plait
from tests.recipes.known_tables import FOLDERS, KNOWN, MADE, miniature, real

CSV = [name for name, cls in KNOWN.items() if ".csv" in cls.file]
ARCHIVES = [name for name, cls in KNOWN.items() if ".npz" in cls.file]
SMALL = {"class": "TabularMLP", "widths": [4]}


def opened(name: str, folder: Path, **more: Any) -> Table:
    return KNOWN[name](data=folder, **more)


def used(problem: Table) -> set[str]:
    """All columns that a table's description speaks of, or its other split."""
    of_targets = {column for target in problem.targets for column in target.reads}
    other = {"scaffold"} & set(problem.frame.columns)
    return {*problem.inputs, *of_targets, *problem.exclude, "split", *other}


def settings(name: str, folder: Path, **more: Any) -> dict[str, Any]:
    short = {"recipe": name, "data": str(folder), "epochs": 1, "encoder": SMALL, "device": "cpu"}
    return with_defaults({**short, **more})


def test_every_known_table_has_a_miniature() -> None:
    assert set(MADE) == set(KNOWN) == set(FOLDERS)


@pytest.mark.parametrize("name", KNOWN)
def test_no_column_is_left_out_unsaid(name: str, tmp_path: Path) -> None:
    problem = opened(name, miniature(name, tmp_path))
    assert set(problem.frame.columns) == used(problem)


@pytest.mark.parametrize("name", KNOWN)
def test_the_real_table_has_the_columns_of_the_miniature(name: str, tmp_path: Path) -> None:
    problem = opened(name, real(name))
    assert list(problem.frame.columns) == list(opened(name, miniature(name, tmp_path)).frame)
    assert set(problem.frame.columns) == used(problem)


@pytest.mark.parametrize("name", KNOWN)
def test_every_row_is_in_one_split_with_its_labels(name: str, tmp_path: Path) -> None:
    problem = opened(name, miniature(name, tmp_path))
    rows = np.concatenate(list(problem.rows.values()))
    assert sorted(rows) == list(range(len(problem.frame)))
    for split, words in {"train": {"train"}, "val": {"val", "train"}, "test": {"test"}}.items():
        assert set(problem.frame["split"].iloc[problem.rows[split]]) <= words
    splits = problem.splits()
    assert all(len(splits[split]) == len(problem.rows[split]) > 0 for split in problem.rows)


@pytest.mark.parametrize("name", KNOWN)
def test_a_run_is_trained_used_and_measured(name: str, tmp_path: Path) -> None:
    folder = miniature(name, tmp_path)
    result = run(validate(settings(name, folder)), tmp_path / "run")
    problem = opened(name, folder)
    found = Trained(tmp_path / "run").evaluate(problem.frame.iloc[problem.rows["test"]])
    assert found.metrics.keys() == result.test.metrics.keys()
    for task, metrics in result.test.metrics.items():
        assert found.metrics[task] == pytest.approx(metrics, rel=1e-4, nan_ok=True)


@pytest.mark.parametrize("name", KNOWN)
def test_defaults_can_be_built(name: str, tmp_path: Path) -> None:
    folder = miniature(name, tmp_path)
    config = validate(with_defaults({"recipe": name, "data": str(folder), "device": "cpu"}))
    assert build_job(config, tmp_path / "run").trainer.options.epochs == Table.defaults["epochs"]


@pytest.mark.parametrize("name", KNOWN)
def test_a_missing_file_is_named(name: str, tmp_path: Path) -> None:
    refused = plait("train", name, "--data", tmp_path, "--out", tmp_path / "run")
    assert refused.code == 2
    assert f"must hold {KNOWN[name].file}; {KNOWN[name].file} not found" in refused.err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", CSV)
def test_a_missing_column_is_named(name: str, tmp_path: Path) -> None:
    path = miniature(name, tmp_path) / KNOWN[name].file
    whole = opened(name, tmp_path)
    labels = {column for target in whole.targets for column in target.reads}
    needed = {*whole.described_inputs, *labels, "split"}
    if any("*" in column for column in needed):  # a pattern stands for the columns that are there
        needed = {"split"}
    for column in sorted(needed):
        whole.frame.drop(columns=column).to_csv(path, index=False)
        with pytest.raises(DataError, match=f"'{column}'"):
            opened(name, tmp_path).splits()


@pytest.mark.parametrize("name", ARCHIVES)
def test_a_missing_array_is_named(name: str, tmp_path: Path) -> None:
    path = miniature(name, tmp_path) / KNOWN[name].file
    with np.load(path) as arrays:
        whole = dict(arrays)
    for key in whole:
        np.savez(path, **{other: each for other, each in whole.items() if other != key})
        with pytest.raises(DataError, match=f"{path.name} must hold .*; there is no {key}"):
            opened(name, tmp_path).splits()


@pytest.mark.parametrize("name", KNOWN)
def test_a_file_that_is_none_is_named(name: str, tmp_path: Path) -> None:
    (tmp_path / KNOWN[name].file).write_bytes(b"no table")
    with pytest.raises(DataError, match=str(tmp_path / KNOWN[name].file)):
        opened(name, tmp_path).splits()


@pytest.mark.parametrize("name", ["wine", "adult"])
def test_a_frame_takes_the_place_of_the_file(name: str, tmp_path: Path) -> None:
    problem = opened(name, miniature(name, tmp_path))
    frame: pd.DataFrame = problem.frame
    assert KNOWN[name](data=frame).columns == problem.columns


def test_settings_are_laid_on_the_description(tmp_path: Path) -> None:
    folder = miniature("wine", tmp_path)
    changes = {"inputs": {"alcohol": None}, "tasks": {"quality": {"weight": 2.0}, "colour": None}}
    job = build_job(validate(settings("wine", folder, **changes)), tmp_path / "run")
    recipe: Recipe = job.problem.recipe
    assert isinstance(recipe, Table)
    assert set(recipe.inputs) == set(KNOWN["wine"].defaults["inputs"]) - {"alcohol"}
    assert {name: task.weight for name, task in job.trainer.model.tasks.items()} == {"quality": 2.0}


def test_a_table_of_its_own_and_a_file_of_the_users_are_not_mixed(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("a,b\n1,2\n")
    for recipe in ("wine", "table-demo"):
        words = ("train", recipe, f"table={tmp_path / 'table.csv'}", "--out", tmp_path / "run")
        refused = plait(*words)
        assert refused.code == 2
        assert "`table` has no effect" in refused.err


@pytest.mark.parametrize("name", ["wine", "table-demo"])
def test_the_resolved_settings_make_the_run_again(name: str, tmp_path: Path) -> None:
    """To the last bit, from its `config.yaml` alone."""
    data = ["--data", str(miniature(name, tmp_path))] if name in KNOWN else ["recipe.rows=60"]
    words = ("epochs=2", "device=cpu", "encoder.width=8", "seed=3")
    first = plait("train", name, *data, *words, "--out", tmp_path / "first")
    assert first.code == 0, first.err
    again = plait("train", tmp_path / "first/config.yaml", "--out", tmp_path / "again")
    assert again.code == 0, again.err
    weights = [
        (tmp_path / run / "model/model.safetensors").read_bytes() for run in ("first", "again")
    ]
    assert weights[0] == weights[1]
    assert read_yaml(tmp_path / "first/config.yaml") == read_yaml(tmp_path / "again/config.yaml")


def test_a_table_without_its_split_is_divided_by_shares(tmp_path: Path) -> None:
    path = miniature("wine", tmp_path) / KNOWN["wine"].file
    opened("wine", tmp_path).frame.drop(columns="split").to_csv(path, index=False)
    shares = {"column": None, "val": 0.1, "test": 0.2}
    config = validate(settings("wine", tmp_path, split=shares))
    splits = build_job(config, tmp_path / "run").problem.recipe.splits()
    assert [len(splits[split]) for split in ("train", "val", "test")] == [42, 6, 12]
