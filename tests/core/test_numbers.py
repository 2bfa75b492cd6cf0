"""Numbers by name: what a dict of the same numbers says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.core.names import Names
from plait.core.numbers import Numbers

GIVEN = st.dictionaries(st.sampled_from("abcdef"), st.floats(-2, 2))


def made(values: dict[str, float]) -> Numbers:
    return Numbers(Names(values), np.array(list(values.values()), dtype=np.float64))


@given(GIVEN)
def test_they_read_as_a_dict(values: dict[str, float]) -> None:
    numbers = made(values)
    assert numbers == values == numbers.plain()
    assert dict(numbers) == values and list(numbers) == list(values)
    assert repr(numbers) == repr(values) and len(numbers) == len(values)
    assert ("z" in numbers) is False and numbers.get("z") is None
    with pytest.raises(KeyError, match="z"):
        numbers["z"]


@given(GIVEN, st.lists(st.sampled_from("abcdef")))
def test_those_of_some_names_are_in_the_order_of_the_names(
    values: dict[str, float], names: list[str]
) -> None:
    numbers = made(values)
    assert numbers.of(names).tolist() == [values[name] for name in names if name in values]
    assert numbers.of(tuple(values)).tolist() == list(values.values())


@given(st.lists(GIVEN, min_size=1))
def test_sums_are_those_of_a_loop(addends: list[dict[str, float]]) -> None:
    """To the last bit, and in the order in which the names came first."""
    total: dict[str, float] = {}
    for values in addends:
        for name, value in values.items():
            total[name] = total[name] + value if name in total else value
    found = made(addends[0])
    for values in addends[1:]:
        found = found.plus(made(values))
    assert list(found.items()) == list(total.items())
