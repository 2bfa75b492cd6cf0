"""What the page of other libraries shows is what the examples do, which are tested."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "integrations.md").read_text(encoding="utf-8")
EXAMPLES = {
    "Lightning": "lightning_loop",
    "Accelerate": "accelerate_loop",
    "Ray Train": "ray_train_loop",
}


def lines(code: str) -> list[str]:
    return [line.strip() for line in code.splitlines() if line.strip()]


@pytest.mark.parametrize("library", EXAMPLES)
def test_each_line_is_one_of_the_example_in_its_order(library: str) -> None:
    section = PAGE.partition(f"\n## {library}\n")[2].partition("\n## ")[0]
    (shown,) = re.findall(r"```python\n(.*?)```", section, flags=re.DOTALL)
    example = (ROOT / "examples" / f"{EXAMPLES[library]}.py").read_text(encoding="utf-8")
    assert len(lines(shown)) > 10
    left = iter(lines(example))
    assert [line for line in lines(shown) if line not in left] == []
