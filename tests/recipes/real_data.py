"""The folders of real data, where they are at hand."""

from pathlib import Path

import pytest

from tests.recipes.table_folders import REAL


def real(name: str, file: str) -> Path:
    """The folder of real data; skips the test that asks where it is not on this machine.

    Args:
        name: of the folder.
        file: one that must be in it.
    """
    if not (REAL / name / file).is_file():
        pytest.skip(f"the {name} data are not in {REAL}; name their folder with PLAIT_DATA")
    return REAL / name
