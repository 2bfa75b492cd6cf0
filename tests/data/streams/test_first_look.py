"""Small tables are looked at as a whole, large ones by a sample."""

from pathlib import Path

import pytest

from plait.data.streams import first_look as module
from plait.data.streams.first_look import first_look
from tests.data.streams.tables import frame, written

pytest.importorskip("pyarrow")


def test_a_small_table_is_read(tmp_path: Path) -> None:
    found, rows = first_look(written(tmp_path / "t.parquet"))
    assert (len(found), rows) == (600, None)
    frame().drop(columns="list").to_csv(tmp_path / "t.csv", index=False)
    found, rows = first_look(tmp_path / "t.csv")
    assert (len(found), rows) == (600, None)


def test_of_a_large_table_some_rows_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LARGE", 1000)
    monkeypatch.setattr(module, "ROWS", 100)
    written(tmp_path / "t.parquet")
    for path in (tmp_path / "t.parquet", tmp_path):
        found, rows = first_look(path)
        assert rows == 600
        assert 80 <= len(found) <= 120
        assert set(found.columns) == set(frame().columns)
