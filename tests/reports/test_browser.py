"""What the tests of the pages ask of a browser finds what it is for."""

from pathlib import Path

import pytest

from tests.reports.browser import Browser, needs_chromium

pytestmark = needs_chromium

FRAME = """<!DOCTYPE html><html><head><meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline';
style-src 'unsafe-inline'; img-src *"></head><body><main>{}</main></body></html>"""
CHART = (
    '<div><div class="plotly-graph-div" id="{}" style="width: {}px; height: 99px">{}</div></div>'
)
DRAWN = (
    '<svg class="main-svg" width="{}" height="90"><g class="trace"><text y="40">{}</text></g></svg>'
)


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ("<p>All is well.</p>", {}),
        ("<script>console.error('no')</script>", {"errors": ["no"]}),
        ("<script>null.x</script>", {"errors": ["Cannot read properties of null (reading 'x')"]}),
        ("<p style='color: #999'>pale</p>", {"pale": ['p "pale": 2.85']}),
        ("<p style='color: #999; background: #000'>not pale</p>", {}),
        (
            "<p>first</p><p style='margin-top: -30px'>second</p>",
            {"overlaps": ['"first" and "second"']},
        ),
        (CHART.format("empty", 300, ""), {"undrawn": ["empty"]}),
        (CHART.format("good", 300, DRAWN.format(300, "text")), {}),
        (
            f"<div style='width: 200px'>{CHART.format('broad', 200, DRAWN.format(300, ''))}</div>",
            {"wide": ["broad is 300 px wide in 200"]},
        ),
        (
            CHART.format("edge", 300, DRAWN.format(300, "a long text " * 9)),
            {"cut": [f"edge: {'a long text ' * 9}"]},
        ),
    ],
)
def test_each_fault_is_found(
    body: str, faults: dict[str, object], browser: Browser, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    page.write_text(FRAME.format(body))
    assert browser.view(page).faults == faults


def test_what_is_wider_than_the_window_is_found(browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(FRAME.format("<p id='far' style='width: 700px'>far</p>"))
    assert browser.view(page).faults == {}
    found = browser.view(page, width=400)
    assert found.over == 700 + 8 - 400
    assert found.wide == ["p#far"]


def test_what_a_page_asks_for_is_found(browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(FRAME.format("<img src='https://example.org/x.png' alt=''>"))
    assert browser.view(page).fetched == ["https://example.org/x.png"]


def test_rows_that_are_scrolled_away_are_not_seen(browser: Browser, tmp_path: Path) -> None:
    rows = "".join(f"<tr style='height: 20px'><td>{i}</td></tr>" for i in range(10))
    table = f"<table style='border-spacing: 0'><tbody>{rows}</tbody></table>"
    page = tmp_path / "page.html"
    page.write_text(FRAME.format(f"<div style='height: 100px; overflow: auto'>{table}</div>"))
    found = browser.view(page)
    assert found.tables == [(5, 10)]
    assert found.overlaps == []
