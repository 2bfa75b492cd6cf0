"""Descents are the same after writing and reading, and a damaged file is refused."""

from pathlib import Path

import pytest

from plait.core.errors import DataError
from plait.core.typed_json import write_typed
from plait.runs.descents import read_descents
from plait.runs.folder import DESCENTS
from tests.runs.descents_made import descents


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_typed(tmp_path / DESCENTS, descents())
    assert read_descents(tmp_path) == descents()


def test_those_within_the_tolerance_reach_the_front() -> None:
    assert [each.reaching(0.1) for each in descents().methods] == [1, 2, 0]


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / DESCENTS).write_text('{"title": 3}')
    with pytest.raises(DataError, match="reproduce toy"):
        read_descents(tmp_path)
