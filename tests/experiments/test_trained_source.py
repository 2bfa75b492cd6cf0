"""Tables of one source of a run on several."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from plait.core.errors import ConfigError
from plait.data.table.encode import encode
from plait.experiments import run, validate, with_defaults
from plait.experiments.trained import Trained
from plait.experiments.trained_source import described_tasks
from plait.recipes import TableDemo
from tests.recipes.a_table import INPUTS, TASKS, table, written

FRAME = table()
FLATS = TableDemo(rows=40).read()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on a table, a recipe that makes one, and pictures."""
    place = tmp_path_factory.mktemp("sources")
    own = {"table": str(written(place)), "inputs": INPUTS, "tasks": TASKS, "split": "fold"}
    demo = {"recipe": {"class": "TableDemo", "rows": 60}, "tasks": ["rent", "heating"]}
    pictures = {"recipe": {"class": "Digits", "scenes": 40, "size": 48}, "tasks": ["digit"]}
    small = {"class": "TabularMLP", "widths": [8]}
    convolution = {"class": "ConvEncoder", "in_channels": 1, "widths": [8]}
    given = {
        "sources": {
            "own": {**own, "stem": small},
            "demo": {**demo, "stem": small},
            "digits": {
                **pictures,
                "stem": convolution,
            },
        },
        "mixing": "RoundRobin",
        "epochs": 1,
        "steps": 3,
        "batch_size": 16,
        "device": "cpu",
    }
    run(validate(with_defaults(given)), place / "run")
    return place / "run"


def test_rows_are_predicted_by_the_stem_of_their_source(folder: Path) -> None:
    trained = Trained(folder, source="demo")
    found = trained.predict(FLATS)
    assert [name for name in found if "=" not in name] == ["rent", "heating"]
    inputs = {"demo": encode(FLATS, trained.columns, source="flats")}
    rent = trained.model.predict(inputs)["rent"].value[:, 0]
    assert found["rent"].tolist() == pytest.approx(rent.tolist())


def test_tasks_of_other_sources_are_predicted_when_asked_for(folder: Path, tmp_path: Path) -> None:
    trained = Trained(folder, source="demo")
    assert trained.predict(FLATS, ["spend"]).columns.tolist() == ["spend"]
    FLATS.to_csv(tmp_path / "new.csv", index=False)
    trained.predict_file(tmp_path / "new.csv", tmp_path / "out.csv")
    written_rows = pd.read_csv(tmp_path / "out.csv")
    assert written_rows["rent"].tolist() == pytest.approx(trained.predict(FLATS)["rent"].tolist())


def test_a_labelled_table_measures_the_tasks_of_its_source(folder: Path) -> None:
    assert set(Trained(folder, source="own").evaluate(FRAME).metrics) == {*TASKS}
    trained = Trained(folder, source="demo")
    found = trained.evaluate(FLATS)
    assert set(found.metrics) == {"rent", "heating"}  # not `quick`, which was not trained
    errors = (trained.predict(FLATS)["rent"] - FLATS["rent"]).abs()
    assert found.metrics["rent"]["mae"] == pytest.approx(errors.mean(), rel=1e-5)
    other = FLATS.assign(spend=1.0)
    assert set(trained.evaluate(other, ["spend"]).metrics) == {"spend"}


def test_labels_are_read_as_their_source_says(folder: Path) -> None:
    own = described_tasks(folder, "own")
    assert own["left"] == TASKS["left"]
    assert own["rent"] == {"kind": "number"}
    assert described_tasks(folder, "demo")["left"] == TASKS["left"]


def test_without_a_run_folder_all_tasks_are_predicted(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "model", tmp_path / "model")
    found = Trained(tmp_path / "model", source="demo").predict(FLATS)
    assert {*TASKS, "rent", "heating", "digit"} <= {*found}
    with pytest.raises(ConfigError, match="does not say which columns are the labels"):
        Trained(tmp_path / "model", source="demo").evaluate(FLATS)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (None, "reads several data sets: own, demo, digits. Name the one that the table is like"),
        ("dmo", "unknown source 'dmo'; known: .* Did you mean 'demo'"),
        ("digits", "does not read tables of source 'digits': its encoder knows no columns"),
    ],
)
def test_a_source_that_cannot_read_a_table_is_said(
    folder: Path, source: str | None, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        Trained(folder, source=source).predict(FLATS)
