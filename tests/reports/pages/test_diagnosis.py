"""A diagnosis has a page of its own, and a part in the page of its run."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from plait.reports import write_report
from plait.runs.diagnosis import write_diagnosis
from tests.reports.diagnosis_example import made_diagnosis, write
from tests.reports.example import write_run
from tests.reports.page import Page, read_page

EVIL = "<script>alert(1)</script>"


def page_of(folder: Path, **changed: object) -> Page:
    return read_page(write_report(write(folder, replace(made_diagnosis(), **changed))))


def charts(page: Page) -> list[str]:
    return [chart["id"] for chart in page.all("div", class_="plotly-graph-div")]


def test_the_answer_stands_at_the_top_and_what_to_do_under_it(tmp_path: Path) -> None:
    page = page_of(tmp_path)
    text = " ".join(page.text.split())
    order = [
        "4 pairs of tasks are in conflict",
        "What to do: Train the two groups apart",
        "digit and mask want the same step",
    ]
    places = [text.index(each) for each in order]
    assert places == sorted(places)
    assert "the gate of mask has collapsed" in text
    assert "3 steps: The balancer found: Pareto-stationary." in text


def test_everything_that_was_measured_is_drawn(tmp_path: Path) -> None:
    page = page_of(tmp_path)
    expected = ["measured-0", "measured-1", "measured-2", "layers-0", "history-0", "history-1"]
    expected += ["shares-0", "affinity-0", "affinity-1", "inside-0-0"]
    assert charts(page) == expected
    assert "GLS cannot be used here: a loss can be negative." in page.text
    assert "plait compare config.yaml" in page.text


def test_what_was_not_measured_has_no_section(tmp_path: Path) -> None:
    bare = {
        **dict.fromkeys(("conflict", "affinity", "grouping")),
        **{name: [] for name in ("layers", "history", "opposed", "forecast", "warnings", "notes")},
        **{name: {} for name in ("shares", "balanced_shares", "losses", "flags", "watched")},
    }
    page = page_of(tmp_path, **bare, shared=[], sentences=["No conflict was seen."])
    assert charts(page) == []
    assert "No conflict was seen." in page.text
    for title in ("Proposed networks", "What each balancer would cost", "Inside the model"):
        assert title not in page.text


def test_the_page_of_a_run_has_its_diagnosis(tmp_path: Path) -> None:
    write_run(tmp_path, epochs=1, steps_per_epoch=3)
    before = read_page(write_report(tmp_path))
    assert "Diagnosis" not in before.text
    write_diagnosis(tmp_path, made_diagnosis())
    page = read_page(write_report(tmp_path))
    assert "Training run" in page.text
    assert "4 pairs of tasks are in conflict" in page.text
    assert "the gate of mask has collapsed" not in page.text  # the run's own warnings are there
    idents = [tag["id"] for _, tag in page.tags if "id" in tag]
    assert len(idents) == len(set(idents))


def test_text_of_users_is_never_markup(tmp_path: Path) -> None:
    found = made_diagnosis((EVIL, "mask", "a </div> b"))
    page = read_page(write_report(write(tmp_path, replace(found, title=EVIL, advice=EVIL))))
    assert "<script>alert" not in page.source
    assert page.text.count(EVIL) > 5


def test_the_page_fetches_nothing(tmp_path: Path) -> None:
    assert not re.findall(r"https?://|@import|url\(", page_of(tmp_path).own)


@pytest.mark.parametrize("count", [1, 139])
def test_it_is_as_small_for_one_task_as_for_139(count: int, tmp_path: Path) -> None:
    found = made_diagnosis([f"t{i}" for i in range(count)])
    page = read_page(write_report(write(tmp_path, found)))
    assert len(page.source) < 4_000_000
