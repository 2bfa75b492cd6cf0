"""A range or a list: what is drawn lies in it, evenly, and is what a study has it for."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from plait.experiments.search.dimension import Choices, Numbers

SHARES = st.floats(0, 1, exclude_max=True)


@given(st.floats(1e-6, 1e3), st.floats(1.01, 1e6), SHARES, st.booleans())
def test_a_number_is_in_its_range_and_has_three_digits(
    low: float, factor: float, share: float, log: bool
) -> None:
    range_ = Numbers("x", low, low * factor, log)
    found = range_.at(share)
    assert low * 0.995 <= found <= low * factor * 1.005
    assert found == float(f"{found:.3g}")


@given(st.integers(1, 50), st.integers(1, 50), SHARES, st.booleans())
def test_an_integer_is_in_its_range(low: int, more: int, share: float, log: bool) -> None:
    found = Numbers("x", low, low + more, log, whole=True).at(share)
    assert isinstance(found, int)
    assert low <= found <= low + more


def test_each_integer_is_as_likely() -> None:
    """Of 300 even shares, each of three integers has a third."""
    range_ = Numbers("x", 2, 4, log=False, whole=True)
    found = [range_.at(place / 300) for place in range(300)]
    assert all(abs(found.count(each) - 100) <= 1 for each in (2, 3, 4))


def test_ratios_are_even() -> None:
    range_ = Numbers("x", 1e-4, 1e2, log=True)
    assert [range_.at(share) for share in (0, 0.5, 0.75)] == [1e-4, 0.1, 3.16]
    assert math.isclose(Numbers("x", 0.0, 2.0, log=False).at(0.25), 0.5)


@pytest.mark.parametrize(
    ("range_", "inside", "outside"),
    [
        (Numbers("x", 0.1, 10.0, log=True), [0.1, 1, 10.0], [0.0, 11.0, None, True, "1"]),
        (Choices("x", ("a", 2, None)), ["a", 2, None], ["b", 3, 2.5]),
        (Choices("x", ({"class": "CAGrad", "c": 0.2}, "Equal")), [{"class": "Equal"}], ["CAGrad"]),
    ],
)
def test_what_lies_outside_has_no_label(
    range_: Numbers | Choices, inside: list[object], outside: list[object]
) -> None:
    assert all(range_.label(each) is not None for each in inside)
    assert all(range_.label(each) is None for each in outside)


def test_a_label_stands_for_its_value() -> None:
    choices = Choices("x", ("a", 2, None, {"class": "CAGrad", "c": 0.2}))
    assert [choices.value(label) for label in choices.labels] == list(choices.values)
    assert Numbers("x", 0.0, 1.0, log=False).value(0.123456) == 0.123


def test_a_study_has_the_same_range() -> None:
    assert Numbers("x", 0.1, 10.0, log=True).distribution() == FloatDistribution(0.1, 10, log=True)
    assert Numbers("x", 2, 8, True, True).distribution() == IntDistribution(2, 8, log=True)
    assert Choices("x", ("a", 2)).distribution() == CategoricalDistribution(["a", "2"])


def test_it_is_said_in_words() -> None:
    assert (
        str(Numbers("optimizer.lr", 1e-4, 0.01, True))
        == "optimizer.lr: 0.0001 to 0.01, log-uniform"
    )
    assert str(Numbers("a.b", 2, 8, True, True)) == "a.b: 2 to 8, integers"
    assert str(Choices("balancing", ("Equal", "FAMO"))) == "balancing: Equal, FAMO"
