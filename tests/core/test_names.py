"""Names in an order: a tuple that knows where each of them is."""

import pickle

import pytest

from plait.core.names import PENDING, Names


def test_they_are_a_tuple_that_knows_the_place_of_each() -> None:
    names = Names(["b", "a", "c"])
    assert names == ("b", "a", "c") and hash(names) == hash(("b", "a", "c"))
    assert [names[names.place[name]] for name in "abc"] == list("abc")
    assert names.place is names.place
    assert pickle.loads(pickle.dumps(names)).place == names.place


@pytest.mark.parametrize("count", range(4))
def test_values_come_in_their_order(count: int) -> None:
    names = Names("dbca"[:count])
    values = {name: name.upper() for name in "abcde"}
    assert list(names.of(values)) == [values[name] for name in names]
    if count:
        with pytest.raises(KeyError, match="'d'"):
            names.of({"a": 1, "b": 2, "c": 3})


def test_what_is_pending_has_their_order() -> None:
    assert list(Names("ba").pending.items()) == [("b", PENDING), ("a", PENDING)]
