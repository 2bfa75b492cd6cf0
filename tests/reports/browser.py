"""Pages in headless Chromium: what is drawn, and what a reader could not read."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
# No shared memory: containers have little of it. No sandbox: root may not start one.
FLAGS = ("--no-sandbox", "--disable-dev-shm-usage")
WIDTHS = (1280, 400)
SCHEMES = ("light", "dark")
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None or importlib.util.find_spec("playwright") is None,
    reason="needs Chromium and playwright",
)
MEASURE = (Path(__file__).parent / "measure.js").read_text(encoding="utf-8")


@dataclass(frozen=True)
class View:
    """A page as one reader has it.

    Attributes:
        errors: errors of scripts, and messages of the console that are warnings or errors.
        fetched: addresses outside the page that it asked for.
        charts: `{name: width and height of what is drawn}`; zeros for a chart without a drawing.
        over: pixels by which the page is wider than the window.
        wide: elements that reach over its right end, and charts wider than their place.
        overlaps: pairs of texts that cover each other.
        cut: texts of charts that reach over the edge of their chart.
        pale: texts with a contrast below 4.5 against what is behind them, 3 for large ones.
        images: `[pixels across]` of the pictures in the examples; 0 for one that is broken.
        sounds: seconds of the recordings; NaN for one that cannot be played.
        tables: `[(rows that are seen, rows)]` of the tables that are not folded away.
    """

    errors: list[str]
    fetched: list[str]
    charts: dict[str, tuple[float, float]]
    over: float
    wide: list[str]
    overlaps: list[str]
    cut: list[str]
    pale: list[str]
    images: list[int]
    sounds: list[float]
    tables: list[tuple[int, int]]

    @property
    def undrawn(self) -> list[str]:
        """The charts that are not drawn, or too small to be read."""
        return [name for name, size in self.charts.items() if min(size) < 60]

    @property
    def faults(self) -> dict[str, Any]:
        """What is wrong, by kind; empty for a page that can be read."""
        found = {
            "errors": self.errors,
            "fetched": self.fetched,
            "undrawn": self.undrawn,
            "over": self.over if self.over > 0 else 0,
            "wide": self.wide,
            "overlaps": self.overlaps,
            "cut": self.cut,
            "pale": self.pale,
            "broken images": self.images.count(0),
        }
        return {kind: value for kind, value in found.items() if value}


class Browser:
    """One Chromium for many pages.

    Args:
        playwright: what `sync_playwright` gives.
    """

    def __init__(self, playwright: Any) -> None:
        self._chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))

    def view(
        self,
        page: Path,
        *,
        width: int = WIDTHS[0],
        scheme: str = SCHEMES[0],
        media: str = "screen",
        printed_before: bool = False,
        picture: Path | None = None,
    ) -> View:
        """Opens a page from the disk, without a network, and measures it.

        Args:
            page: the file.
            width: of the window, in pixels.
            scheme: "light" or "dark".
            media: "screen" or "print"; the page is told before, as browsers tell it.
            printed_before: whether it has been printed.
            picture: where a screenshot of the whole page goes.
        """
        errors: list[str] = []
        fetched: list[str] = []
        with self._opened(width, scheme, media) as tab:
            tab.on("pageerror", lambda error: errors.append(str(error)))
            tab.on(
                "console",
                lambda said: (
                    errors.append(said.text) if said.type in ("warning", "error") else None
                ),
            )
            tab.on("request", lambda request: fetched.append(request.url))
            tab.goto(page.as_uri(), wait_until="load")
            if printed_before:
                tab.evaluate(MEASURE)
                self._tell(tab, "beforeprint")
                self._tell(tab, "afterprint")
            measured = tab.evaluate(MEASURE)
            if media == "print":
                self._tell(tab, "beforeprint")
                measured = tab.evaluate(MEASURE)
            if picture is not None:
                tab.screenshot(path=picture, full_page=True)
        own = ("data:", "blob:", page.as_uri())
        measured["charts"] = {name: tuple(size) for name, size in measured["charts"].items()}
        measured["tables"] = [tuple(rows) for rows in measured["tables"]]
        outside = [address for address in fetched if not address.startswith(own)]
        return View(errors=errors, fetched=outside, **measured)

    def pdf(self, page: Path, file: Path) -> None:
        """Prints a page on A4."""
        with self._opened(WIDTHS[0], SCHEMES[0], None) as tab:
            tab.goto(page.as_uri(), wait_until="load")
            tab.evaluate(MEASURE)
            tab.pdf(path=file, format="A4", print_background=True)

    def _tell(self, tab: Any, event: str) -> None:
        tab.evaluate("(name) => dispatchEvent(new Event(name))", event)

    @contextmanager
    def _opened(self, width: int, scheme: str, media: str | None) -> Iterator[Any]:
        context = self._chromium.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True
        )
        try:
            tab = context.new_page()
            tab.emulate_media(media=media, color_scheme=scheme)
            yield tab
        finally:
            context.close()

    def close(self) -> None:
        """Ends Chromium."""
        self._chromium.close()


@contextmanager
def started() -> Iterator[Browser]:
    """Starts Chromium, and ends it."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = Browser(playwright)
        try:
            yield browser
        finally:
            browser.close()
