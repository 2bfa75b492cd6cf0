import pytest

from plait.core.errors import DataError
from plait.data.table.names import check_names


def test_names_are_there_and_differ() -> None:
    check_names(["a", "A", " a"], "t.csv")
    with pytest.raises(DataError, match=r"t.csv has several columns of the name 'a'"):
        check_names(["a", "b", "a"], "t.csv")
    with pytest.raises(DataError, match=r"column 2 of t.csv has no name"):
        check_names(["a", ""], "t.csv")
