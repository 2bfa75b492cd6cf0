import math

import pytest
import torch

from plait.core.errors import ConfigError
from plait.core.features import FeatureShape
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


RARE = {"class_weights": [0.5, 3.0, 1.0], "focal": 2.0, "dice": 0.7}


def batch(task: Segmentation | Tagging) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Eight examples of very unlike numbers of labels; the first two have none."""
    shape = (8, 4, 3) if isinstance(task, Segmentation) else (8, 12)
    logits = torch.randn(*shape[:1], 3, *shape[1:], dtype=torch.float64)
    target = torch.randint(3, shape)
    target[torch.rand(shape) < torch.linspace(1, 0, 8).reshape(-1, *[1] * (len(shape) - 1))] = -100
    target[:2] = -100
    return logits.movedim(1, task.class_dim), target, torch.rand(8)


@pytest.mark.parametrize("kind", [Segmentation, Tagging])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("options", [RARE, {"dice": 1.0}, {"focal": 1.5}])
def test_losses_of_parts_merge_into_that_of_the_whole(
    kind: type[Segmentation | Tagging], weighted: bool, options: dict[str, object]
) -> None:
    task = kind("y", classes=3, **options)
    logits, target, weights = batch(task)
    given = weights if weighted else None
    total = count = 0.0
    for part in (slice(0, 3), slice(3, 4), slice(4, 8)):
        each = given[part] if given is not None else None
        n = task.count(target[part], each)
        count += n
        total += n * task.loss(logits[part], target[part], each).item() if n else 0.0
    torch.testing.assert_close(total / count, task.loss(logits, target, given).item())


def test_the_loss_of_rare_classes_is_its_formula() -> None:
    task = Tagging("y", classes=3, **RARE)
    logits, target, weights = batch(task)
    p = logits.softmax(-1)
    entropy = overlap = total = 0.0
    for i in range(len(target)):
        valid = [n for n in range(12) if target[i, n] >= 0]
        masses = [RARE["class_weights"][target[i, n]] * weights[i].item() for n in valid]
        for n, mass in zip(valid, masses, strict=True):
            own = p[i, n, target[i, n]].item()
            entropy -= mass * (1 - own) ** 2 * math.log(own)
        losses = []
        for c in {int(target[i, n]) for n in valid}:
            there = [n for n in valid if target[i, n] == c]
            both = sum(p[i, n, c].item() for n in there)
            either = sum(p[i, n, c].item() for n in valid) + len(there)
            losses.append(1 - 2 * both / either)
        overlap += sum(masses) * sum(losses) / max(len(losses), 1)
        total += sum(masses)
    expected = (entropy + 0.7 * overlap) / total
    assert task.loss(logits, target, weights).item() == pytest.approx(expected)


@pytest.mark.parametrize("kind", [Classification, Segmentation, Tagging])
def test_a_head_starts_at_how_often_each_class_occurs(kind: type[Classification]) -> None:
    shapes = {
        Classification: FeatureShape(((4,),)),
        Segmentation: FeatureShape(((4, 2, 2),)),
        Tagging: FeatureShape(((5, 4),), channel_dim=-1),
    }
    task = kind("y", classes=2, prior=[3, 1])
    head = task.build_head(shapes[kind])
    bias = list(head.modules())[-1].bias
    torch.testing.assert_close(bias.softmax(0), torch.tensor([0.75, 0.25]))


@pytest.mark.parametrize("options", [{"focal": -1.0}, {"dice": -0.5}, {"dice": "much"}])
def test_strengths_are_not_negative(options: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=r"must be a number of at least 0"):
        Segmentation("y", classes=2, **options)
