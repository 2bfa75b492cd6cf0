"""The pages in a real browser: everything is drawn, can be read, and nothing is asked for."""

from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest

from plait.experiments.gallery import write_gallery
from plait.reports import write_report
from plait.runs.tuning import write_tuning
from tests.experiments.gallery.samples import Samples, defects, rows, sentences, sounds
from tests.reports.browser import SCHEMES, WIDTHS, Browser, View, needs_chromium
from tests.reports.comparison_example import FAMILIES, write_comparison
from tests.reports.diagnosis_example import made_diagnosis, write
from tests.reports.example import write_run
from tests.reports.tuning_example import example

pytestmark = needs_chromium

SHORT = {"epochs": 1, "steps_per_epoch": 3}
# `make test` opens each page once: on a phone at night
EVERYONE = [
    pytest.param(*reader, marks=() if reader == (WIDTHS[-1], SCHEMES[-1]) else pytest.mark.slow)
    for reader in product(WIDTHS, SCHEMES)
]
# Panels of a run: losses, metrics, cosines; two of conflict; weights, norms, rate.
RUN = 3 * 3 + 2 + 3


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    write_run(folder, gallery=True, terms=True, watched=True)
    return write_report(folder)


@pytest.fixture(scope="module")
def families(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("families")
    write_comparison(folder, members=FAMILIES, seeds=(0, 1))
    return write_report(folder)


def good(view: View, charts: int) -> View:
    assert view.faults == {}
    assert len(view.charts) == charts
    return view


@pytest.mark.parametrize(("width", "scheme"), EVERYONE)
def test_a_run_can_be_read_by_everyone(
    width: int, scheme: str, run: Path, browser: Browser
) -> None:
    view = browser.view(run, width=width, scheme=scheme)
    # A penalty; two matrices with three rows each, two that are numbers.
    good(view, charts=RUN + 1 + 2 * (1 + 3) + 2)
    assert view.images == [64] * (6 + 2 * 6 - 1)  # examples, two masks each, one without a label


@pytest.mark.parametrize(("width", "scheme"), EVERYONE)
def test_a_comparison_can_be_read_by_everyone(
    width: int, scheme: str, families: Path, browser: Browser
) -> None:
    # Changes, costs, metrics, weights, a penalty, and what one of them recorded.
    view = browser.view(families, width=width, scheme=scheme)
    good(view, charts=(1 + 3) + 2 + 3 + 3 + 1 + 2 * (1 + 3) + 2)


@pytest.mark.parametrize(("width", "scheme"), EVERYONE)
@pytest.mark.parametrize(("objectives", "charts"), [(1, 1 + 1), (3, 3 + 3)])
def test_a_search_can_be_read_by_everyone(
    width: int, scheme: str, objectives: int, charts: int, browser: Browser, tmp_path: Path
) -> None:
    write_tuning(tmp_path, example(objectives=objectives))
    good(browser.view(write_report(tmp_path), width=width, scheme=scheme), charts=charts)


@pytest.mark.slow
def test_paper_has_whole_tables_and_charts_that_fit_it(families: Path, browser: Browser) -> None:
    view = browser.view(families, scheme="dark", media="print")
    assert view.faults == {}
    assert all(seen == rows for seen, rows in view.tables)
    assert view.over <= 0
    assert max(width for width, _ in view.charts.values()) <= 700


@pytest.mark.slow
def test_after_printing_the_charts_fill_the_window_again(families: Path, browser: Browser) -> None:
    before, after = browser.view(families), browser.view(families, printed_before=True)
    assert after == before


@pytest.mark.slow
def test_sounds_can_be_played(tmp_path: Path, browser: Browser) -> None:
    write_run(tmp_path, **SHORT)
    made = sounds()
    write_gallery(tmp_path, made.model, made, made.data)
    view = good(browser.view(write_report(tmp_path)), charts=RUN)
    assert sorted(round(seconds, 2) for seconds in view.sounds) == [0.05, 1.0, 2.0, 5.0]


@pytest.mark.slow
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("made", [sentences, defects, rows])
def test_every_sample_is_drawn(
    made: Callable[[], Samples], width: int, tmp_path: Path, browser: Browser
) -> None:
    write_run(tmp_path, **SHORT)
    examples = made()
    write_gallery(tmp_path, examples.model, examples, examples.data, count=12)
    good(browser.view(write_report(tmp_path), width=width), charts=RUN)


@pytest.mark.slow
@pytest.mark.parametrize("width", WIDTHS)
def test_a_lone_member_is_drawn(width: int, tmp_path: Path, browser: Browser) -> None:
    write_comparison(tmp_path)
    good(browser.view(write_report(tmp_path), width=width), charts=1 + 2 + RUN)


@pytest.mark.slow
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(("members", "tasks"), [(15, 3), (2, 1), (3, 139), (1, 20)])
def test_few_and_many_members_and_tasks_are_drawn(
    members: int, tasks: int, width: int, tmp_path: Path, browser: Browser
) -> None:
    named = {
        f"m{i}": (f"A sharing: Method{i} with a long name", "min sum_t L_t", 0.9 + 0.02 * i)
        for i in range(members)
    }
    names = [f"school with a long name {i:03d}" for i in range(tasks)]
    write_comparison(tmp_path, names, members=named, gallery=False, epochs=2, steps_per_epoch=2)
    view = browser.view(write_report(tmp_path), width=width)
    assert view.faults == {}


@pytest.mark.parametrize(("width", "scheme"), EVERYONE)
def test_a_diagnosis_can_be_read_by_everyone(
    width: int, scheme: str, tmp_path: Path, browser: Browser
) -> None:
    page = write_report(write(tmp_path, made_diagnosis()))
    # Three maps, layers, two of the training, shares, affinities and their graph, gates.
    good(browser.view(page, width=width, scheme=scheme), charts=3 + 1 + 2 + 1 + 2 + 1)


@pytest.mark.slow
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("tasks", [2, 24, 139])
def test_a_diagnosis_of_few_and_of_many_tasks_is_drawn(
    tasks: int, width: int, tmp_path: Path, browser: Browser
) -> None:
    found = made_diagnosis([f"school with a long name {i:03d}" for i in range(tasks)])
    view = browser.view(write_report(write(tmp_path, found)), width=width)
    assert view.faults == {}


@pytest.mark.slow
@pytest.mark.parametrize("width", WIDTHS)
def test_many_tasks_are_drawn(width: int, tmp_path: Path, browser: Browser) -> None:
    tasks = tuple(f"diagnosis {i:03d}" for i in range(40))
    write_run(tmp_path, tasks, epochs=2, steps_per_epoch=3, watched=True)
    # Quantiles and 8 tasks of losses and metrics, quantiles beside weights and norms; 12 cosines, 2
    # maps of conflict, the rate; two matrices.
    charts = 2 * (1 + 8) + 2 * 2 + 12 + 2 + 1 + 2 * (1 + 12) + 2
    good(browser.view(write_report(tmp_path), width=width), charts=charts)


@pytest.mark.slow
@pytest.mark.parametrize("title", ["a" * 120, "Family: " + "word " * 30])
def test_long_names_stay_on_the_page(title: str, tmp_path: Path, browser: Browser) -> None:
    members = {f"m{i}": (f"{title}{i}", title, 1.0) for i in range(3)}
    tasks = (f"{title} first", f"{title} second")
    write_comparison(tmp_path, tasks, members=members, gallery=False, **SHORT)
    page = write_report(tmp_path)
    for width in WIDTHS:
        assert browser.view(page, width=width).faults == {}


@pytest.mark.slow
def test_a_page_with_missing_parts_and_hostile_names_is_drawn(
    tmp_path: Path, browser: Browser
) -> None:
    tasks = ("<script>alert(1)</script>", "</div>")
    write_run(tmp_path, tasks, gradients=False, **SHORT)
    good(browser.view(write_report(tmp_path)), charts=2 + 2 + 3)
