"""The two lines and the errors, from what was seen."""

from dataclasses import replace

import pytest

from plait.core.errors import ConfigError
from plait.training.first.steps import Seen
from plait.training.first.words import fault, lines, refuse

GOOD = Seen(steps=20, head=True, trunk=True, moved=True, weighted=True, labels=True, loss=20.0)


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (GOOD, ""),
        (replace(GOOD, head=None, trunk=None), ""),
        (replace(GOOD, labels=None), ""),
        (replace(GOOD, trunk=False), ""),
        (replace(GOOD, moved=False, predictions=True, labels=False), ""),  # satisfied
        (replace(GOOD, moved=False, predictions=False, weighted=False), ""),  # by the method
        (replace(GOOD, head=False), ""),  # hidden in a checkpointed block, but a gradient came
        (replace(GOOD, head=False, moved=False), "its loss did not reach its head"),
        (replace(GOOD, labels=False), "its labels do not reach its loss"),
        (replace(GOOD, moved=False, predictions=False), "its loss is constant"),
        (replace(GOOD, static=False), "its static weight does not multiply its loss"),
        (replace(GOOD, untrained=[1, 5]), r"come from a parameter \[1, 5\]"),
    ],
)
def test_faults(seen: Seen, words: str) -> None:
    if not words:
        assert fault(seen) == ""
        refuse({"a": seen}, ["a"])
        return
    with pytest.raises(ConfigError, match=f"task 'b' cannot learn: .*{words}"):
        refuse({"a": GOOD, "b": seen}, ["a", "b"])


@pytest.mark.parametrize(
    ("other", "line"),
    [
        (replace(GOOD, trunk=False), "b: its gradient reaches its head alone, not the trunk; all"),
        (replace(GOOD, moved=False), "b: its gradient was 0 in every step; all else reaches"),
        (replace(GOOD, weighted=False), "b: the balancing method gave it weight 0 in every step"),
        (replace(GOOD, steps=3), "of 1 task reach what learns; fewer steps with labels: b (3)"),
    ],
)
def test_what_is_odd_is_said(other: Seen, line: str) -> None:
    assert line in lines({"a": GOOD, "b": other}, {"a": 1.0, "b": 1.0}, 20)[0]


def test_sizes() -> None:
    seen = {"a": GOOD, "b": replace(GOOD, loss=-50.0), "c": replace(GOOD, loss=0.0)}
    _, text = lines(seen, {"a": 1.0, "b": 2.5, "c": 1.0}, 20)
    assert text == "losses with the static weights (b 2.5): b is 2.5 times a"
    assert len(lines({"a": GOOD}, {"a": 1.0}, 20)) == 1
