import math
from pathlib import Path

import pandas as pd
import pytest

from plait.core.errors import ConfigError, DataError, UnsupportedError
from plait.data.table import read_table
from plait.experiments import open_problem, run, validate, with_defaults
from plait.experiments.trained import Trained
from tests.recipes.a_table import settings, table, written

FRAME = table()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on the table."""
    place = tmp_path_factory.mktemp("trained")
    given = settings(table=str(written(place)))
    config = validate(with_defaults({**given, "all_right": {"both": ["plan", "left"]}}))
    run(config, place / "run")
    return place / "run"


def test_predictions_are_those_of_the_model_row_by_row(folder: Path) -> None:
    trained = Trained(folder)
    found = trained.predict(FRAME)
    assert found.index.equals(FRAME.index)
    pd.testing.assert_frame_equal(trained.predict(FRAME.iloc[7:9]), found.iloc[7:9], rtol=1e-5)
    pd.testing.assert_frame_equal(trained.predict(FRAME[::-1])[::-1], found, rtol=1e-5)
    some = trained.predict(FRAME, ["left", "spend"])
    assert some.columns.tolist() == ["spend", "left", "left=here", "left=gone"]


def test_a_file_is_predicted_in_pieces(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plait.experiments.trained.PIECE", 7)
    trained = Trained(folder)
    out = tmp_path / "out.csv.gz"
    assert trained.predict_file(written(tmp_path), out, keep=["id"]) == len(FRAME)
    found = read_table(out).fillna({"topics": ""})
    assert found["id"].tolist() == FRAME["id"].tolist()
    expected = trained.predict(FRAME)
    pd.testing.assert_frame_equal(found[expected.columns], expected, check_dtype=False, rtol=1e-4)


def test_evaluation_is_that_of_the_predictions(folder: Path, tmp_path: Path) -> None:
    trained = Trained(folder)
    found = trained.evaluate(FRAME)
    wanted = FRAME["spend"].notna()
    error = (trained.predict(FRAME)["spend"] - FRAME["spend"])[wanted].abs().mean()
    assert found.metrics["spend"]["mae"] == pytest.approx(error, rel=1e-5)
    assert found.counts["spend"] == wanted.sum()
    from_file = trained.evaluate(written(tmp_path))
    assert from_file.metrics["plan"] == pytest.approx(found.metrics["plan"])
    assert "spend" not in trained.evaluate(FRAME.drop(columns="spend")).metrics
    assert set(trained.evaluate(FRAME, ["left"]).metrics) == {"left"}


def test_several_tasks_at_once_are_measured_where_all_have_their_columns(folder: Path) -> None:
    trained = Trained(folder)
    shares = trained.evaluate(FRAME).all_right
    predicted, there = trained.predict(FRAME), FRAME[["plan", "left"]].notna().all(axis=1)
    right = (predicted["plan"] == FRAME["plan"]) & (predicted["left"] == FRAME["left"])
    assert shares == {"both": pytest.approx(right[there].mean())}
    assert trained.evaluate(FRAME, ["left"]).all_right == {}


def test_labels_that_cannot_be_read(folder: Path) -> None:
    trained = Trained(folder)
    with pytest.raises(DataError, match="the class 'gold' in row 1, which the training of task"):
        trained.evaluate(FRAME.assign(plan="gold"))
    with pytest.raises(DataError, match="has no column of labels; the tasks are spend, plan"):
        trained.evaluate(FRAME.drop(columns=["spend", "plan", "left", "topics"]))
    with pytest.raises(DataError, match="lacks 1 column that is needed: 'spend'"):
        trained.evaluate(FRAME.drop(columns="spend"), ["spend"])
    with pytest.raises(ConfigError, match=r"unknown task 'spned'; .*Did you mean 'spend'"):
        trained.evaluate(FRAME, ["spned"])
    with pytest.raises(DataError, match="lacks 2 columns that are needed: 'age', 'scan'"):
        trained.predict(FRAME.drop(columns=["age", "scan"]))


def test_values_that_the_training_did_not_have_are_counted(folder: Path) -> None:
    trained = Trained(folder)
    trained.predict(FRAME)
    assert trained.surprises == []
    trained.predict(FRAME.assign(town="Oslo").iloc[:3])
    (sentence,) = trained.surprises
    assert sentence.startswith("3 of 63 rows have a value in 'town' that the training had once")


def test_a_run_on_a_frame_is_the_run_on_its_file(folder: Path, tmp_path: Path) -> None:
    config = validate(with_defaults({"recipe": "Table", **settings()}))
    run(config, tmp_path / "run", problem=open_problem(config, FRAME))
    pd.testing.assert_frame_equal(
        Trained(tmp_path / "run").predict(FRAME), Trained(folder).predict(FRAME)
    )


def test_folders_that_hold_no_trained_table(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no folder"):
        Trained(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match="is no run"):
        Trained(tmp_path)
    (tmp_path / "config.yaml").write_text("recipe: digits\n")
    with pytest.raises(ConfigError, match="has not ended, so it has no model"):
        Trained(tmp_path)
    only_model = Trained(folder / "model")
    assert not math.isnan(only_model.predict(FRAME)["spend"][0])
    with pytest.raises(ConfigError, match="does not say which columns are the labels"):
        only_model.evaluate(FRAME)


def test_a_column_that_is_kept_is_no_prediction(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    with pytest.raises(ConfigError, match=r"column 'plan' of table.csv has the name of a pred"):
        Trained(folder).predict_file(written(tmp_path), out, keep=["id", "plan"])
    assert not out.exists()


def test_a_run_with_pa_lora_serves_any_preference(folder: Path, tmp_path: Path) -> None:
    config = validate(with_defaults({"recipe": "Table", **settings(sharing="PaLoRA")}))
    run(config, tmp_path / "run", problem=open_problem(config, FRAME))
    trained, only = Trained(tmp_path / "run"), {"spend": 1, "plan": 0, "left": 0, "topics": 0}
    equal, spend = trained.predict(FRAME), trained.predict(FRAME, preference=only)
    pd.testing.assert_frame_equal(trained.predict(FRAME, preference=dict.fromkeys(only, 2)), equal)
    assert not spend["spend"].equals(equal["spend"])
    rows = trained.predict_file(written(tmp_path), tmp_path / "out.csv", preference=only)
    found = read_table(tmp_path / "out.csv")
    assert rows == len(FRAME)
    assert found["spend"].tolist() == pytest.approx(spend["spend"].tolist(), rel=1e-4)
    error = (spend["spend"] - FRAME["spend"]).abs().mean()
    measured = trained.evaluate(FRAME, preference=only)
    assert measured.metrics["spend"]["mae"] == pytest.approx(error, rel=1e-5)
    pd.testing.assert_frame_equal(trained.predict(FRAME), equal)
    with pytest.raises(ConfigError, match="unknown task of `preference` 'spned'"):
        trained.predict(FRAME, preference={"spned": 2})
    with pytest.raises(UnsupportedError, match=r"found sharing\.Hard"):
        Trained(folder).evaluate(FRAME, preference=only)
