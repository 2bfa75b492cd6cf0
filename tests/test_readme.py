"""The examples of the README run as they stand; commands and files of all pages are right."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from plait.core.families import FAMILIES
from plait.experiments import merge, parse, recipe_class, validate, with_defaults
from plait.experiments.build.methods import methods
from plait.experiments.catalogue import entry
from plait.experiments.overrides import read_yaml

README = Path(__file__).parents[1] / "README.md"
PAGES = [README, *sorted((README.parent / "docs").glob("*.md"))]
EXAMPLES = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)


def test_there_are_three_examples() -> None:
    assert len(EXAMPLES) == 3


@pytest.mark.parametrize("example", EXAMPLES, ids=["own loop", "learned weights", "own data"])
def test_example_runs(example: str, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(example, "README.md", "exec"), {"__name__": "example"})
    assert capsys.readouterr().out


def commands(page: Path) -> list[str]:
    """The lines of a page's shell blocks, continued lines joined."""
    blocks = re.findall(r"```sh\n(.*?)```", page.read_text("utf-8"), flags=re.DOTALL)
    return "".join(blocks).replace("\\\n", " ").splitlines()


COMMANDS = [(page.name, line) for page in PAGES for line in commands(page)]


def test_every_page_is_read() -> None:
    assert len(COMMANDS) > 40


@pytest.mark.parametrize(("page", "line"), COMMANDS)
def test_a_line_is_read_alike_by_bash_and_zsh(page: str, line: str) -> None:
    """zsh takes brackets and the like for patterns of files, and `#` for a word when one types."""
    outside = re.sub(r"'[^']*'|\"[^\"]*\"", "", line)
    assert not re.search(r"[][{}()*?<>#!^$;&]|(^|\s)[=~]", outside), f"{page}: quote it"
    assert line.strip()


COMMANDS_OF_PLAIT = {
    *("advise", "compare", "demo", "diagnose", "doctor", "evaluate", "explain", "init", "list"),
    *("predict", "report", "reproduce", "train", "tune"),
}


@pytest.mark.parametrize(("page", "line"), [each for each in COMMANDS if "plait " in each[1]])
def test_a_command_is_one_that_plait_knows(page: str, line: str) -> None:
    """Its command exists, and so do its options, its recipe and its settings."""
    words = shlex.split(line)
    assert words[0] == "plait"
    command, rest = words[1], words[2:]
    assert command in COMMANDS_OF_PLAIT
    pairs = {"--out", "-o", "--data", "--from", "--resume", "--seeds", "--targets", "--keep"}
    pairs |= {"--source", "--files", "--over", "--trials", "--jobs", "--objective", "--preference"}
    pairs |= {
        "--depth",
        "--steps",
        "--minutes",
        "--batches",
        "--members",
        "--rows",
        "--budget",
        "--nproc",
    }
    given: dict[str, Any] = {}
    settings, names = [], []
    while rest:
        word = rest.pop(0)
        if word in pairs:
            value = rest.pop(0)
            if word == "--from":
                given.setdefault("start_from", []).append(value)
        elif word.startswith("--"):
            assert word in {"--families", "--json", "--help-settings", "--no-forecast"}
        else:
            (settings if "=" in word else names).append(word)
    if "--resume" in words:
        return
    if command in ("train", "tune") and ":" not in line and not names[0].endswith(".yaml"):
        validate(with_defaults(merge({"recipe": names[0], **given}, parse(settings))))
    for name in names if command == "list" else []:
        assert name in FAMILIES or entry(name)


BLOCKS = [
    (page.name, block)
    for page in PAGES
    for block in re.findall(r"```yaml\n(.*?)```", page.read_text("utf-8"), flags=re.DOTALL)
]


@pytest.mark.parametrize(("page", "block"), BLOCKS)
def test_a_file_of_settings_is_one_for_config(page: str, block: str, tmp_path: Path) -> None:
    (tmp_path / "it.yaml").write_text(block)
    settings = read_yaml(tmp_path / "it.yaml")
    if not {"recipe", "table", "sources"} & settings.keys():  # an excerpt of one about a table
        settings = {"table": "it.csv", **settings}
    config = validate(with_defaults(settings))
    if config.table is not None or config.sources:
        return
    recipe = recipe_class(config.recipe.name)
    if recipe.needs_data:
        return
    tasks = {task.name for task in recipe().tasks()}
    assert set(config.schedule or {}) <= tasks
    methods(config.balancing, FAMILIES["balancing"])
    methods(config.connections, FAMILIES["connections"])


def test_files_of_settings_are_found() -> None:
    assert len(BLOCKS) >= 3


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README.read_text(encoding="utf-8"))
    local = [link for link in links if "://" not in link]
    assert local
    for link in local:
        assert (README.parent / link).exists(), link
