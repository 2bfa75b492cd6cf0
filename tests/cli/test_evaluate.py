import json
from pathlib import Path

import pytest
import yaml

from plait.experiments.trained import Trained
from tests.cli.shell import plait
from tests.recipes.a_table import settings, table, written


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a table and a run on it."""
    place = tmp_path_factory.mktemp("evaluate")
    written(place)
    (place / "table.yaml").write_text(
        yaml.safe_dump({"table": "table.csv", **settings()}, sort_keys=False)
    )
    assert plait("train", place / "table.yaml", "--out", place / "run").code == 0
    return place


def test_metrics_are_shown(folder: Path) -> None:
    expected = Trained(folder / "run").evaluate(table()).metrics
    ran = plait("evaluate", folder / "run", folder / "table.csv")
    assert ran.code == 0
    for task, metrics in expected.items():
        for metric, value in metrics.items():
            rows = [line.split() for line in ran.out.splitlines() if f" {metric} " in line]
            assert [task, metric, f"{value:.4g}"] in [row[1::2] for row in rows]
    ran = plait("evaluate", folder / "run", folder / "table.csv", "--json", "--tasks", "spend")
    found = json.loads(ran.out)
    assert found["metrics"] == {"spend": pytest.approx(expected["spend"])}


def test_a_class_that_the_training_did_not_have(folder: Path, tmp_path: Path) -> None:
    new = written(tmp_path, table().assign(plan="gold"), "new.csv")
    ran = plait("evaluate", folder / "run", new)
    assert ran.code == 2
    assert "column 'plan' of new.csv has the class 'gold' in row 1" in ran.err
