"""Roles by names and values."""

import pandas as pd
import pytest

from plait.data.table.roles import (
    is_coordinate,
    is_group,
    is_split_by_name,
    is_weight,
    likely_targets,
    numbers_classes,
    split_words,
)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["acid", "sugar", "quality", "colour"], ["quality", "colour"]),
        (["age", "job", "income"], ["income"]),
        (["a", "b", "income_50k"], ["income_50k"]),
        (["income", "age", "job", "sex", "bought"], ["bought"]),  # income stands too early
        (["X1", "X2", "Y1", "Y2"], ["Y1", "Y2"]),
        (["Att1", "Class1", "Class2"], ["Class1", "Class2"]),
        (["class", "cap", "odor"], ["class"]),
        (["Survived", "Pclass", "Age"], ["Survived"]),
        (["news", "visit", "conversion", "spend"], ["visit", "conversion", "spend"]),
        (["x", "price_target", "z"], ["price_target"]),
        (["a", "b"], ["b"]),
        (["yolk", "years", "a"], ["a"]),
        ([], []),
    ],
)
def test_likely_targets(names: list[str], expected: list[str]) -> None:
    assert likely_targets(names) == expected


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["train", "val", "test", "train"], {"train": 2, "val": 1, "test": 1}),
        (["Training", "DEV", "dev", "train"], {"train": 2, "val": 2}),
        (["train", "train"], None),
        (["train", "test", None], None),
        (["train", "test", "other"], None),
        (["val", "test"], None),
        ([0, 1, 2], None),
    ],
)
def test_splits_are_recognised_by_their_words(cells: list[object], expected: object) -> None:
    assert split_words(pd.Series(cells)) == expected


def test_names() -> None:
    assert all(map(is_split_by_name, ["split", "Fold", "data_split", "partition"]))
    assert not any(map(is_split_by_name, ["splits_of_wood", "folder", "part", "set"]))
    assert all(map(is_weight, ["instance_weight", "sample weight", "fnlwgt", "SampleWeight"]))
    assert not any(map(is_weight, ["weight", "curb_weight", "weight_kg"]))
    assert all(map(is_group, ["patient_id", "subject", "userId", "ID", "Household"]))
    assert not any(map(is_group, ["humid", "grid", "acid", "session_length", "paid"]))


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("target", [0, 1, 2], True),
        ("Class", [1.0, 2.0, 3.0, None], True),
        ("wine_type", [1, 2, 3, 4], True),
        ("target", [0, 1], False),  # a yes or no
        ("target", [3, 4, 5], False),
        ("target", [0, 1, 3], False),
        ("target", [0.0, 0.5, 1.0], False),
        ("children", [0, 1, 2], False),
        ("target", list(range(30)), False),
        ("label", ["0", "1", "2"], False),
    ],
)
def test_numbers_of_classes(name: str, values: list[object], expected: bool) -> None:
    assert numbers_classes(pd.Series(values * 2, name=name)) is expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *((name, True) for name in ("x", "x0", "head_xmin", "Box Y Max", "left", "cx")),
        *((name, False) for name in ("y", "Y2", "age", "maximum", "taxi", "sex", "brightness")),
    ],
)
def test_coordinates_are_told_by_their_names(name: str, expected: bool) -> None:
    assert is_coordinate(name) is expected
