"""The page of a search."""

from pathlib import Path

import pytest

from plait.reports import write_report
from plait.runs.tuning import write_tuning
from tests.reports.page import Page, read_page
from tests.reports.tuning_example import example


def page(folder: Path, *arguments: int, **options: object) -> Page:
    write_tuning(folder, example(*arguments, **options))  # type: ignore[arg-type]
    return read_page(write_report(folder))


def test_it_says_what_was_found(tmp_path: Path) -> None:
    found = example()
    best = found.trial(found.best)
    assert best is not None
    shown = page(tmp_path)
    assert (
        f"Trial {best.number} is the best of 8: skill {best.values[0]:.4g}, against 0" in shown.text
    )
    assert "The test split was read once." in shown.text
    tested = shown.tables["The best settings, trained again and tested"]
    assert tested[1] == ["mine", "iou", "3", "0.5", "0.25"]
    assert len(shown.tables["All trials"]) == 17
    assert "optimizer.lr: 0.01 to 1, log-uniform" in shown.text


def test_words_of_others_are_no_markup(tmp_path: Path) -> None:
    shown = page(tmp_path)
    assert "Settings of <i>mine</i>" in shown.text
    assert "a loss is <b>nan</b>" in shown.text


def test_several_objectives_have_a_front(tmp_path: Path) -> None:
    shown = page(tmp_path, objectives=2)
    assert "1 of 16 trained trials are beaten by no other" in shown.text
    assert "Pareto front" in shown.text


@pytest.mark.parametrize("trials", [0, 1])
def test_a_search_of_nothing_or_one_trial_has_a_page(tmp_path: Path, trials: int) -> None:
    shown = page(tmp_path, trials, finals=[])
    said = "None of 0 trials was trained" if not trials else "Trial 0 is the best of 1: skill 0."
    assert said in shown.text
