import numpy as np
import pandas as pd
import pytest

from plait.core.errors import DataError
from plait.data.table.described_inputs import read_inputs
from plait.data.table.encode import encode
from plait.data.table.fit import fit_columns, require


def fitted(values: object, kind: object = "number"):
    frame = pd.DataFrame({"c": values})
    (column,) = fit_columns(frame, read_inputs({"c": kind}, ["c"]))
    return column


def test_numbers_have_median_quartiles_and_quantiles() -> None:
    values = np.random.default_rng(0).normal(5, 2, size=2_001)
    column = fitted(values)
    low, median, high = np.quantile(values, [0.25, 0.5, 0.75])
    assert column.center == [pytest.approx(median)]
    assert column.scale == [pytest.approx((high - low) / 1.349)]
    assert column.missing == [0]
    (edges,) = column.edges
    np.testing.assert_allclose(edges, np.quantile(values, np.linspace(0, 1, len(edges))))


@pytest.mark.parametrize(
    ("values", "center", "scale", "edges"),
    [
        ([0.0] * 9 + [10.0], 1.0, 3.0, [0, 10]),  # mostly equal: mean and deviation
        ([7.0] * 5, 7.0, 1.0, [7]),
        ([np.nan] * 3, 0.0, 1.0, []),
        ([1e9 + 0.5] * 4, 1e9 + 0.5, 1.0, [1e9 + 0.5]),
        ([1.0, np.nan, 3.0], 2.0, 1 / 1.349, [1, 3]),
    ],
)
def test_columns_that_hardly_vary(
    values: list[float], center: float, scale: float, edges: list[float]
) -> None:
    column = fitted(values)
    assert column.center == [pytest.approx(center)]
    assert column.scale == [pytest.approx(scale)]
    assert (column.edges[0][:1], column.edges[0][-1:]) == (edges[:1], edges[-1:])
    assert column.missing == [np.isnan(values).mean()]


def test_an_outlier_leaves_the_scale_as_it_is() -> None:
    values = np.arange(100.0)
    assert fitted([*values, 1e12]).scale[0] == pytest.approx(fitted(values).scale[0], rel=0.03)


def test_words_that_are_there_once_are_not_known() -> None:
    column = fitted(["b", "a", "b", "c", None, "a", "?"], {"kind": "category", "missing": "?"})
    assert column.values == ["a", "b"]
    assert column.absent == ["?"]


def test_tags_lists_and_dates() -> None:
    tags = fitted(["a;b", "b", "c;a", None], "tags")
    assert (tags.values, tags.numbers, tags.form) == (["a", "b"], 2, ";")
    assert tags.missing == [0.25, 0.25]
    lists = fitted(["1;2", "3;4"], "numbers")
    assert (lists.numbers, lists.form, lists.center) == (2, ";", [2.0, 3.0])
    assert fitted(["2020-01-01", "2021-01-01"], "date").numbers == 7


def test_columns_that_are_not_there_are_all_named() -> None:
    with pytest.raises(DataError, match=r"t.csv lacks 2 columns that are needed: 'b', 'd'; it has"):
        require(pd.DataFrame({"a": [1], "c": [2]}), ["a", "b", "c", "d"], "t.csv")


def test_the_column_that_may_be_meant_is_named() -> None:
    with pytest.raises(DataError, match=r"lacks 1 column .*'pice'; .* Did you mean 'price'"):
        require(pd.DataFrame({"price": [1]}), ["pice"], "t.csv")


def test_the_training_rows_alone_count() -> None:
    frame = pd.DataFrame({"n": [1.0, 2.0, 4.0, 1e6, np.nan], "w": ["a", "a", "b", "b", "b"]})
    inputs = read_inputs({"n": "number", "w": "category"}, ["n", "w"])
    rows = np.array([0, 1, 2])
    assert fit_columns(frame, inputs, rows) == fit_columns(frame.iloc[rows], inputs)
    assert fit_columns(frame, inputs, rows)[1].values == ["a"]


def test_the_most_frequent_words_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plait.data.table.fit.MOST_WORDS", 2)
    assert fitted(["c", "c", "a", "a", "b", "b", "b"], "category").values == ["b", "c"]


def test_lists_that_no_training_row_has() -> None:
    frame = pd.DataFrame({"v": [None, None, "1;2;3", "4;5;6"]})
    [column] = fit_columns(frame, read_inputs({"v": "numbers"}, ["v"]), np.arange(2))
    assert (column.center, column.missing, column.form) == ([0.0] * 3, [1.0] * 3, ";")
    assert encode(frame, [column])[2].tolist() == [1.0, 2.0, 3.0]
    with pytest.raises(DataError, match=r"column 'v' of t.csv has no list of numbers in any row"):
        fit_columns(frame[:2], read_inputs({"v": "numbers"}, ["v"]), source="t.csv")


def test_a_row_is_counted_in_the_table_and_not_in_its_training_rows() -> None:
    frame = pd.DataFrame({"n": ["1", "2", "3", "x", "5"]})
    with pytest.raises(DataError, match="found 'x' in row 4"):
        fit_columns(frame, read_inputs({"n": "number"}, ["n"]), np.array([0, 3, 4]))
