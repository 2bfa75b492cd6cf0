import math

import pytest
import torch
from sklearn.metrics import accuracy_score, jaccard_score
from torch import Tensor

from plait.core.errors import ConfigError, DataError, ShapeError
from plait.core.features import Features, FeatureShape
from plait.tasks import Segmentation


def test_every_pixel_counts_the_same_whatever_its_image() -> None:
    """One valid pixel in the first image, four in the second: a mean over five pixels."""
    task = Segmentation("mask", classes=2)
    target = torch.tensor([[[0, -100], [-100, -100]], [[1, 1], [1, 1]]])
    prediction = torch.zeros(2, 2, 2, 2)
    prediction[0, 1] = 30.0  # the pixel of the first image is wrong by 30 nats
    prediction[1, 1] = 30.0  # those of the second are right
    assert task.count(target) == 5
    torch.testing.assert_close(task.loss(prediction, target).item(), 30 / 5, rtol=1e-6, atol=0)


def test_labels_outside_the_range_are_refused() -> None:
    task = Segmentation("mask", classes=2, ignore_index=255)
    target = torch.tensor([[[0, 255], [1, 2]]])
    with pytest.raises(DataError, match=r"'mask' must be 0\.\.1 or 255 \(missing\); found 2"):
        task.count(target)
    assert task.count(target.clamp(max=1).to(torch.uint8)) == 4
    with pytest.raises(DataError, match="must be whole numbers"):
        task.count(torch.zeros(1, 2, 2))


@pytest.mark.parametrize(("target", "axis"), [((1, 1, 4, 4), 1), ((1, 4, 4, 1), -1)])
def test_labels_with_an_axis_too_many_are_told_which(target: tuple[int, ...], axis: int) -> None:
    task = Segmentation("mask", classes=2)
    with pytest.raises(ShapeError, match=rf"Write `labels\.squeeze\({axis}\)`"):
        task.loss(torch.zeros(1, 2, 4, 4), torch.zeros(target, dtype=torch.long))


@pytest.mark.parametrize("target", [(1, 5, 5), (4, 4)])
def test_shapes_that_do_not_fit_are_refused(target: tuple[int, ...]) -> None:
    task = Segmentation("mask", classes=2)
    expected = [target[0], 2, *target[1:]]
    with pytest.raises(ShapeError) as caught:
        task.loss(torch.zeros(1, 2, 4, 4), torch.zeros(target, dtype=torch.long))
    assert f"task 'mask': labels {list(target)}" in str(caught.value)
    assert f"need predictions {expected}; the head gives [1, 2, 4, 4]" in str(caught.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"classes": 0}, "`classes` of task 'mask' must be at least 2; found 0"),
        ({"classes": 2, "class_weights": [1.0]}, "must have 2 numbers"),
    ],
)
def test_bad_options_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Segmentation("mask", **options)


def scores(task: Segmentation, prediction: Tensor, target: Tensor) -> dict[str, float]:
    metrics = task.new_metrics()
    for image in range(len(target)):
        for metric in metrics.values():
            metric.update(*task.select(prediction[image, None], target[image, None]))
    return {name: metric.compute().item() for name, metric in metrics.items()}


def test_the_metrics_are_those_of_scikit_learn() -> None:
    """Intersections and unions are summed over the images, and the mean is over the classes."""
    task = Segmentation("mask", classes=3)
    prediction, target = torch.randn(4, 3, 5, 6), torch.randint(3, (4, 5, 6))
    target[torch.rand(4, 5, 6) < 0.3] = -100
    there = target != -100
    decided, labels = prediction.argmax(dim=1)[there], target[there]
    assert scores(task, prediction, target) == pytest.approx(
        {
            "iou": jaccard_score(labels, decided, average="macro"),
            "pixel_accuracy": accuracy_score(labels, decided),
        }
    )


def test_without_its_background_a_defect_that_is_not_found_has_no_overlap() -> None:
    task = Segmentation("mask", classes=2, foreground=True)
    target = torch.zeros(1, 10, 10, dtype=torch.long)
    target[0, 0, :2] = 1
    prediction = torch.zeros(1, 2, 10, 10)
    prediction[:, 0] = 1
    assert scores(task, prediction, target) == pytest.approx(
        {"foreground_iou": 0.0, "iou": 0.98 / 2, "pixel_accuracy": 0.98}
    )
    prediction[0, 1, 0, :3] = 2
    assert scores(task, prediction, target)["foreground_iou"] == pytest.approx(2 / 3)
    nowhere = scores(task, torch.eye(2)[0].reshape(1, 2, 1, 1), torch.zeros(1, 1, 1).long())
    assert math.isnan(nowhere["foreground_iou"])
    with pytest.raises(ConfigError, match="`foreground` of task 'mask' needs a `background`"):
        Segmentation("mask", classes=2, background=None, foreground=True)


def test_the_trivial_predictor_is_the_majority_class_of_the_pixels() -> None:
    task = Segmentation("mask", classes=3)
    target = torch.tensor([[[1, 1, 0], [1, 2, -100]]])
    summary = task.summarise(target) + task.summarise(target)
    assert summary.tolist() == [2, 6, 2]
    constant = task.spread(task.constant(summary), torch.zeros(1, 3, 2, 3))
    assert constant.shape == (1, 3, 2, 3)
    # class 1: 3 of 5 pixels, the union is 5; the others have no intersection
    assert scores(task, constant, target) == pytest.approx(
        {"iou": (3 / 5 + 0 + 0) / 3, "pixel_accuracy": 3 / 5}
    )
    assert task.summarise(target, target != 1).tolist() == [1, 0, 1]


def test_the_head_predicts_on_the_grid_of_the_image() -> None:
    head = Segmentation("mask", classes=2, width=4).build_head(FeatureShape(((6, 4, 5),)))
    out = head(Features((torch.randn(3, 6, 4, 5),), grid=(9, 11)))
    assert out.shape == (3, 2, 9, 11)
    assert head.smooth.weight.shape == (4, 4, 3, 3)
