"""The page on descents: its headline, and that it can be read in a browser."""

from dataclasses import replace
from pathlib import Path

import pytest

from plait.core.typed_json import write_typed
from plait.reports import write_report
from plait.reports.pages.descents import descents_headline
from plait.runs.folder import DESCENTS
from tests.reports.browser import SCHEMES, WIDTHS, Browser, needs_chromium
from tests.runs.descents_made import descents


def test_the_headline_counts_methods_and_names_those_that_get_stuck() -> None:
    found = descents()
    assert descents_headline(found) == (
        "1 of 2 methods reach the Pareto front from all 2 starts; not so Stuck."
    )
    assert "not so" not in descents_headline(replace(found, methods=found.methods[1:]))
    assert descents_headline(replace(found, methods=[])) == "No method has descended."


def test_text_of_the_file_is_escaped(tmp_path: Path) -> None:
    write_typed(tmp_path / DESCENTS, descents())
    page = write_report(tmp_path).read_text(encoding="utf-8")
    assert "reads &lt;two&gt; batches" in page


@needs_chromium
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_page_can_be_read(tmp_path: Path, browser: Browser, width: int, scheme: str) -> None:
    write_typed(tmp_path / DESCENTS, descents())
    view = browser.view(write_report(tmp_path), width=width, scheme=scheme)
    assert not view.faults
    assert len(view.charts) == 2
