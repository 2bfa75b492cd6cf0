"""Sphinx configuration: one API page per package, from docstrings as the source has them."""

import importlib
import re
import sys
import tomllib
from collections import _tuplegetter
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
METADATA = tomllib.loads((HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]

project = METADATA["name"]
author = METADATA["authors"][0]["name"]
release = version = METADATA["version"]
html_title = f"{project} {release}"
html_theme = "furo"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.mathjax",
]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

default_role = "literal"  # docstrings set code in single backticks

autodoc_member_order = "bysource"
autodoc_inherit_docstrings = False  # a method without a docstring must not show torch's
napoleon_google_docstring = True
napoleon_numpy_docstring = False


# Each page written from the code, anew; the copies in the repository are read on a code host.
sys.path.insert(0, str(HERE))
generate = importlib.import_module("generate")
generate.write_pages()

# The parts of a docstring that Google style does not have; text may follow on the same line.
OWN_PARTS = ("Shapes", "Differs", "Cost", "Reference")
napoleon_custom_sections = list(OWN_PARTS)
PART_WITH_TEXT = re.compile(rf"({'|'.join(OWN_PARTS)}): (\S.*)")
# What an indented block may belong to without being a formula: the head of a part, a list item.
OWNER = re.compile(rf"[A-Z]\w+:|({'|'.join(OWN_PARTS)}): .*|[-*] .*|\d+\. .*")
CODE_OR_BAR = re.compile(r"(`+)([^`]+)\1|\|")


def marked(line: str) -> str:
    """Escapes the bars of |x|, which are absolute values and no substitutions.

    Code gets two backticks: napoleon reads a colon within one as the end of a type.
    """
    return CODE_OR_BAR.sub(lambda found: f"``{found[2]}``" if found[1] else r"\|", line)


def read_plain_text(
    _app: Any, _what: str, _name: str, _item: Any, _opts: Any, lines: list[str]
) -> None:
    """Turns a docstring, edited in place, from the plain text of the source into markup.

    An indented block below a paragraph is a formula, shown as typed. "Cost: text" begins a part.
    """
    shown: list[str] = []
    margin, above, formula = "", "", False  # last line at the margin, last line with text
    for before, line in zip(["", *lines[:-1]], lines, strict=True):
        indented = line[:1].isspace()
        if indented and not before and above == margin and not OWNER.fullmatch(margin):
            formula = True
            shown += ["::", ""]
        if line and not indented:
            margin, formula = line, False
        above = line or above
        part = PART_WITH_TEXT.fullmatch(line)
        if part:
            shown += [f"{part[1]}:", f"    {marked(part[2])}"]
        else:
            verbatim = formula or margin.startswith("Example")
            shown.append(line if verbatim else marked(line))
    lines[:] = shown


def leave_out_fields(
    _app: Any, _what: str, _name: str, item: Any, skip: bool, _opts: Any
) -> bool | None:
    """Leaves out the fields of a named tuple: its docstring has them already."""
    return True if isinstance(item, _tuplegetter) else None


SOURCE_LINK = re.compile(r"\[`?(\w+)`?\]\((?:\.\./)+src/plait/[\w/]+\.py\)")


def link_to_entries(_app: Any, _page: str, content: list[str]) -> None:
    """Turns links to a class in the source, edited in place, into links to its entry here."""
    homes = generate.homes()
    content[0] = SOURCE_LINK.sub(
        lambda found: f"{{py:obj}}`{found[1]} <{homes[found[1]]}.{found[1]}>`", content[0]
    )


def setup(app: Any) -> None:
    """Reads docstrings before napoleon does (whose priority is 500)."""
    app.connect("source-read", link_to_entries)
    app.connect("autodoc-skip-member", leave_out_fields)
    app.connect("autodoc-process-docstring", read_plain_text, priority=400)
