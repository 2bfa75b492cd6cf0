import datetime

import numpy as np
import pandas as pd
import pytest

from plait.core.errors import DataError
from plait.data.table.frames import own_frame


def test_rows_are_numbered_and_names_are_words() -> None:
    frame = pd.DataFrame([[1, 2], [3, 4]], index=["x", "x"], columns=pd.Index([0, ("a", 1)]))
    found = own_frame(frame)
    expected = pd.DataFrame({"0": [1, 3], "('a', 1)": [2, 4]})
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)
    assert list(frame.columns) == [0, ("a", 1)], "the user's frame stays as it is"


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (pd.DataFrame({"a": []}), "the frame is empty: there is no row"),
        (pd.DataFrame([[1, 2]], columns=["1", 1]), "several columns of the name '1'"),
        (pd.DataFrame({"a": [1], "": [2]}), "column 2 of the frame has no name"),
        (np.zeros((3, 2)), "a file or a pandas.DataFrame; found ndarray. Name its columns"),
    ],
)
def test_what_is_no_table(frame: object, words: str) -> None:
    with pytest.raises(DataError, match=words):
        own_frame(frame)


def test_another_frame_may_know_the_way() -> None:
    class Frame:
        def to_pandas(self) -> None: ...

    with pytest.raises(DataError, match=r"found Frame. Call its `to_pandas\(\)`"):
        own_frame(Frame())


def test_half_precision() -> None:
    found = own_frame(pd.DataFrame({"n": np.array([1, 60000], dtype=np.float16)}))
    assert found["n"].sum() == 60001, "half precision would say 60000"


def test_types_of_arrow() -> None:
    arrow = pytest.importorskip("pyarrow")
    zone = arrow.timestamp("us", tz="Europe/Berlin")
    noon = datetime.datetime(2020, 1, 1, 12, tzinfo=datetime.UTC)
    columns = {
        "whole": ([1, None], arrow.int64(), [1.0, np.nan]),
        "number": ([1.5, None], arrow.float64(), [1.5, np.nan]),
        "word": (["a", None], arrow.string(), ["a", np.nan]),
        "coded": (["a", "b"], arrow.dictionary(arrow.int8(), arrow.string()), ["a", "b"]),
        "flag": ([True, False], arrow.bool_(), [True, False]),
        "moment": ([noon, None], zone, [pd.Timestamp(noon).tz_convert("Europe/Berlin"), pd.NaT]),
    }
    frame = pd.DataFrame(
        {
            name: pd.Series(values, dtype=pd.ArrowDtype(kind))
            for name, (values, kind, _) in columns.items()
        }
    )
    found = own_frame(frame)
    for name, (_, _, expected) in columns.items():
        assert not isinstance(found[name].dtype, pd.ArrowDtype)
        pd.testing.assert_series_equal(
            found[name], pd.Series(expected, name=name), check_dtype=False, check_categorical=False
        )
