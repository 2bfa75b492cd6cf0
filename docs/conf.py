"""Sphinx configuration: one API page per package, from docstrings as the source has them."""

import importlib
import re
import tomllib
from collections import _tuplegetter
from pathlib import Path
from types import ModuleType
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

SOURCE = HERE.parent / "src" / "plait"
PAGE = """\
{head}
```{{eval-rst}}
.. automodule:: plait.{package}
   :members:
   :show-inheritance:
```
"""
INNER = """\
## {module}

```{{eval-rst}}
.. automodule:: {module}
   :members: {names}
   :show-inheritance:
```
"""
TOP = """\
# plait

The names for everyday use, each with the package that defines it.

| name | what it is |
| --- | --- |
{table}
"""


def modules_with_public_names() -> dict[str, ModuleType]:
    """Returns the folders of the top package whose `__all__` names something, as modules."""
    folders = sorted(path.parent.name for path in SOURCE.glob("*/__init__.py"))
    modules = {folder: importlib.import_module(f"plait.{folder}") for folder in folders}
    return {folder: module for folder, module in modules.items() if module.__all__}


def inner_modules(package: str) -> list[ModuleType]:
    """Returns the folders within a package whose `__all__` names something, as modules."""
    folders = sorted(path.parent.name for path in (SOURCE / package).glob("*/__init__.py"))
    modules = [importlib.import_module(f"plait.{package}.{folder}") for folder in folders]
    return [module for module in modules if getattr(module, "__all__", [])]


def inner_section(module: ModuleType) -> str:
    """Returns the section of an inner folder, with the names that its package does not have."""
    outer = importlib.import_module(module.__name__.rpartition(".")[0])
    names = [name for name in module.__all__ if name not in outer.__all__]
    return INNER.format(module=module.__name__, names=", ".join(names)) if names else ""


def api_pages() -> dict[str, str]:
    """Returns the text of each page by its name; a package with a README opens with it."""
    modules = modules_with_public_names()
    pages = {}
    for package in modules:
        head = f"# plait.{package}\n"
        if (SOURCE / package / "README.md").exists():
            path = f"../../src/plait/{package}/README.md"
            head = f"```{{include}} {path}\n```\n\n## Public names\n"
        inner = [inner_section(module) for module in inner_modules(package)]
        pages[package] = "\n".join([PAGE.format(head=head, package=package), *filter(None, inner)])
    top = importlib.import_module("plait")
    rows = []
    for name in top.__all__:
        item = getattr(top, name)
        home = next(f"plait.{p}" for p, m in modules.items() if getattr(m, name, None) is item)
        told = plain((item.__doc__ or "").strip().split("\n")[0])
        rows.append(f"| {{py:obj}}`{name} <{home}.{name}>` | {told} |")
    return {**pages, "plait": TOP.format(table="\n".join(rows))}


def write(page: Path, text: str) -> None:
    """Writes a page; leaves one that is up to date untouched."""
    page.parent.mkdir(exist_ok=True)
    if not page.exists() or page.read_text(encoding="utf-8") != text:
        page.write_text(text, encoding="utf-8")


METHODS = """\
# Methods

Written from the classes. Formulas and arguments are in the [API](api.md).

## Sharing

Family 1: which parameters the tasks have in common.

{sharing}

## Regularization

Family 2: one network per task, with tied parameters.

{regularization}

## Connections

Family 3: one network per task, with what passes between them.

{connections}

## Balancing

What each method reads, costs and needs, as its class says; T tasks, P shared parameters.
"T half ones and 1" is the route by layers.

| method | reads | backward passes | memory | needs |
| --- | --- | --- | --- | --- |
{table}

{balancing}
"""
FAMILIES = ("sharing", "regularization", "connections", "balancing")
PARTS = {"Cost": "cost", "Differs": "differs", "Paper": "paper"}


def methods_page() -> str:
    """Returns the page of all methods, from their classes and docstrings."""
    from plait.experiments import catalogue

    found = {family: catalogue(family)[family] for family in FAMILIES}
    cells = ("reads", "passes", "memory", "needs")
    rows = [
        f"| {' | '.join([f'[{name}](#{name.lower()})', *(told[cell] for cell in cells)])} |"
        for name, told in found["balancing"].items()
    ]
    sections = {
        family: "\n\n".join(section(name, told) for name, told in methods.items())
        for family, methods in found.items()
    }
    return METHODS.format(table="\n".join(rows), **sections)


def section(name: str, told: dict[str, str]) -> str:
    """Returns what there is to say of a method, below its name."""
    parts = [f"{part}: {plain(told[key])}" for part, key in PARTS.items() if told.get(key)]
    return "\n\n".join([f"### {name}", plain(told["summary"]), *parts])


def plain(text: str) -> str:
    """Keeps a docstring's signs from being read as markup, outside of code."""
    pieces = re.split(r"(`+[^`]+`+)", text)
    return "".join(
        piece if piece.startswith("`") else re.sub(r"([*_<>|\[\]])", r"\\\1", piece)
        for piece in pieces
    )


for name, text in api_pages().items():
    write(HERE / "api" / f"{name}.md", text)
write(HERE / "methods.md", methods_page())


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


def setup(app: Any) -> None:
    """Reads docstrings before napoleon does (whose priority is 500)."""
    app.connect("autodoc-skip-member", leave_out_fields)
    app.connect("autodoc-process-docstring", read_plain_text, priority=400)
