"""Each task says in words what is true and what it predicts."""

from typing import Any

import pytest

from plait.reports.words.views import Line, line_of
from plait.runs.gallery import KINDS


def line(geometry: Any, true: Any, predicted: Any) -> Line | None:
    return line_of(KINDS[geometry](task="t", geometry=geometry, true=true, predicted=predicted))


def text(geometry: Any, true: Any, predicted: Any) -> str:
    found = line(geometry, true, predicted)
    assert found is not None
    assert found.task == "t"
    return found.text


@pytest.mark.parametrize(("true", "right"), [("3", True), ("5", False), (None, None)])
def test_a_label_is_right_wrong_or_missing(true: str | None, right: Any) -> None:
    found = line("class", true, "3")
    assert found is not None
    assert found.right is right
    assert (true is None) == ("no label" in found.text)


@pytest.mark.parametrize(
    ("true", "words"),
    [(["a", "b"], "a, b"), (["b"], "a, b predicted, b true"), ([], "a, b predicted, none true")],
)
def test_labels_that_hold_are_named(true: list[str], words: str) -> None:
    assert text("labels", true, ["a", "b"]) == words


def test_tokens_with_a_tag_are_counted() -> None:
    assert text("tags", ["N", None, "V"], ["N", "N", "N"]) == "1 of 2 tokens right"


def test_numbers_stand_beside_each_other() -> None:
    assert text("numbers", [1, 2.5], [3, 4]) == "3, 4 predicted, 1, 2.5 true"
    assert text("numbers", None, [3]) == "3 predicted, no label"


def test_a_point_has_a_distance_and_a_box_an_overlap() -> None:
    assert text("point", (0, 0), (3, 4)) == "5 pixels apart"
    assert text("box", (0, 0, 0.5, 1), (0.25, 0, 0.5, 0.5)) == "overlap 25%"
    assert text("box", (0, 0, 0.1, 0.1), (0.5, 0.5, 1, 1)) == "overlap 0%"
    assert text("box", (0, 0, 0, 0), (0, 0, 0, 0)) == "overlap 0%"


@pytest.mark.parametrize("kind", ["mask", "map", "point", "box"])
def test_a_missing_label_is_said(kind: str) -> None:
    predicted = {"point": (1, 2), "box": (0, 0, 1, 1)}.get(kind, "a.png")
    assert text(kind, None, predicted) == "no label"


@pytest.mark.parametrize("kind", ["mask", "map"])
def test_a_mask_with_both_pictures_needs_no_words(kind: str) -> None:
    assert line(kind, "a.png", "b.png") is None
