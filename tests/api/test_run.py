from pathlib import Path

import pandas as pd
import pytest

import plait
from plait.core.errors import ConfigError, UnsupportedError
from tests.recipes.a_table import table, written

FRAME = table()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> plait.Run:
    """A run on the frame."""
    folder = tmp_path_factory.mktemp("run") / "run"
    short = {"epochs": 1, "batch_size": 16, "device": "cpu", "encoder": "TabularMLP"}
    return plait.fit(FRAME, ["spend", "plan"], run=folder, progress=False, **short)


def test_a_run_is_opened_again(run: plait.Run) -> None:
    again = plait.load(run.folder)
    pd.testing.assert_frame_equal(again.predict(FRAME), run.predict(FRAME))
    assert repr(again) == f"Run({str(run.folder)!r}, tasks: spend, plan)"
    assert again.metrics == run.metrics


def test_a_file_is_read_by_its_name(run: plait.Run, tmp_path: Path) -> None:
    path = written(tmp_path)
    pd.testing.assert_frame_equal(run.predict(path), run.predict(FRAME))
    pd.testing.assert_frame_equal(run.predict(str(path), "spend"), run.predict(FRAME)[["spend"]])
    assert run.evaluate(path).metrics["plan"] == pytest.approx(run.evaluate(FRAME).metrics["plan"])


def test_the_report_opens_in_a_notebook(run: plait.Run) -> None:
    report = run.report()
    assert report.path == run.folder / "report.html"
    page = report._repr_html_()
    assert page.startswith("<iframe srcdoc=")
    assert "<!DOCTYPE html>" not in page, "the page is escaped"
    assert repr(report) == str(report.path)


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no folder"):
        plait.load(tmp_path / "nowhere")


def test_a_preference_is_chosen_after_the_training(run: plait.Run, tmp_path: Path) -> None:
    short = {"epochs": 1, "batch_size": 16, "device": "cpu", "encoder": "TabularMLP"}
    slider = plait.fit(
        FRAME, ["spend", "plan"], run=tmp_path / "run", sharing="PaLoRA", progress=False, **short
    )
    equal = slider.predict(FRAME)
    for preference in ({"spend": 0}, {"spend": 3}):
        found = slider.predict(FRAME, "spend", preference=preference)
        assert not found["spend"].equals(equal["spend"])
        pd.testing.assert_frame_equal(
            slider.predict(written(tmp_path), "spend", preference=preference), found
        )
        measured = slider.evaluate(FRAME, preference=preference).metrics["spend"]["mae"]
        assert measured == pytest.approx((found["spend"] - FRAME["spend"]).abs().mean(), rel=1e-5)
    pd.testing.assert_frame_equal(slider.predict(FRAME), equal)
    with pytest.raises(UnsupportedError, match=r"found sharing\.Hard"):
        run.predict(FRAME, preference={"spend": 3})
