"""The report in a real browser: everything is drawn, nothing fails, nothing is asked for."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from plait.experiments.gallery import write_gallery
from plait.reports import write_report
from tests.experiments.gallery.samples import Samples, defects, rows, sentences, sounds
from tests.reports.comparison_example import FAMILIES, write_comparison
from tests.reports.example import write_run
from tests.reports.page import Page

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="needs Chromium; found none"),
]

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--virtual-time-budget=5000", "--window-size=1200,900", "--dump-dom"),
)
# The page's own rules forbid to fetch; whatever it tried would be a violation of them.
WATCH = """<script>
  const note = (text) => document.documentElement.setAttribute(
    "data-failed", (document.documentElement.getAttribute("data-failed") || "") + text + "; ");
  addEventListener("error", (event) => note(event.message));
  addEventListener("unhandledrejection", (event) => note(event.reason));
  addEventListener("securitypolicyviolation", (event) => note(event.blockedURI));
  addEventListener("load", () => {
    for (const { name } of performance.getEntriesByType("resource"))
      if (!name.startsWith("data:")) note(name);
    for (const image of document.querySelectorAll(".pictures image")) {
      const copy = new Image();
      copy.src = image.getAttribute("href");
      copy.decode().then(() => image.setAttribute("data-width", copy.naturalWidth), note);
    }
    for (const player of document.querySelectorAll("audio")) {
      player.addEventListener("error", () => note(`no sound: ${player.error.message}`));
      const tell = () => player.setAttribute("data-seconds", player.duration);
      if (player.readyState) tell(); else player.addEventListener("loadedmetadata", tell);
    }
    setTimeout(() => {  // by then the charts have been fitted to the finished page
      for (const card of document.querySelectorAll(".card"))
        card.setAttribute("data-over", card.scrollWidth - card.clientWidth);
      for (const plot of document.querySelectorAll(".plotly-graph-div")) {
        plot.setAttribute("data-drawn", plot.querySelectorAll(".main-svg").length);
        plot.setAttribute("data-over", plot.scrollWidth - plot.parentElement.clientWidth);
      }
    }, 2000);
  });
</script>"""


def opened(folder: Path) -> Page:
    """The page as it is once its scripts have run."""
    page = write_report(folder)
    watched = folder / "watched.html"
    watched.write_text(
        page.read_text().replace('<meta name="color-scheme"', WATCH + "<meta name=x")
    )
    command = [str(BROWSER), *FLAGS, f"--user-data-dir={folder / 'profile'}", watched.as_uri()]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return Page(run.stdout)


def check(page: Page, charts: int) -> None:
    assert "data-failed" not in page.all("html")[0]
    drawn = page.all("div", class_="plotly-graph-div")
    assert len(drawn) == charts
    assert [chart["id"] for chart in drawn if int(chart["data-drawn"]) < 1] == []
    assert {chart["id"]: chart["data-over"] for chart in drawn if chart["data-over"] != "0"} == {}


def test_a_run_is_drawn(tmp_path: Path) -> None:
    write_run(tmp_path / "run", gallery=True, terms=True)
    page = opened(tmp_path / "run")
    # Losses, metrics and cosines have 3 panels each; conflict has 2; weights, norms, term, rate.
    check(page, charts=3 * 3 + 2 + 4)
    widths = [image["data-width"] for image in page.all("image") if "data-width" in image]
    assert widths == ["64"] * (6 + 2 * 6 - 1)  # examples, two masks each, one of them not labelled
    assert len(page.all("li", class_="card")) == 6


def test_sounds_can_be_played(tmp_path: Path) -> None:
    write_run(tmp_path / "run", epochs=1, steps_per_epoch=3)
    made = sounds()
    write_gallery(tmp_path / "run", made.model, made, made.data)
    page = opened(tmp_path / "run")
    check(page, charts=3 * 3 + 2 + 3)
    seconds = [round(float(player["data-seconds"]), 2) for player in page.all("audio")]
    assert sorted(seconds) == [0.05, 1.0, 2.0, 5.0]


@pytest.mark.parametrize("made", [sentences, defects, rows])
def test_every_sample_is_drawn(made: Callable[[], Samples], tmp_path: Path) -> None:
    write_run(tmp_path / "run", epochs=1, steps_per_epoch=3)
    examples = made()
    write_gallery(tmp_path / "run", examples.model, examples, examples.data, count=12)
    page = opened(tmp_path / "run")
    check(page, charts=3 * 3 + 2 + 3)
    assert {card["data-over"] for card in page.all("li", class_="card")} == {"0"}


def test_a_comparison_is_drawn(tmp_path: Path) -> None:
    write_comparison(tmp_path / "runs")
    check(opened(tmp_path / "runs"), charts=1 + 3 * 3 + 2 + 3)


def test_many_tasks_are_drawn(tmp_path: Path) -> None:
    tasks = tuple(f"diagnosis {i:03d}" for i in range(40))
    write_run(tmp_path / "run", tasks, epochs=2, steps_per_epoch=3, watched=True)
    # 12 losses, metrics and cosines, 2 maps of conflict, weights, norms, rate; two matrices.
    check(opened(tmp_path / "run"), charts=3 * 12 + 2 + 3 + 2 * (1 + 12) + 2)


def test_several_members_and_seeds_are_drawn(tmp_path: Path) -> None:
    write_comparison(tmp_path / "families", members=FAMILIES, seeds=(0, 1))
    # Changes, metrics, a penalty, and what one of them recorded.
    check(opened(tmp_path / "families"), charts=(1 + 3) + 3 + 1 + 2 * (1 + 3) + 2)


def test_a_page_with_missing_parts_and_hostile_names_is_drawn(tmp_path: Path) -> None:
    tasks = ("<script>alert(1)</script>", "</div>")
    write_run(tmp_path / "run", tasks, gradients=False, epochs=1, steps_per_epoch=3)
    check(opened(tmp_path / "run"), charts=2 + 2 + 3)
