"""The examples of docs/relations.md run as they are written."""

import re
from pathlib import Path

import pytest

import plait.relations

PAGE = Path(__file__).resolve().parents[1] / "docs" / "relations.md"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_every_example_runs(block: str, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(block, str(PAGE), "exec"), {"__name__": "example"})
    assert capsys.readouterr().out


def test_every_function_is_on_the_page() -> None:
    functions = [name for name in plait.relations.__all__ if name.islower()]
    assert not [name for name in functions if f"`{name}" not in TEXT and f" {name}(" not in TEXT]
