"""The examples of the README run as they stand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"
EXAMPLES = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)


def test_there_are_two_examples() -> None:
    assert len(EXAMPLES) == 2


@pytest.mark.parametrize("example", EXAMPLES, ids=["own loop", "own data"])
def test_example_runs(example: str, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(example, "README.md", "exec"), {"__name__": "example"})
    assert capsys.readouterr().out


def test_commands_of_the_readme_parse() -> None:
    """Every setting that the README and the guide show is one that the configuration knows."""
    from plait.experiments import merge, parse, validate, with_defaults

    pages = [README, README.parent / "docs" / "families.md"]
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages).replace("\\\n", " ")
    lines = re.findall(r"^plait train (digits[^#\n]*)", text, re.M)
    assert len(lines) > 10
    for line in lines:
        recipe, *settings = re.sub(r"--\w+ \S+", "", line).split()
        given = {"recipe": recipe, "start_from": re.findall(r"--from (\S+)", line)}
        validate(with_defaults(merge(given, parse(settings))))


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README.read_text(encoding="utf-8"))
    local = [link for link in links if "://" not in link]
    assert local
    for link in local:
        assert (README.parent / link).exists(), link
