"""What annotations take, against a table by hand."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal

import numpy as np
import pytest
import torch
from torch import nn

from plait.balancing import UPGrad
from plait.balancing.base import Balancer
from plait.core.annotations import hint_of, members, rule, shown
from plait.core.options import AtLeast


@pytest.mark.parametrize(
    ("annotation", "taken", "refused"),
    [
        (int, [0, -3, np.int64(2)], [True, 2.5, "2", None, torch.zeros(())]),
        (float, [0, 2.5, np.float32(1), float("nan")], [True, "2.5", 1j, [1.0]]),
        (bool, [True, False, np.True_], [0, 1, "yes", None]),
        (str, ["", "a"], [b"a", 1, str]),
        (int | None, [None, 3], ["", []]),
        (Literal["sum", "mean"], ["sum"], ["Sum", 0, None]),
        (Literal[0, 1], [0, 1], [True, 1.0, 2]),
        (Annotated[int, AtLeast(1)], [1, 10], [0, -1, 1.0]),
        (
            Sequence[int],
            [[], (1, 2), np.arange(3), torch.arange(3)],
            ["12", {1: 2}, {1, 2}, [1.5], 3],
        ),
        (Sequence[Sequence[str]], [[], [["a", "b"]], [("a",)]], [["ab"], "ab", [[1]]]),
        (Mapping[str, float], [{}, {"a": 1}], [{1: 2}, {"a": "b"}, [("a", 1)]]),
        (Callable[[int], int], [abs, nn.Linear(1, 1)], [3, None]),
        (Balancer, [UPGrad()], [UPGrad, "UPGrad", None]),
        (Any, [None, 3, object()], []),
        (list[Any] | dict[str, Any], [[], {}, [1, "a"]], ["a", None]),
    ],
)
def test_what_is_taken(annotation: Any, taken: list[Any], refused: list[Any]) -> None:
    found = members(annotation)
    for value in taken:
        assert any(member.takes(value) for member in found), value
    for value in refused:
        assert not any(member.takes(value) for member in found), value


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (int | None, "an integer or None"),
        (Annotated[int, AtLeast(1)], "an integer of at least 1"),
        (Literal["sum", "mean"], "'sum' or 'mean'"),
        (Sequence[Annotated[int, AtLeast(1)]], "a list of integers of at least 1"),
        (float | Mapping[str, float] | bool, "a number, a dict of numbers or True or False"),
        (Balancer | None, "a balancer, such as `UPGrad()` or None"),
        (Callable[..., int] | Callable[..., str], "a function"),
        (Sequence[Any], "a list"),
    ],
)
def test_the_words_of_a_rule(annotation: Any, words: str) -> None:
    assert rule(members(annotation)) == words


def test_a_choice_inside_a_list_is_left_to_the_class() -> None:
    (listed,) = members(Sequence[Literal["a", "b"]])
    assert listed.takes(["c"]) and not listed.takes([1])


def test_a_value_is_shown_on_one_line() -> None:
    assert shown(nn.Sequential(nn.Linear(1, 1))) == "a Sequential"
    assert shown("x" * 100) == "a str"
    assert shown("a\nb") == "'a\\nb'"
    assert shown({"a": torch.zeros(20, 20)}) == "a dict"
    assert shown(AtLeast) == "the class AtLeast"


def test_an_annotation_that_cannot_be_read_says_so() -> None:
    def init(self: Any, a: "Nowhere", b: "int", c=3) -> None: ...  # type: ignore # noqa: F821

    assert hint_of(init, "b") is int
    assert hint_of(init, "c") is Any
    with pytest.raises(NameError):
        hint_of(init, "a")
