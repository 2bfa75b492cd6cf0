"""The archives of tables: what is checked, and how rows are divided."""

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plait.core.errors import ConfigError, DataError
from plait.recipes._npz import check_split, names_of, read_rows, split_rows
from tests.recipes.table_folders import school, write

Arrays = dict[str, Any]


def read(folder: Path, arrays: Arrays) -> Arrays:
    return read_rows(write(folder, "school", arrays), "school.npz", columns=28, most=139)


# --- reading --------------------------------------------------------------------------------


@pytest.mark.parametrize("dtypes", [("uint8",) * 3, ("float32", "int64", "int16")])
def test_arrays_are_read_whatever_their_width(dtypes: tuple[str, ...], tmp_path: Path) -> None:
    given = school()
    stored = {key: each.astype(d) for (key, each), d in zip(given.items(), dtypes, strict=True)}
    found = read(tmp_path, stored)
    assert {key: str(each.dtype) for key, each in found.items()} == {
        "x": "float64",
        "y": "int64",
        "task": "int64",
    }
    assert all(np.array_equal(found[key], given[key]) for key in given)


def changed(key: str, change: Callable[[Any], Any]) -> Arrays:
    arrays = school()
    return {**arrays, key: change(arrays[key])}


def at(row: int, column: int, value: float) -> Callable[[Any], Any]:
    def change(x: Any) -> Any:
        x = x.astype(np.float32)
        x[row, column] = value
        return x

    return change


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        (changed("x", lambda x: x[:-1]), r"`x` .* must be numbers \[N, 28\].*uint8 \[57, 28\]"),
        (changed("x", lambda x: x[:, 1:]), r"`x` .*found uint8 \[58, 27\]"),
        (changed("x", lambda x: x.astype("U")), r"`x` .*found <U\d+ \[58, 28\]"),
        (changed("x", at(4, 7, np.nan)), r"`x` .* must be finite; found nan in row 4, column 7"),
        (changed("x", at(9, 0, np.inf)), r"`x` .* must be finite; found inf in row 9, column 0"),
        (changed("y", lambda y: y[:, None]), r"`y` .* whole numbers \[N\].*uint8 \[58, 1\]"),
        (changed("y", lambda y: y * 1.5), r"`y` .*found float"),
        (changed("task", lambda t: t.astype(float)), r"`task` .*found float64 \[58\]"),
        (changed("task", lambda t: t[0]), r"one row for each of N examples"),
        (changed("task", lambda t: t.astype(int) - 1), r"`task` .* must be 0..138; found -1 in"),
        (changed("task", lambda t: t * 100), r"`task` .* must be 0..138; found 200 in row"),
        (changed("task", lambda t: t + (t > 0)), "without a gap; there is no row of 1"),
        ({key: each[:0] for key, each in school().items()}, r"`x` .*found uint8 \[0, 28\]"),
        ({"x": school()["x"]}, "must hold the arrays x, y, task; there is no y, task"),
    ],
)
def test_arrays_that_break_their_rule_are_refused(
    arrays: Arrays, words: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=words) as caught:
        read(tmp_path, arrays)
    assert "school.npz" in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"must hold school\.npz; school\.npz not found"):
        read_rows(tmp_path, "school.npz", columns=28, most=139)


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04 half"])
def test_a_damaged_archive_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "school.npz").write_bytes(content)
    with pytest.raises(DataError, match="must be a whole NumPy archive") as caught:
        read_rows(tmp_path, "school.npz", columns=28, most=139)
    assert "Is it truncated?" in str(caught.value)


def test_an_archive_with_a_truncated_array_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "school.npz", "w") as archive:
        for key in ("x", "y", "task"):
            archive.writestr(f"{key}.npy", b"\x93NUMPY\x01\x00 and no more")
    with pytest.raises(DataError, match="must be a whole NumPy archive"):
        read_rows(tmp_path, "school.npz", columns=28, most=139)


def test_nothing_pickled_is_unpacked(tmp_path: Path) -> None:
    arrays = {**school(), "task": np.array([{"a": 1}] * 58, dtype=object)}
    with pytest.raises(DataError, match=r"must be a whole NumPy archive.*allow_pickle=False"):
        read(tmp_path, arrays)


def test_an_archive_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    arrays = {**school(), "more": np.zeros(2**26 + 1, dtype=np.uint8)}
    place = write(tmp_path, "school", arrays)
    assert (place / "school.npz").stat().st_size < 2**20
    with pytest.raises(DataError, match="at most 67108864 bytes when unpacked; it has 671"):
        read_rows(place, "school.npz", columns=28, most=139)


# --- dividing and naming ------------------------------------------------------------------


def test_rows_are_divided_60_15_25() -> None:
    found = split_rows(np.zeros(100, dtype=int), ["all"], split=0)
    assert {split: len(rows) for split, rows in found.items()} == {
        "train": 60,
        "val": 15,
        "test": 25,
    }


@pytest.mark.parametrize("split", [-1, 1.0, "one", True, None])
def test_the_division_is_named_by_a_whole_number(split: Any) -> None:
    with pytest.raises(ConfigError, match="`split` must be a whole number, not negative; found"):
        check_split(split)


def test_names_sort_as_the_numbers_do() -> None:
    names = names_of("school", np.arange(139))
    assert (names[0], names[7], names[138]) == ("school-000", "school-007", "school-138")
    assert names == sorted(names)
