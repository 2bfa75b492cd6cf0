"""The examples of docs/networks.md run as they are written."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[1] / "docs" / "networks.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
NEEDS = re.compile(r"# needs (\w+)\n")


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_every_example_of_ones_own_network_runs(block: str) -> None:
    """Those that need another library are compiled alone where it is absent."""
    code = compile(block, str(PAGE), "exec")
    needed = NEEDS.match(block)
    if needed is not None:
        pytest.importorskip(needed[1], exc_type=ImportError)
    exec(code, {"__name__": "example"})


def test_the_page_has_examples_of_both_kinds() -> None:
    assert len([block for block in BLOCKS if not NEEDS.match(block)]) >= 5
    assert sum(map(bool, map(NEEDS.match, BLOCKS))) == 3
