"""A table is trained row by row, resumed, and its figures are those of the runs."""

from pathlib import Path
from statistics import fmean

import pytest

from plait.core.errors import ConfigError
from plait.experiments.reproduce.reproduce import reproduce
from plait.runs import read_result
from plait.runs.comparison import read_comparison
from plait.runs.reproduced import Reproduced, read_reproduced
from tests.experiments.reproduce.tiny_table import TABLE

RUNS = ["single-quarter", "single-mask", "uniform", "ours"]


def run(folder: Path, said: list[str], **options: object) -> Reproduced:
    return reproduce(TABLE, folder, {}, seeds=2, say=said.append, **options)  # type: ignore[arg-type]


def test_figures_are_those_of_the_runs_and_what_is_finished_stays(tmp_path: Path) -> None:
    found = run(tmp_path, [], command="plait reproduce tiny")
    assert repr(read_reproduced(tmp_path)) == repr(found)
    assert read_comparison(tmp_path).seeds == found.seeds == [0, 1]
    for row, folder in zip(found.rows, ["single-quarter", "uniform", "ours"], strict=True):
        for seed in (0, 1):
            result = read_result(tmp_path / f"seed-{seed}" / folder)
            assert result is not None
            accuracy = result.test.metrics["quarter"]["accuracy"]
            assert row.figures[0].ours[seed] == pytest.approx(100 * accuracy)
    mask = read_result(tmp_path / "seed-1" / "single-mask")
    assert mask is not None
    assert found.rows[0].figures[1].ours[1] == mask.validation["mask"]["iou"]
    agreement = [each.agreement for row in found.rows for each in row.figures]
    assert agreement == ["as published", "", "below", "as published", "", ""]
    assert fmean(found.rows[0].figures[0].ours) <= 100
    assert found.length == "2 epochs; 3 with --full; 2 of 3 seeds"

    times = {name: (tmp_path / "seed-0" / name / "result.json").stat().st_mtime_ns for name in RUNS}
    again = run(tmp_path, [])
    assert {
        name: (tmp_path / "seed-0" / name / "result.json").stat().st_mtime_ns for name in RUNS
    } == times
    assert repr(again.rows) == repr(found.rows)
    assert again.seconds == found.seconds


def test_changed_settings_are_said(tmp_path: Path) -> None:
    found = reproduce(TABLE, tmp_path, {"epochs": 1}, full=True, seeds=1)
    assert found.settings["epochs"] == 1
    assert found.length == (
        "as long as the source, epochs=3; changed for this run: epochs=1; 1 of 3 seeds"
    )


def test_unknown_settings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Did you mean 'epochs'"):
        reproduce(TABLE, tmp_path, {"epoch": 1})
