"""Several data sets as one."""

import pytest

from plait.core.errors import DataError
from plait.data import DataSets
from tests.data.mixture.tables import Stream, table


def test_examples_are_those_of_all_sources_in_order() -> None:
    data = DataSets({"a": table("small", 3), "b": table("middle", 2)})
    assert len(data) == 5
    assert [float(data[index][0]) for index in range(5)] == [0, 1, 2, 0, 1]
    assert [data.source_of(index) for index in (0, 2, 3, -1)] == [
        ("a", 0),
        ("a", 2),
        ("b", 0),
        ("b", 1),
    ]
    with pytest.raises(IndexError):
        data[5]
    assert list(DataSets(data.by_source, keyed=True)[3][0]) == ["b"]


def test_a_stream_has_no_length() -> None:
    data = DataSets({"a": table("small", 3), "s": Stream(table("small", 3))})
    assert data.streamed == ["s"]
    with pytest.raises(DataError, match="'s' is a stream"):
        len(data)
