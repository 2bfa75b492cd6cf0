"""A report taken apart by the parser of the standard library."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

from plait.reports.draw.plotly_js import packed_library

VOID = {"meta", "link", "br", "img", "hr", "input"}
Attributes = dict[str, str]


@dataclass
class Page(HTMLParser):
    """Collects what the tests look at.

    Attributes:
        tags: all elements with their attributes, in order.
        tables: the rows of each table by its caption; charts and tables may share one.
        text: all text outside scripts and styles.
    """

    source: str
    tags: list[tuple[str, Attributes]] = field(default_factory=list)
    tables: dict[str, list[list[str]]] = field(default_factory=dict)
    text: str = ""

    def __post_init__(self) -> None:
        super().__init__()
        self._open: list[str] = []
        self._rows: list[list[str]] = []
        self._caption = ""
        self.feed(self.source)
        self.close()
        assert not self._open, f"never closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)
        if tag == "table":
            self._rows, self._caption = [], ""
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("td", "th"):
            self._rows[-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, f"</{tag}> closes another element"
        if tag == "table":
            self.tables[self._caption] = self._rows

    def handle_data(self, data: str) -> None:
        inside = self._open[-1] if self._open else ""
        if inside in ("script", "style"):
            return
        self.text += data
        if inside in ("td", "th"):
            self._rows[-1][-1] += data
        elif inside == "caption":
            self._caption += data

    @property
    def own(self) -> str:
        """The page without the library, in which any text can occur."""
        return self.source.replace(packed_library(), "")

    def all(self, tag: str, **attributes: str) -> list[Attributes]:
        """Returns the attributes of the elements; class_ is one of the element's classes."""
        wanted = attributes.pop("class_", None)
        return [
            found
            for name, found in self.tags
            if name == tag
            and (wanted is None or wanted in found.get("class", "").split())
            and attributes.items() <= found.items()
        ]


def read_page(path: Path) -> Page:
    """Parses a report."""
    return Page(path.read_text(encoding="utf-8"))
