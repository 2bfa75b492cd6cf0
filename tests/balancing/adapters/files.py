"""The golden files; `tests/reference/balancers/README.md` explains them."""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(os.environ.get("PLAIT_REFERENCE", Path(__file__).parents[2] / "reference"))
FILES = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((FOLDER / "balancers").glob("*.json"))
}
Case = Mapping[str, Any]
Adapter = Callable[[Case, Case], None]  # runs one case, given the header of its file


def is_information(key: str) -> bool:
    """What other implementations gave for the case, which is no target."""
    parts = ("torchjd", "LibMTL", "including_self", "peers", "second_solver", "gram_only")
    return any(part in key for part in parts)


def jacobian_of(case: Case) -> np.ndarray:
    """The case's own J, or the one that it names."""
    return np.array(case["J"] if "J" in case else FILES["inputs"]["inputs"][case["input"]]["J"])


def refuse_unknown(found: Mapping[str, Any], known: set[str], what: str) -> None:
    """Fails where a file holds something that its adapter does not test."""
    unknown = [key for key in found if key not in known and not is_information(key)]
    assert not unknown, f"unknown {what} {unknown}"
