"""Rows of a table as scikit-learn reads them: what is missing, what is rare, what is new."""

import math

import numpy as np
import pandas as pd
import pytest
import torch

from plait.data.table.described_inputs import read_inputs
from plait.data.table.encode import encode
from plait.data.table.fit import fit_columns
from plait.encoders import TabularEncoder
from plait.encoders.tabular_encoder import SLOW
from plait.experiments.baselines.row_features import MOST_CODES, RowFeatures
from tests.experiments.baselines.tables import features_of


def table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "age": [20.0, 30.0, math.nan, 40.0, 50.0, 60.0],
            "kind": ["a", "b", "a", "b", "a", None],
        }
    )


def test_trees_read_numbers_as_they_are_and_codes_after_them() -> None:
    features, rows = features_of(table(), {"age": "number", "kind": "category"})
    found = features.trees(rows)
    assert features.categorical == [False, True]
    np.testing.assert_array_equal(found[:, 0], table()["age"])
    np.testing.assert_array_equal(found[:, 1], [2, 3, 2, 3, 2, 0])  # 0 is missing, 1 unseen


def test_linear_inputs_are_scaled_and_say_what_is_missing() -> None:
    features, rows = features_of(table(), {"age": "number", "kind": "category"})
    found = features.linear(rows)
    assert found.shape == (6, 2 + 3)  # age, whether it is missing; a, b and missing
    np.testing.assert_allclose(found[:, :2].mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(found[:, :2].std(axis=0), 1, rtol=1e-6)
    assert found[2, 1] == found[:, 1].max() and (np.delete(found[:, 1], 2) < 0).all()
    np.testing.assert_array_equal(found[:, 2:].sum(axis=1), 1)


def test_linear_numbers_are_the_encoders_up_to_a_scale() -> None:
    """As `TabularEncoder` hands them on: shifted, scaled, and held back where far out."""
    frame = pd.DataFrame({"x": [1.0, 2.0, 3.0, 4.0, 1e6, 2.5]})
    inputs = read_inputs({"x": "number"}, frame.columns)
    columns = fit_columns(frame, inputs, np.arange(6))
    rows = encode(frame, columns)
    own = TabularEncoder(columns).linear_inputs(rows)[:, 0].double() / SLOW
    found = torch.from_numpy(RowFeatures(columns, rows).linear(rows))[:, 0]
    expected = (own - own.mean()) / own.std(correction=0)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)
    assert found.max() < 3  # a million does not outweigh the others


def test_many_categories_are_sparse_and_new_ones_are_nothing() -> None:
    words = [f"w{number % 40}" for number in range(200)]
    features, rows = features_of(pd.DataFrame({"word": words}), {"word": "category"})
    found = features.linear(rows)
    assert hasattr(found, "toarray") and found.shape == (200, 40)
    other = rows[:1].clone()
    other[0, 0] = 1  # unseen: no training row has it
    assert features.linear(other).sum() == 0


def test_rare_codes_beyond_what_trees_take_become_one() -> None:
    count = MOST_CODES + 45
    words = [f"w{number:03}" for number in range(count) for _ in range(2 + (number < 10))]
    features, rows = features_of(pd.DataFrame({"word": words}), {"word": "category"})
    codes = features.trees(rows)[:, 0]
    assert len(np.unique(codes)) == MOST_CODES and codes.max() < MOST_CODES
    common = codes[: 3 * 10].reshape(10, 3)
    assert (common == common[:, :1]).all() and len(np.unique(common)) == 10
    _, sizes = np.unique(codes, return_counts=True)
    assert sorted(sizes)[-1] == 2 * (count - MOST_CODES + 1)  # the joined ones


@pytest.mark.parametrize("kind", ["number", "category"])
def test_tables_of_one_kind_work(kind: str) -> None:
    frame = pd.DataFrame(
        {"x": ["1", "2", "1", "2"] if kind == "category" else [1.0, 2.0, 3.0, 4.0]}
    )
    features, rows = features_of(frame, {"x": kind})
    assert features.linear(rows).shape[0] == features.trees(rows).shape[0] == 4
    assert features.categorical == [kind == "category"]
