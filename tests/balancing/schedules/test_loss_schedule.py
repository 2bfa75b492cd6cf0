"""When in the training each task's loss counts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.balancing import LossSchedule
from plait.core.errors import ConfigError

SHARES = st.floats(0, 1)


def test_rises_linearly_from_begin_to_end() -> None:
    schedule = LossSchedule({"a": (0.25, 0.75), "b": (0.5, 0.5)})
    progress = [0.0, 0.25, 0.375, 0.5, 0.75, 1.0]
    assert [schedule.factor("a", p) for p in progress] == [0.0, 0.0, 0.25, 0.5, 1.0, 1.0]
    assert [schedule.factor("b", p) for p in progress] == [0.0, 0.0, 0.0, 1.0, 1.0, 1.0]
    assert [schedule.factor("other", p) for p in progress] == [1.0] * 6
    assert schedule.factors(("b", "other", "a"), 0.375) == {"b": 0.0, "other": 1.0, "a": 0.25}


@given(SHARES, SHARES, SHARES, SHARES)
def test_is_a_share_that_never_falls(begin: float, end: float, one: float, two: float) -> None:
    schedule = LossSchedule({"a": tuple(sorted((begin, end)))})
    early, late = (schedule.factor("a", progress) for progress in sorted((one, two)))
    assert 0 <= early <= late <= 1
    assert schedule.factor("a", 1.0) == 1.0


@pytest.mark.parametrize(
    "span", [(0.5, 0.2), (-0.1, 0.5), (0.5, 1.1), (float("nan"), 1.0), (0.5,), (0.0, 0.5, 1.0)]
)
def test_a_span_is_a_begin_and_an_end_within_the_training(span: tuple[float, ...]) -> None:
    with pytest.raises(ConfigError, match=r"`schedule` must be \(begin, end\) .* for task 'a'"):
        LossSchedule({"a": span})


def test_setup_checks_the_names() -> None:
    schedule = LossSchedule({"depht": (0.0, 0.5)})
    with pytest.raises(ConfigError, match=r"unknown task 'depht'.*Did you mean 'depth'"):
        schedule.setup(["depth", "normals"])


def test_some_task_has_to_be_in_the_first_step() -> None:
    schedule = LossSchedule({"a": (0.0, 0.5), "b": (0.5, 0.5)})
    schedule.setup(["a", "b", "c"])
    with pytest.raises(ConfigError, match="every task begins later"):
        schedule.setup(["a", "b"])
    LossSchedule({"a": (0.0, 0.0), "b": (0.5, 0.5)}).setup(["a", "b"])
