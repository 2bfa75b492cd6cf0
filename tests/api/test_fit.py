from pathlib import Path

import pytest
import yaml

import plait
from plait.core.errors import ConfigError, DataError, RunExistsError
from tests.recipes.a_table import table

SHORT = {"epochs": 2, "batch_size": 16, "device": "cpu", "encoder": {"class": "TabularMLP"}}
FRAME = table()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> plait.Run:
    """A run on the frame, with the kinds of its columns guessed."""
    folder = tmp_path_factory.mktemp("fit") / "run"
    return plait.fit(FRAME, ["spend", "plan"], run=folder, progress=False, **SHORT)


def test_three_lines(run: plait.Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert set(run.metrics) == {"spend", "plan"}
    found = run.predict(FRAME)
    assert {"spend", "plan", "plan=basic"} <= set(found.columns)
    assert len(found) == len(FRAME)
    assert run.evaluate(FRAME).metrics.keys() == {"spend", "plan"}
    assert capsys.readouterr() == ("", "")


def test_columns_are_guessed(run: plait.Run) -> None:
    found = yaml.safe_load((run.folder / "config.yaml").read_text())
    assert found["split"] == "fold"
    assert found["tasks"] == {"spend": {"kind": "number"}, "plan": {"kind": "category"}}
    assert "id" in found["exclude"]
    assert found["inputs"]["town"] == "category"
    assert found["inputs"]["age"] == {"kind": "number", "missing": ["?"]}


def test_what_is_given_is_not_guessed(tmp_path: Path) -> None:
    run = plait.fit(
        FRAME,
        {"spend": {"kind": "number", "weight": 2}, "left": {"kind": "yes/no", "positive": "gone"}},
        inputs={"age": {"kind": "number", "missing": "?"}},
        split={"val": 0.2, "test": 0.2},
        run=tmp_path / "run",
        progress=False,
        balancing="UncertaintyWeights",
        **SHORT,
    )
    found = yaml.safe_load((tmp_path / "run/config.yaml").read_text())
    assert found["inputs"] == {"age": {"kind": "number", "missing": "?"}}
    assert found["split"] == {"val": 0.2, "test": 0.2}
    assert found["balancing"] == {"class": "UncertaintyWeights"}
    assert run.model.tasks["spend"].weight == 2
    assert list(run.predict(FRAME).columns) == ["spend", "left", "left=here", "left=gone"]


def test_calls_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"unknown column of the table 'spned'; .*'spend'"):
        plait.fit(FRAME, ["spned"], run=tmp_path / "a")
    with pytest.raises(ConfigError, match=r"unknown setting 'epoch'. Did you mean 'epochs'"):
        plait.fit(FRAME, ["spend"], run=tmp_path / "a", epoch=3)
    assert not (tmp_path / "a").exists()
    (tmp_path / "b").mkdir()
    (tmp_path / "b/events.jsonl").touch()
    with pytest.raises(RunExistsError, match="Name another folder with run=, or go on with it"):
        plait.fit(FRAME, ["spend"], run=tmp_path / "b")
