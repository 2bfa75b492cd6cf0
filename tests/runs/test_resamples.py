import json
import math
from pathlib import Path

import pytest

from plait.core.errors import DataError
from plait.runs.folder import RESAMPLES
from plait.runs.resamples import Resamples, read_resamples, write_resamples

FOUND = Resamples(
    draws=3,
    of="groups",
    units={"a": 4, "b": 0},
    metrics={"a": {"mae": [1.0, 0.1 + 0.2, math.nan]}, "b": {"mae": [math.nan] * 3}},
)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    assert read_resamples(tmp_path) is None
    write_resamples(tmp_path, FOUND)
    assert repr(read_resamples(tmp_path)) == repr(FOUND)
    content = json.loads((tmp_path / RESAMPLES).read_text(encoding="utf-8"))
    assert content["metrics"]["a"]["mae"] == [1.0, 0.1 + 0.2, None]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "no JSON"),
        ("[]", "must hold names and values"),
        ('{"draws": 1, "of": "rows", "units": {}}', "`metrics`: Field required"),
        ('{"draws": 1, "of": "cells", "units": {}, "metrics": {}}', "must be 'rows' or 'groups'"),
        ('{"draws": 1, "of": "rows", "units": {"a": 1}, "metrics": {}}', "of the same tasks"),
        (
            '{"draws": 2, "of": "rows", "units": {"a": 1}, "metrics": {"a": {"f1": [1]}}}',
            "a/f1 must have 2 values, one for each draw; found 1",
        ),
    ],
)
def test_a_file_of_something_else(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / RESAMPLES).write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=words):
        read_resamples(tmp_path)
