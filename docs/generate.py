"""The pages that are written from the code: `python docs/generate.py` writes them.

They are kept in the repository, so that links to them work on a code host as well; a test compares
them with the code.
"""

import importlib
import inspect
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

HERE = Path(__file__).parent
SOURCE = HERE.parent / "src" / "plait"
NOTE = """\
Written from the code by `docs/generate.py`. A name leads to its source on a code host, and to its
entry on the built pages (`make docs`); `help({example})` shows the entry too.
"""
PAGE = """\
{head}
{note}
{table}

```{{eval-rst}}
.. automodule:: plait.{package}
   :members:
   :show-inheritance:
```
"""
INNER = """\
## {module}

{table}

```{{eval-rst}}
.. automodule:: {module}
   :members: {names}
   :show-inheritance:
```
"""
TOP = """\
# plait

The names for everyday use. {note}
{table}

```{{eval-rst}}
.. automodule:: plait
   :no-index:
   :members: {names}
   :show-inheritance:
```
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


def homes() -> dict[str, str]:
    """Returns `{public name: the package whose page has its entry}`."""
    found: dict[str, str] = {}
    for package, module in modules_with_public_names().items():
        found |= {name: module.__name__ for name in module.__all__ if name not in found}
        for inner in inner_modules(package):
            found |= {name: inner.__name__ for name in inner.__all__ if name not in found}
    return found


def names_table(module: ModuleType, names: list[str], up: str = "../..") -> str:
    """Returns a table of public names: each one's source file and first line."""
    rows = ["| name | what it is |", "| --- | --- |"]
    for name in names:
        item = getattr(module, name)
        told = plain(inspect.cleandoc(item.__doc__ or "").split("\n")[0])
        shown = f"`{name}`"
        if inspect.isclass(item) or inspect.isfunction(item):
            told = told if inspect.getdoc(item) else ""
            path = Path(inspect.getfile(inspect.unwrap(item))).relative_to(SOURCE.parent.parent)
            shown = f"[`{name}`]({up}/{path.as_posix()})"
        else:
            told = ""  # a name for a type: its docstring would be that of the type's own class
        rows.append(f"| {shown} | {told} |")
    return "\n".join(rows)


def inner_section(module: ModuleType) -> str:
    """Returns the section of an inner folder, with the names that its package does not have."""
    outer = importlib.import_module(module.__name__.rpartition(".")[0])
    names = [name for name in module.__all__ if name not in outer.__all__]
    homes = {name: getattr(getattr(module, name), "__module__", "plait") for name in names}
    names = [name for name, home in homes.items() if home.startswith("plait")]
    if not names:
        return ""
    table = names_table(module, names)
    return INNER.format(module=module.__name__, table=table, names=", ".join(names))


def api_pages() -> dict[str, str]:
    """Returns the text of each page by its name; a package with a README opens with it."""
    pages = {}
    for package, module in modules_with_public_names().items():
        head = f"# plait.{package}\n"
        if (SOURCE / package / "README.md").exists():
            path = f"../../src/plait/{package}/README.md"
            head = f"```{{include}} {path}\n```\n\n## Public names\n"
        note = NOTE.format(example=f"plait.{package}.{module.__all__[0]}")
        table = names_table(module, list(module.__all__))
        page = PAGE.format(head=head, note=note, table=table, package=package)
        inner = [inner_section(each) for each in inner_modules(package)]
        pages[package] = "\n".join([page, *filter(None, inner)])
    top = importlib.import_module("plait")
    table = names_table(top, list(top.__all__))
    note = NOTE.format(example="plait.MultiTaskModel")
    return {**pages, "plait": TOP.format(note=note, table=table, names=", ".join(top.__all__))}


METHODS = """\
# Methods

Written from the classes by `docs/generate.py`. Formulas are in the [API](api.md). `plait list NAME`
shows one method in the terminal. In a run, an option is set with the family's name and a dot:
`balancing=CAGrad balancing.c=0.4`.

## Sharing

Family 1: which parameters the tasks have in common.

{sharing}

## Conditioning

For `sharing=Conditioned`: what each task adds to the one trunk, as in
`sharing.by=LoRA sharing.by.rank=4`.

{conditioning}

## Regularization

Family 2: one network per task, with tied parameters.

{regularization}

## Connections

Family 3: one network per task, with what passes between them.

{connections}

## Mixing

For several data sets: which of them gives a step, and what an epoch is.

{mixing}

## Balancing

What each method reads, costs and needs, as its class says; T tasks, P shared parameters.
"T half ones and 1" is the route by layers; [by labels](passes.md) it is 1 and as many half ones
as an example has labels.

| method | reads | backward passes | memory | needs |
| --- | --- | --- | --- | --- |
{table}

{balancing}
"""
SETTINGS = """\
# Settings

Written from the code by `docs/generate.py`: all settings of a run, with their defaults. Set them on
the command line (`plait train digits epochs=5 optimizer.lr=0.01`) or in a YAML file, which
`plait train FILE.yaml` reads:

```yaml
recipe: digits
epochs: 5
optimizer: {{class: SGD, lr: 0.1}}
sharing: {{class: MMoE, experts: 4}}
```

`plait train digits --help-settings` shows those of one recipe with its own defaults, and with
`sharing=MMoE` before it those of another method. Of two values of one setting the last counts: a
recipe's defaults come first, then the file, then the command line. The options of each method are
on the page of [methods](methods.md). Columns and tasks of a table are described in
[your data](your_data.md).

Editors complete and check such a file by its JSON Schema: `plait train --schema` prints it, and
`# yaml-language-server: $schema=plait.schema.json` as the first line names the file that it is in.

{table}

## Recipes

Set with `recipe.` before the name, as in `recipe.scenes=400`.

{recipes}
"""
FAMILIES = (
    "sharing",
    "sharing.conditioning",
    "regularization",
    "connections",
    "data.mixing",
    "balancing",
)
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
        family.rpartition(".")[2]: "\n\n".join(map(section, methods))
        for family, methods in found.items()
    }
    return METHODS.format(table="\n".join(rows), **sections)


def section(name: str) -> str:
    """Returns what there is to say of a method, below its name."""
    from plait.experiments.catalogue import entry

    told = entry(name)
    parts = [f"{part}: {plain(told[key])}" for part, key in PARTS.items() if told.get(key)]
    options = [
        (f"`{option}`", about["takes"], value(about.get("default", ...)), about["meaning"])
        for option, about in told["options"].items()
    ]
    table = [options_table("option", options)] if options else []
    return "\n\n".join([f"### {name}", plain(told["summary"]), *table, *parts])


def settings_page() -> str:
    """Returns the page of all settings of a run."""
    from plait.experiments.settings_list import run_settings

    rows = [
        (f"`{each.key}`", each.takes, value(each.default), each.meaning)
        for each in run_settings()
        if not each.key.startswith(("sharing.", "balancing."))
        and (each.meaning or "." not in each.key)  # torch documents its own options
    ]
    from plait.experiments import catalogue

    recipes = "\n\n".join(map(section, catalogue("recipes")["recipes"]))
    return SETTINGS.format(table=options_table("setting", rows), recipes=recipes)


def options_table(first: str, rows: list[tuple[str, str, str, str]]) -> str:
    """Returns a table of options; their meaning is text of docstrings."""
    head = [f"| {first} | takes | default | meaning |", "| --- | --- | --- | --- |"]
    lines = [
        f"| {key} | {plain(takes)} | {plain(default)} | {plain(meaning)} |"
        for key, takes, default, meaning in rows
    ]
    return "\n".join(head + lines)


def value(default: Any) -> str:
    """Returns a default as one would write it in YAML; nothing where there is none."""
    return "" if default is ... else json.dumps(default, default=str).strip('"')


def plain(text: str) -> str:
    """Keeps a docstring's signs from being read as markup, outside of code."""
    pieces = re.split(r"(`+[^`]+`+)", text)
    return "".join(
        piece.replace("|", "\\|")
        if piece.startswith("`")
        else re.sub(r"([*_<>|\[\]{}~])", r"\\\1", piece)
        for piece in pieces
    )


def pages() -> dict[Path, str]:
    """Returns `{path: text}` of all pages that are written from the code."""
    api = {HERE / "api" / f"{name}.md": text for name, text in api_pages().items()}
    return {
        **api,
        HERE / "methods.md": methods_page(),
        HERE / "settings.md": settings_page(),
    }


def write_pages() -> None:
    """Writes all pages; leaves one that is up to date untouched."""
    for page, text in pages().items():
        page.parent.mkdir(exist_ok=True)
        if not page.exists() or page.read_text(encoding="utf-8") != text:
            page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write_pages()
