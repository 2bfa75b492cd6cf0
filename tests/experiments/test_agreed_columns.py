from pathlib import Path

import pytest
import torch

from plait.core.columns import Column
from plait.core.errors import CheckpointError
from plait.encoders import TabularEncoder
from plait.experiments.agreed_columns import check_columns, write_columns
from plait.experiments.run import resume_run
from plait.experiments.table_run import run_table
from tests.recipes.a_table import table, written

AGE = Column("age", "number", center=[1.0], scale=[2.0], missing=[0.0], edges=[[0.0, 1.0]])


def town(*values: str) -> Column:
    return Column("town", "category", values=list(values))


def test_a_column_that_has_changed_is_named(tmp_path: Path) -> None:
    write_columns(TabularEncoder([AGE, town("a", "b")]), tmp_path)
    check_columns(TabularEncoder([AGE, town("a", "b")]), tmp_path)
    for other in ([AGE, town("a", "c")], [AGE]):
        with pytest.raises(CheckpointError, match=r"has changed .* other values in 'town'\. Go on"):
            check_columns(TabularEncoder(other), tmp_path)


def test_an_encoder_without_columns(tmp_path: Path) -> None:
    write_columns(torch.nn.Linear(2, 2), tmp_path)
    assert not list(tmp_path.iterdir())
    check_columns(torch.nn.Linear(2, 2), tmp_path)


def test_a_run_does_not_go_on_with_another_table(tmp_path: Path) -> None:
    path, run = written(tmp_path), tmp_path / "run"
    settings = {"epochs": 1, "device": "cpu", "encoder": "TabularMLP"}
    run_table(path, ["spend"], inputs=["age", "town"], folder=run, settings=settings)
    written(tmp_path, table().replace({"town": {"Rom": "Paris"}}))
    with pytest.raises(CheckpointError, match="other values in 'town'"):
        resume_run(run, changes={"epochs": 2})
    written(tmp_path)
    assert resume_run(run, changes={"epochs": 2}).best_epoch <= 2
