import pytest
import torch

from plait.core.errors import ConfigError
from plait.tasks import Classification, Segmentation, Tagging

NAMES = ["cat", "dog", "fox"]


def test_classes_are_shown_by_their_names() -> None:
    task = Classification("animal", classes=3, names=NAMES)
    logits = torch.tensor([0.1, 0.2, 2.0])
    assert task.show(torch.tensor(1), logits) == ("dog", "fox")
    assert task.show(torch.tensor(-100), logits) == (None, "fox")
    assert Classification("animal", classes=3).show(torch.tensor(1), logits) == ("1", "2")


def test_tokens_are_shown_one_by_one() -> None:
    task = Tagging("animal", classes=3, names=NAMES)
    logits = torch.eye(3)[[2, 0, 1, 1]]
    true, predicted = task.show(torch.tensor([2, 1, -100, 0]), logits)
    assert true == ["fox", "dog", None, "cat"]
    assert predicted == ["fox", "cat", "dog", "dog"]


def test_a_class_that_is_ignored_can_still_be_predicted() -> None:
    task = Classification("animal", classes=3, names=NAMES, ignore_index=0)
    assert task.show(torch.tensor(0), torch.tensor([1.0, 0.0, 0.0])) == (None, "cat")


@pytest.mark.parametrize(
    ("background", "true", "predicted"),
    [(0, [1, -1, -1], [-1, 2, 2]), (2, [1, 0, -1], [0, -1, -1]), (None, [1, 0, -1], [0, 2, 2])],
)
def test_a_mask_is_clear_on_its_background_and_without_label(
    background: int | None, true: list[int], predicted: list[int]
) -> None:
    task = Segmentation("mask", classes=3, background=background)
    logits = torch.eye(3)[[0, 2, 2]].T[:, None]  # [3, 1, 3]
    shown = task.show(torch.tensor([[1, 0, -100]]), logits)
    assert [side.tolist() for side in shown] == [[true], [predicted]]


def test_a_missing_label_is_its_ignore_index() -> None:
    assert Classification("a", classes=3, ignore_index=255).missing == 255


@pytest.mark.parametrize("kind", [Classification, Segmentation, Tagging])
def test_there_is_one_name_for_each_class(kind: type[Classification]) -> None:
    with pytest.raises(ConfigError, match="`names` of task 'y' must be 3, one per class; found 2"):
        kind("y", classes=3, names=["a", "b"])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"classes": 1}, "`classes` of task 'y' must be at least 2; found 1"),
        ({"classes": 3, "class_weights": [1.0]}, "must have 3 numbers, one per class; found 1"),
        ({"classes": 2, "class_weights": [1.0, -1.0]}, "must be finite and not negative"),
    ],
)
def test_options_outside_their_range_are_refused(options: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        Classification("y", **options)
