from pathlib import Path

import pandas as pd
import pytest

from plait.core.errors import DataError
from plait.data.table.read import read_table
from plait.data.table.write import write_table

FRAME = pd.DataFrame({"a": [1, 2, 3, 4], "b": ["x", "y, z", 'q"', "ü"]})


@pytest.mark.parametrize(
    "name",
    ["t.csv", "t.tsv", "t.jsonl", "t.csv.gz", "t.tsv.xz", "t.csv.zst", "t.jsonl.gz", "t.parquet"],
)
def test_what_is_written_is_read_again(tmp_path: Path, name: str) -> None:
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    path = tmp_path / "new" / name
    assert write_table(path, [FRAME.iloc[:1], FRAME.iloc[1:]]) == 4
    pd.testing.assert_frame_equal(read_table(path), FRAME)
    assert [each.name for each in path.parent.iterdir()] == [name]


def test_a_file_is_whole_or_absent(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("before")

    def pieces():
        yield FRAME
        raise DataError("a bad row")

    with pytest.raises(DataError, match="a bad row"):
        write_table(path, pieces())
    assert path.read_text() == "before"
    assert [each.name for each in tmp_path.iterdir()] == ["t.csv"]
    with pytest.raises(DataError, match="must end in"):
        write_table(tmp_path / "t.xls", [FRAME])
