"""Splits of a table: by fractions, by a column, and what a user is told."""

import numpy as np
import pandas as pd
import pytest
import torch

from plait.core.errors import ConfigError, DataError
from plait.data.table.splits import FRACTIONS, SPLITS, Division, split_by_column, split_by_fractions

LABELS = {"colour": torch.arange(100) % 3, "price": torch.arange(100.0).reshape(-1, 1)}


def partition(division: Division) -> dict[str, int]:
    assert list(division.rows) == list(SPLITS)
    every = np.sort(np.concatenate(list(division.rows.values())))
    assert np.array_equal(every, np.arange(len(every)))
    for rows in division.rows.values():
        assert np.array_equal(rows, np.sort(rows))
    return {split: len(rows) for split, rows in division.rows.items()}


def test_fractions() -> None:
    assert partition(split_by_fractions(LABELS, seed=0)) == {"train": 70, "val": 15, "test": 15}
    other = {"test": 0.5, "train": 0.3, "val": 0.2}
    assert partition(split_by_fractions(LABELS, other, seed=0)) == {
        "train": 30,
        "val": 20,
        "test": 50,
    }


def test_numbers_are_divided_over_their_range() -> None:
    division = split_by_fractions(LABELS, seed=0)
    assert np.bincount(division.rows["test"] // 20, minlength=5).tolist() == [3] * 5


def test_the_seed_alone_says_which_rows() -> None:
    found = []
    for seed, other in ((0, 5), (0, 6), (1, 6)):
        np.random.default_rng(other)
        torch.manual_seed(other)
        found.append(split_by_fractions(LABELS, seed=seed).rows["test"].tolist())
    assert found[0] == found[1] != found[2]


def test_groups_stay_together() -> None:
    groups = np.repeat(np.arange(20), 5)
    division = split_by_fractions(LABELS, seed=0, together=groups)
    assert partition(division) == {"train": 70, "val": 15, "test": 15}
    for split, rows in division.rows.items():
        others = np.concatenate([r for name, r in division.rows.items() if name != split])
        assert not set(groups[rows]) & set(groups[others])


def test_twins_stay_together_where_they_are_few() -> None:
    few = np.concatenate([np.arange(60), np.arange(40)])
    division = split_by_fractions(LABELS, seed=0, twins=few)
    assert partition(division) == {"train": 70, "val": 15, "test": 15}
    for split, rows in division.rows.items():
        others = np.concatenate([r for name, r in division.rows.items() if name != split])
        assert not set(few[rows]) & set(few[others])
    assert division.notes == ()


def test_twins_are_divided_where_they_are_the_rule() -> None:
    division = split_by_fractions(LABELS, seed=0, twins=np.arange(100) % 2)
    assert partition(division) == {"train": 70, "val": 15, "test": 15}
    assert division.notes == (
        "only 2 of 100 rows have different inputs, so rows of equal inputs may be in several "
        "splits.",
    )


@pytest.mark.parametrize(
    ("fractions", "words"),
    [
        ({"train": 0.8, "test": 0.2}, "must be of train, val, test; found train, test"),
        ({"train": 0.8, "val": 0.1, "dev": 0.1}, "found train, val, dev"),
        ({"train": 0.8, "val": 0.1, "test": 0.2}, "with the sum 1; found .* 1.1 together"),
        ({"train": 1.0, "val": 0.0, "test": 0.0}, "must be positive"),
    ],
)
def test_fractions_are_checked(fractions: dict[str, float], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        split_by_fractions(LABELS, fractions, seed=0)


def test_too_few_rows() -> None:
    with pytest.raises(DataError, match="train, val, test must have a row each; found 2 rows"):
        split_by_fractions({"a": torch.zeros(2, 1)}, seed=0)
    with pytest.raises(DataError, match="found 2 groups"):
        split_by_fractions(LABELS, seed=0, together=np.arange(100) % 2)


# --- by a column ----------------------------------------------------------------------------


def column(*words: object) -> pd.Series:
    return pd.Series([words[row % len(words)] for row in range(100)], name="part")


@pytest.mark.parametrize(
    ("words", "mapped"),
    [
        (("train", "val", "test", "train"), None),
        (("Training", "VALID", " testing ", "TRAIN"), None),
        (("train", "dev", "Test", "train"), None),
        (("train", "validation", "test", "train"), None),
        ((0, 1, 2, 0), {"0": "train", "1": "val", "2": "test"}),
        ((0, 1, 2, 0), {0: "train", 1: "val", 2: "test"}),
        (("A", "b", "test", "A"), {"a": "train", "B": "val"}),
        (("train", "fold 1", "fold 2", "train"), {"fold 1": "val", "fold 2": "test"}),
    ],
)
def test_words_of_a_column(words: tuple[object, ...], mapped: dict[object, str] | None) -> None:
    division = split_by_column(column(*words), LABELS, seed=0, words=mapped)
    assert partition(division) == {"train": 50, "val": 25, "test": 25}
    assert division.rows["val"].tolist() == list(range(1, 100, 4))
    assert division.notes == ()


def test_a_missing_validation_is_taken_from_training() -> None:
    division = split_by_column(column("train", "test"), LABELS, seed=0)
    share = FRACTIONS["val"] / (FRACTIONS["train"] + FRACTIONS["val"])
    assert partition(division) == {
        "train": 50 - round(50 * share),
        "val": round(50 * share),
        "test": 50,
    }
    assert division.rows["test"].tolist() == list(range(1, 100, 2))
    assert division.notes == (
        "column 'part' names no row for val: 9 of its 50 training rows are taken.",
    )
    again = split_by_column(column("train", "test"), LABELS, seed=1)
    assert again.rows["val"].tolist() != division.rows["val"].tolist()


def test_a_column_of_training_rows_alone() -> None:
    division = split_by_column(column("train"), LABELS, seed=0)
    assert partition(division) == {"train": 70, "val": 15, "test": 15}
    assert len(division.notes) == 2


def test_groups_stay_together_when_validation_is_taken() -> None:
    groups = np.arange(100) // 10
    division = split_by_column(
        column(*["train"] * 10, *["test"] * 10), LABELS, seed=0, together=groups
    )
    assert not set(groups[division.rows["train"]]) & set(groups[division.rows["val"]])


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (("train", "test", "tset"), "'part' must say train, val or test.*found 'tset' in row 3"),
        (("train", None), "found an empty cell in row 2"),
        ((0, 1, 2), "found '0' in row 1"),
        (("val", "test"), "names no row for training"),
    ],
)
def test_a_column_is_checked(cells: tuple[object, ...], words: str) -> None:
    with pytest.raises(DataError, match=words):
        split_by_column(column(*cells), LABELS, seed=0)


def test_words_stand_for_splits() -> None:
    with pytest.raises(ConfigError, match=r"unknown split 'tset'.*Did you mean 'test'"):
        split_by_column(column("a", "b"), LABELS, seed=0, words={"a": "train", "b": "tset"})
