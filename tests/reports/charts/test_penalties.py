"""Penalties appear by name; the edges of one connection share a panel."""

from pathlib import Path

from plait.reports import write_report
from plait.reports.words.text import number
from tests.reports.example import Event, write_events, write_run
from tests.reports.page import Page, read_page


def run_with(folder: Path, *terms: dict[str, list[float]]) -> Page:
    """A run with these terms at its steps."""
    events: list[Event] = write_run(folder, epochs=1, steps_per_epoch=len(terms))
    for event, each in zip(events, terms, strict=False):
        event["terms"] = each
    write_events(folder, events)
    return read_page(write_report(folder))


def panels(page: Page) -> list[str]:
    """The names of the chart's panels."""
    charts = [each["id"] for each in page.all("div", class_="plotly-graph-div")]
    return [name for name in charts if name.startswith("terms-")]


def test_every_kind_of_term_appears_by_its_name(tmp_path: Path) -> None:
    terms = {
        "PairwiseL2[0]": [40.0, 0.4],
        "Hint[digit -> mask]": [2.0, 1.0],
        "Hint[mask -> centre]": [3.0, 1.5],
        "DSelectK: entropy": [0.7, 0.07],
    }
    page = run_with(tmp_path, terms, terms)
    assert panels(page) == ["terms-0", "terms-1", "terms-2"]  # the two edges share one
    head, row, _ = page.tables["Penalties"]
    assert head == ["Step", *(name for term in terms for name in (term, f"{term}, scaled"))]
    assert row[1:] == [number(value) for pair in terms.values() for value in pair]


def test_two_regularisers_of_one_class_have_a_panel_each(tmp_path: Path) -> None:
    terms = {"PairwiseL2[0]": [1.0, 0.1], "PairwiseL2[1]": [1.0, 10.0]}
    assert len(panels(run_with(tmp_path, terms, terms))) == 2


def test_many_edges_are_cut_to_the_largest_with_the_sum_of_all(tmp_path: Path) -> None:
    terms = {f"Hint[t{i} -> u]": [float(i), -0.5 * i] for i in range(30)}
    page = run_with(tmp_path, terms, terms)
    assert "Drawn are 8 of 30 edges of Hint, those with the largest last values" in page.text
    described = [each["aria-label"] for each in page.all("div", role="img")]
    (panel,) = [text for text in described if "All 30 edges" in text]
    assert f"All 30 edges: {number(-0.5 * 435)} at step 1" in panel  # 0 + 1 + ... + 29 = 435
    assert "t29 -> u" in panel
    assert "t21 -> u" not in panel
    drawn = [
        name for i in range(22, 30) for name in (f"Hint[t{i} -> u]", f"Hint[t{i} -> u], scaled")
    ]
    assert page.tables["Penalties"][0][1:] == drawn
    rows = page.tables["Penalties, last values"][1:]
    assert rows == [[f"Hint[t{i} -> u]", number(i), number(-0.5 * i)] for i in range(30)]


def test_an_edge_that_is_missing_or_not_finite_at_a_step_is_left_out_of_the_sum(
    tmp_path: Path,
) -> None:
    terms = {f"Hint[t{i} -> u]": [1.0, 1.0] for i in range(10)}
    fewer = {**dict(list(terms.items())[:7]), "Hint[t9 -> u]": [1.0, float("nan")]}
    page = run_with(tmp_path, terms, fewer)
    described = " ".join(each["aria-label"] for each in page.all("div", role="img"))
    assert "All 10 edges: 10 at step 1, 7 at step 2." in described
