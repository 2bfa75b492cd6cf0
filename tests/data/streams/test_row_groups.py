"""What can be streamed."""

from pathlib import Path

import pandas as pd
import pytest

from plait.core.errors import ConfigError
from plait.data.streams.row_groups import row_groups_of
from tests.data.streams.tables import written

pytest.importorskip("pyarrow")


def test_parquet_is_opened(tmp_path: Path) -> None:
    path = written(tmp_path / "t.parquet")
    assert row_groups_of(path).sizes == row_groups_of(str(tmp_path)).sizes == [50] * 12


def test_other_tables_are_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ConfigError, match=r"found .*t\.csv\. Write the table as Parquet"):
        row_groups_of(tmp_path / "t.csv")
    with pytest.raises(ConfigError, match="found a DataFrame, which is in memory"):
        row_groups_of(pd.DataFrame({"a": [1]}))
