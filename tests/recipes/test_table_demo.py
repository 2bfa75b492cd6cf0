from pathlib import Path

import pytest

from plait.core.errors import ConfigError
from plait.experiments import run, validate, with_defaults
from plait.recipes import TableDemo
from plait.tasks import Binary, Classification, Regression
from tests.cli.shell import plait


def test_three_tasks_of_three_kinds_with_labels_missing() -> None:
    problem = TableDemo()
    assert [type(task) for task in problem.tasks()] == [Regression, Classification, Binary]
    assert {column.kind for column in problem.columns} == {"number", "category", "date", "tags"}
    for name, labels in problem.labels.items():
        missing = labels.isnan() if labels.is_floating_point() else labels < 0
        assert 0.05 < missing.float().mean() < 0.35, name


def test_it_needs_no_file(tmp_path: Path) -> None:
    words = ("train", "table-demo", "epochs=1", "device=cpu", "recipe.rows=60")
    ran = plait(*words, "--out", tmp_path / "run")
    assert ran.code == 0, ran.err
    assert "Rows with a label" in (tmp_path / "run/report.html").read_text()
    refused = plait(*words, "--data", tmp_path, "--out", tmp_path / "other")
    assert refused.code == 2
    assert "recipe TableDemo brings its own data" in refused.err


def test_every_task_is_learned(tmp_path: Path) -> None:
    config = validate(with_defaults({"recipe": "table-demo", "epochs": 5, "device": "cpu"}))
    result = run(config, tmp_path / "run")
    found, trivial = result.test.metrics, result.test.trivial
    assert found["rent"]["mae"] < 0.5 * trivial["rent"]["mae"]
    assert found["heating"]["accuracy"] > trivial["heating"]["accuracy"] + 0.1
    assert found["quick"]["auroc"] > 0.65


def test_options() -> None:
    assert len(TableDemo(rows=45).frame) == 45
    assert not TableDemo(seed=1).frame.equals(TableDemo().frame)
    with pytest.raises(ConfigError, match="`rows` of TableDemo must be"):
        TableDemo(rows=3)
    assert set(TableDemo(inputs={"area": "number"}, tasks={"rent": "number"}).inputs) == {"area"}
