"""Splits of tables that are not held, against the whole column."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from plait.core.errors import ConfigError, DataError
from plait.data.streams.row_splits import row_splits
from plait.data.table.parquet import ParquetFiles
from tests.data.streams.tables import frame, written

pytest.importorskip("pyarrow")


@pytest.fixture
def source(tmp_path: Path) -> ParquetFiles:
    return ParquetFiles(written(tmp_path / "t.parquet"))


def divided(source: ParquetFiles, split: Any, rows: int = 7) -> tuple[Any, Any]:
    """The split of every row, and the notes; the counts by slices are checked."""
    rule, counts, notes = row_splits(source, split, rows)
    found, start = [], 0
    for group, size in enumerate(source.sizes):
        own = []
        for piece in source.frames(group, [*rule.reads, "number"], rows):
            own.append(rule.of(piece, np.arange(start, start + len(piece))))
            start += len(piece)
        assert counts[group].tolist() == [np.bincount(k, minlength=3).tolist() for k in own]
        assert counts[group].sum() == size
        found += own
    return np.concatenate(found), notes


@pytest.mark.parametrize("split", [None, {"val": 0.1, "test": 0.3}, {"train": 0.5, "val": 0.35}])
def test_shares_are_held_by_chance(source: ParquetFiles, split: Any) -> None:
    found, _ = divided(source, split)
    shares = {"val": 0.15, "test": 0.15, **(split or {})}
    for place, name in ((1, "val"), (2, "test")):
        deviation = (600 * shares[name] * (1 - shares[name])) ** 0.5
        assert abs((found == place).sum() - 600 * shares[name]) < 3 * deviation
    again, _ = divided(source, split, rows=50)
    assert np.array_equal(found, again), "whatever is read together"
    other, _ = divided(source, {**(split or {}), "seed": 1})
    assert 0 < (other != found).sum() < 600


def test_chances_are_uniform_and_neighbours_independent() -> None:
    from plait.data.streams.row_splits import _chances

    chance = _chances(np.arange(100_000), 3)
    assert chance.min() >= 0
    assert chance.max() < 1
    counts, _ = np.histogram(chance, bins=100, range=(0, 1))
    assert ((counts - 1000) ** 2 / 1000).sum() < 150  # chi square of 99 degrees: 99 +- 14
    assert abs(np.corrcoef(chance[1:], chance[:-1])[0, 1]) < 0.01


def test_a_group_stays_in_one_split(source: ParquetFiles) -> None:
    found, _ = divided(source, {"val": 0.3, "test": 0.3, "group": "who"})
    splits = pd.Series(found).groupby(frame()["who"]).nunique()
    assert (splits == 1).all()
    assert set(found) == {0, 1, 2}


def test_a_column_names_the_splits(source: ParquetFiles) -> None:
    found, notes = divided(source, "part")
    words = {"train": 0, "valid": 1, "TEST": 2}
    assert np.array_equal(found, frame()["part"].map(words))
    assert not notes


def test_a_split_that_a_column_lacks_is_taken_from_training(tmp_path: Path) -> None:
    table = frame().replace({"part": {"TEST": "learn", "train": "learn"}})
    source = ParquetFiles(written(tmp_path / "t.parquet", table))
    found, notes = divided(source, {"column": "part", "words": {"Learn": "train"}})
    assert np.array_equal(found == 1, table["part"] == "valid")
    taken, total = (found == 2).sum(), (table["part"] == "learn").sum()
    assert abs(taken / total - 0.15 / 0.85) < 0.05
    assert notes == [
        f"column 'part' names no row for test: {taken} of its {total} training rows are taken."
    ]


@pytest.mark.parametrize(
    ("split", "error", "message"),
    [
        ("parts", DataError, "lacks 1 column that is needed: 'parts'.*Did you mean 'part'"),
        ("x", DataError, "'x' must say train, val or test .* in row 1"),
        ({"val": 0.5, "tests": 0.1}, ConfigError, "Did you mean 'test'"),
        ({"column": "part", "val": 0.1}, ConfigError, "`split.val` has no effect beside a column"),
        ({"column": "part", "group": "x"}, ConfigError, "`split.group` has no effect beside"),
        ({"column": "part", "words": {"a": "b"}}, ConfigError, "unknown split 'b'"),
        ({"words": {"a": "val"}}, ConfigError, "`split.words` is about a `column`"),
        ({"val": 2}, ConfigError, "`split.val` must be a share between 0 and 1"),
        ({"train": 0.9}, ConfigError, "with the sum 1"),
        ({"seed": -1}, ConfigError, "`split.seed` must be a whole number"),
        ({"val": 1e-9}, DataError, "has no row for val among its 600"),
    ],
)
def test_bad_settings_are_refused(
    source: ParquetFiles, split: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        divided(source, split)


def test_a_wrong_word_is_named_with_its_row(tmp_path: Path) -> None:
    table = frame()
    table.loc[133, "part"] = "trian"
    source = ParquetFiles(written(tmp_path / "t.parquet", table))
    with pytest.raises(DataError, match="found 'trian' in row 134"):
        divided(source, "part")
