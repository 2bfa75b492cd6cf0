"""Parquet files by row groups, against pandas."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from plait.core.errors import DataError
from plait.data.table.parquet import ParquetFiles, is_parquet

pytest.importorskip("pyarrow")


def frame(rows: int = 10) -> pd.DataFrame:
    numbers = np.arange(rows)
    words = [None if k % 4 == 3 else f"w{k}" for k in numbers]
    return pd.DataFrame({"a": numbers, "b.c": numbers / 2, "s": words, "l": [[1, 2]] * rows})


def written(path: Path, table: pd.DataFrame, group: int = 4) -> Path:
    path.parent.mkdir(exist_ok=True, parents=True)
    table.to_parquet(path, row_group_size=group)
    return path


def whole(files: ParquetFiles, columns: list[str], rows: int = 3) -> pd.DataFrame:
    groups = range(len(files.groups))
    return pd.concat([each for group in groups for each in files.frames(group, columns, rows)])


@pytest.mark.parametrize("rows", [1, 3, 4, 100])
def test_a_file_is_read_by_row_groups(tmp_path: Path, rows: int) -> None:
    files = ParquetFiles(written(tmp_path / "t.parquet", frame()))
    assert files.columns == ["a", "b.c", "s", "l"]
    assert (files.sizes, files.rows) == ([4, 4, 2], 10)
    found = list(files.frames(1, ["s", "a"], rows))
    assert [len(each) for each in found] == [min(rows, 4 - k) for k in range(0, 4, rows)]
    pd.testing.assert_frame_equal(
        whole(files, ["b.c", "s", "a"], rows), frame()[["b.c", "s", "a"]], check_dtype=False
    )
    assert whole(files, ["l"])["l"].map(list).tolist() == [[1, 2]] * 10


def test_the_files_of_a_folder_are_one_table(tmp_path: Path) -> None:
    table = frame()
    part = table.iloc[6:].assign(s=None)  # a column of nothing fits words
    written(tmp_path / "all" / "b" / "part-1.parquet", part[["l", "s", "b.c", "a"]])
    written(
        tmp_path / "all" / "a.parquet", table.iloc[[*range(1, 6), 0]].set_index("a")
    )  # a column
    written(tmp_path / "all" / ".hidden.parquet", frame(2))
    written(tmp_path / "all" / "_temporary" / "c.parquet", frame(2))
    (tmp_path / "all" / "read.me").write_text("x")
    files = ParquetFiles(tmp_path / "all")
    found = whole(files, ["a", "b.c"])
    assert found["a"].tolist() == [1, 2, 3, 4, 5, 0, 6, 7, 8, 9]
    assert found.index.tolist() == [*range(6), *range(4)], "rows are numbered as in their file"
    assert files.place(0).endswith("a.parquet")
    assert files.place(len(files.groups) - 1).endswith("part-1.parquet")


def test_an_index_without_a_name_is_no_column(tmp_path: Path) -> None:
    files = ParquetFiles(written(tmp_path / "t.parquet", frame().iloc[::2]))
    assert files.columns == list(frame().columns)


def test_what_is_parquet(tmp_path: Path) -> None:
    written(tmp_path / "deep" / "er" / "T.PARQUET", frame())
    assert is_parquet(tmp_path / "deep")
    assert not is_parquet(tmp_path / "none")
    assert not is_parquet(tmp_path / "t.csv")


def other(**columns: Any) -> pd.DataFrame:
    return frame(4).assign(**columns)


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (frame(4).drop(columns="s"), r"a\.parquet has 's', and .*b\.parquet does not"),
        (other(new=1), r"b\.parquet has 'new', and .*a\.parquet does not"),
        (other(a=list("wxyz")), r"'a' must .*a\.parquet has numbers, and .*b\.parquet has words"),
        (other(l=1), r"'l' must .* has lists of numbers, and .* has numbers"),
    ],
)
def test_files_of_other_tables_are_refused(
    tmp_path: Path, second: pd.DataFrame, message: str
) -> None:
    written(tmp_path / "a.parquet", frame())
    written(tmp_path / "b.parquet", second)
    with pytest.raises(DataError, match=message):
        ParquetFiles(tmp_path)


def test_bad_files_are_named(tmp_path: Path) -> None:
    good = written(tmp_path / "t.parquet", frame(1000), group=500)
    content = good.read_bytes()
    cases: dict[str, tuple[bytes, str]] = {
        "text.parquet": (b"a,b\n1,2\n" * 9, "cannot be read as a Parquet file"),
        "short.parquet": (content[: len(content) // 2], "cannot be read as a Parquet file"),
        "empty.parquet": (b"", "cannot be read as a Parquet file"),
    }
    for name, (text, message) in cases.items():
        (tmp_path / name).write_bytes(text)
        with pytest.raises(DataError, match=rf"{name} {message}"):
            ParquetFiles(tmp_path / name)
    (tmp_path / "holes.parquet").write_bytes(bytes(2000) + content[2000:])
    with pytest.raises(DataError, match=r"holes.parquet cannot be read"):
        whole(ParquetFiles(tmp_path / "holes.parquet"), ["a"])
    (tmp_path / "folder").mkdir()
    with pytest.raises(DataError, match=r"folder is a folder without a Parquet file"):
        ParquetFiles(tmp_path / "folder")
    with pytest.raises(DataError, match=r"absent.parquet is not there"):
        ParquetFiles(tmp_path / "absent.parquet")
    with pytest.raises(DataError, match=r"none.parquet is empty: there is no row"):
        ParquetFiles(written(tmp_path / "none.parquet", frame(0)))


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    files = ParquetFiles(written(tmp_path / "t.parquet", frame()))
    with pytest.raises(DataError, match=r"t\.parquet lacks 1 column that is needed: 'wrong'"):
        next(files.frames(0, ["a", "wrong"], 2))
