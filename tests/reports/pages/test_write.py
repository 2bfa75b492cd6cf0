"""The files of a folder decide which page it gets."""

from pathlib import Path

import pytest

from plait.core.errors import DataError
from plait.reports import write_report
from plait.reports.pages import write
from plait.runs.folder import EVENTS, REPORT
from tests.reports.comparison_example import write_comparison
from tests.reports.example import write_run
from tests.reports.page import read_page


def test_a_run_and_a_comparison_have_pages_of_their_own(tmp_path: Path) -> None:
    write_comparison(tmp_path, tasks=("digit",), epochs=1, steps_per_epoch=2, gallery=False)
    assert write_report(tmp_path) == tmp_path / REPORT
    assert "Comparison with separate networks" in read_page(tmp_path / REPORT).text
    page = read_page(write_report(tmp_path / "seed-0" / "joint"))
    assert "Training run" in page.text


def test_what_a_run_leaves_beside_a_comparison_does_not_count(tmp_path: Path) -> None:
    write_comparison(tmp_path, tasks=("digit",), epochs=1, steps_per_epoch=2, gallery=False)
    write_run(tmp_path / "other", epochs=1, steps_per_epoch=1)
    (tmp_path / "other" / EVENTS).rename(tmp_path / EVENTS)
    assert "Comparison with separate networks" in read_page(write_report(tmp_path)).text


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"holds no events\.jsonl, no comparison\.json, no diagnosis"
    ):
        write_report(tmp_path)
    assert not list(tmp_path.iterdir())


def test_backticks_are_code_and_nothing_else_is_markup() -> None:
    shown = str(write._coded("keep `a` and <b> apart, ` alone"))
    assert shown == "keep <code>a</code> and &lt;b&gt; apart, ` alone"
