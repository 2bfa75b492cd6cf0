"""A gallery is there and whole, or not there."""

import json
import random
from dataclasses import asdict
from pathlib import Path

import pytest

from plait.core.errors import DataError
from plait.reports.read.gallery import read_gallery
from plait.runs.folder import EXAMPLES, GALLERY
from tests.reports.example import write_gallery


def test_the_examples_are_those_of_the_file(tmp_path: Path) -> None:
    write_gallery(tmp_path / GALLERY, random.Random(0), count=3)
    found = read_gallery(tmp_path)
    written = json.loads((tmp_path / EXAMPLES).read_text())["examples"]
    assert found is not None
    assert json.loads(json.dumps([asdict(example) for example in found])) == written


def test_no_file_is_no_gallery(tmp_path: Path) -> None:
    assert read_gallery(tmp_path) is None


@pytest.mark.parametrize("text", ["{", "null", '{"examples": [{"views": []}]}'])
def test_a_broken_file_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / GALLERY).mkdir()
    (tmp_path / EXAMPLES).write_text(text)
    with pytest.raises(DataError, match=r"gallery\.json.*Save the examples again"):
        read_gallery(tmp_path)
