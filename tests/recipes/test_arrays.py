"""Archives that hold a table: what is checked."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plait.core.errors import DataError
from plait.recipes._arrays import read_arrays, split_words


def test_arrays_are_given_as_they_are(tmp_path: Path) -> None:
    given = {"x": np.arange(6.0).reshape(3, 2), "split": np.array([0, 1, 2])}
    np.savez(tmp_path / "a.npz", **given, more=np.array("not asked for"))
    found = read_arrays(tmp_path / "a.npz", {"x": 2, "split": None})
    assert found.keys() == given.keys()
    assert all(np.array_equal(found[name], given[name]) for name in given)
    assert split_words(tmp_path / "a.npz", found["split"]).tolist() == ["train", "val", "test"]


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (np.zeros((3, 3)), r"`x` .* must be numbers \[N, 2\], .* found float64 \[3, 3\]"),
        (np.zeros((2, 2)), r"`x` .* one row for each of N examples; found float64 \[2, 2\]"),
        (np.zeros(3), r"found float64 \[3\]"),
        (np.array(1.0), r"found float64 \[\]"),
        (np.full((3, 2), "a"), r"found <U1 \[3, 2\]"),
    ],
)
def test_arrays_of_another_shape_or_kind_are_refused(x: Any, words: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=x, split=np.zeros(3, dtype=int))
    with pytest.raises(DataError, match=words):
        read_arrays(tmp_path / "a.npz", {"x": 2, "split": None})


def test_an_empty_table_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", split=np.zeros(0))
    with pytest.raises(DataError, match=r"found float64 \[0\]"):
        read_arrays(tmp_path / "a.npz", {"split": None})


def test_a_number_that_is_no_split_is_named() -> None:
    with pytest.raises(DataError, match=r"`split` in a.npz must be 0, 1 or 2; found 3 in row 1"):
        split_words(Path("a.npz"), np.array([0, 3]))
