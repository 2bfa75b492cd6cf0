"""Patterns fit their columns and no other, as inputs are read."""

from hypothesis import given
from hypothesis import strategies as st

from plait.data.table.described_inputs import read_inputs
from plait.data.table.patterns import pattern_of, stem

PREFIXES = st.text("ab_[*?1 .-", max_size=3)


@given(PREFIXES, st.integers(1, 12), st.lists(st.text("ab_1*[ ", max_size=4), unique=True))
def test_a_pattern_stands_for_exactly_its_columns(
    prefix: str, count: int, others: list[str]
) -> None:
    names = [f"{prefix}{number}" for number in range(count)]
    if len({stem(name) for name in names}) > 1:
        return
    others = [name for name in others if name not in names]
    pattern = pattern_of(names, others)
    if pattern is not None:
        found = read_inputs({pattern: "number"}, [*names, *others])
        assert list(found) == names


def test_patterns() -> None:
    assert pattern_of(["fp_0", "fp_1"], ["age"]) == "fp_*"
    assert pattern_of(["fp_0", "fp_1"], ["fp_mean"]) == "fp_[0-9]*"
    assert pattern_of(["fp_0", "fp_1"], ["fp_7b"]) is None
    assert pattern_of(["0", "1"], ["age"]) == "[0-9]*"
    assert pattern_of(["a[0", "a[1"], []) is None
    assert pattern_of(["age"], []) is None
    assert (stem("fp_12"), stem("12"), stem("fp")) == ("fp_", "", None)
