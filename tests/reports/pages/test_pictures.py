"""Masks and marks are drawn where they are."""

import base64
import random
from pathlib import Path
from typing import Any

import pytest

from plait.reports.pages.pictures import Pictures, pictures_of, share
from plait.runs.folder import EXAMPLES
from plait.runs.gallery import KINDS, MaskClass
from plait.runs.gallery_inputs import PictureInput
from tests.reports.example import write_gallery


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_gallery(tmp_path / "gallery", random.Random(0), count=2)
    return tmp_path


def of(folder: Path, geometry: Any, true: Any, predicted: Any, **more: Any) -> Pictures:
    shown = KINDS[geometry](task="t", geometry=geometry, true=true, predicted=predicted, **more)
    picture = PictureInput(file="000.png", size=(64, 32))
    return pictures_of(picture, [shown], folder / EXAMPLES)


def test_a_point_is_drawn_at_the_centre_of_its_pixel(folder: Path) -> None:
    (view,) = of(folder, "point", (0, 0), (3, 4)).views
    assert [mark.place[:2] for mark in view.marks] == [(0.5, 0.5), (3.5, 4.5)]
    assert [mark.look for mark in view.marks] == ["true", "predicted"]


def test_a_box_is_scaled_by_the_sides_of_the_image(folder: Path) -> None:
    (view,) = of(folder, "box", (0, 0, 0.5, 1), (0.25, 0, 0.5, 0.5)).views
    assert [mark.place for mark in view.marks] == [(0, 0, 32, 32), (16, 0, 16, 16)]


def test_a_mask_has_two_pictures_with_the_files_on_them(folder: Path) -> None:
    views = of(folder, "mask", "000-true.png", "000-seen.png").views
    data = [base64.b64decode(view.overlay.partition(",")[2]) for view in views]
    place = folder / "gallery"
    assert data == [(place / f"000-{name}.png").read_bytes() for name in ("true", "seen")]


def test_small_places_of_each_side_have_frames(folder: Path) -> None:
    frames = {"small_true": [(0, 0, 0.5, 0.25)], "small_predicted": []}
    true, predicted = of(folder, "mask", "000-true.png", "000-seen.png", **frames).views
    assert [(mark.look, mark.place) for mark in true.marks] == [("frame", (0, 0, 32, 8))]
    assert predicted.marks == []


def test_the_legend_says_how_much_each_class_covers(folder: Path) -> None:
    looks = {"colour": "#00ff00", "hatched": True}
    classes = [
        MaskClass(name="crack", true=0.002, predicted=0.0, **looks),
        MaskClass(name="stain", true=None, predicted=1.0, **looks),
    ]
    (legend,) = of(folder, "mask", "000-true.png", "000-seen.png", classes=classes).legends
    assert legend.task == "t"
    texts = [each.text.replace("\xa0", " ") for each in legend.classes]
    assert texts == ["0.2 % true, 0 % predicted", "no label, 100 % predicted"]
    assert of(folder, "mask", None, "000-seen.png").legends == []


@pytest.mark.parametrize("kind", ["mask", "point", "box"])
def test_without_a_label_no_truth_is_drawn(folder: Path, kind: str) -> None:
    predicted = {"mask": "000-seen.png", "point": (1, 2), "box": (0, 0, 1, 1)}[kind]
    views = of(folder, kind, None, predicted).views
    assert not any(mark.look == "true" for view in views for mark in view.marks)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.00004, "0.004"), (0.123, "12"), (0.994, "99"), (0.996, "100"), (1, "100")],
)
def test_shares_are_in_per_cent(value: float, text: str) -> None:
    assert share(value) == f"{text}\xa0%"
