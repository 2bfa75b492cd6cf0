"""Examples are drawn where they are, and from files of the gallery only."""

import base64
import json
import random
import re
from pathlib import Path
from typing import Any

import pytest

from plait.core.errors import DataError
from plait.reports.pages.cards import Card, read_cards
from tests.reports.example import write_gallery


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_gallery(tmp_path / "gallery", random.Random(0), count=2)
    return tmp_path / "gallery"


def with_views(folder: Path, *views: dict[str, Any], **changes: Any) -> list[Card]:
    example = {"image": "000.png", "size": [64, 32], "views": list(views), **changes}
    (folder / "gallery.json").write_text(json.dumps({"examples": [example]}))
    found = read_cards(folder.parent)
    assert found is not None
    return found


def view(geometry: str, true: Any, predicted: Any) -> dict[str, Any]:
    return {"task": "t", "geometry": geometry, "true": true, "predicted": predicted}


def test_no_gallery_is_no_error(tmp_path: Path) -> None:
    assert read_cards(tmp_path) is None


def test_a_point_is_drawn_at_the_centre_of_its_pixel(folder: Path) -> None:
    (card,) = with_views(folder, view("point", [0, 0], [3, 4]))
    (picture,) = card.pictures
    assert [mark.place[:2] for mark in picture.marks] == [(0.5, 0.5), (3.5, 4.5)]
    assert [mark.true for mark in picture.marks] == [True, False]
    assert card.lines[0].text == "5 pixels apart"


def test_a_box_is_scaled_by_the_sides_of_the_image(folder: Path) -> None:
    (card,) = with_views(folder, view("box", [0, 0, 0.5, 1], [0.25, 0, 0.5, 0.5]))
    places = [mark.place for mark in card.pictures[0].marks]
    assert places == [(0, 0, 32, 32), (16, 0, 16, 16)]
    assert card.lines[0].text == "overlap 25%"


def test_boxes_that_do_not_meet_do_not_overlap(folder: Path) -> None:
    (card,) = with_views(folder, view("box", [0, 0, 0.1, 0.1], [0.5, 0.5, 1, 1]))
    assert card.lines[0].text == "overlap 0%"


@pytest.mark.parametrize(("true", "right"), [("3", True), ("5", False), (None, None)])
def test_a_label_is_right_wrong_or_missing(folder: Path, true: str | None, right: Any) -> None:
    (card,) = with_views(folder, view("class", true, "3"))
    assert card.lines[0].right is right
    assert (true is None) == ("no label" in card.lines[0].text)


@pytest.mark.parametrize(
    ("true", "text"),
    [(["a", "b"], "a, b"), (["b"], "a, b predicted, b true"), ([], "a, b predicted, none true")],
)
def test_labels_that_hold_are_named(folder: Path, true: list[str], text: str) -> None:
    (card,) = with_views(folder, view("labels", true, ["a", "b"]))
    assert card.lines[0].text == text
    assert card.lines[0].right is (true == ["a", "b"])


def test_tokens_with_a_tag_are_counted(folder: Path) -> None:
    (card,) = with_views(folder, view("tags", ["N", None, "V"], ["N", "N", "N"]))
    assert card.lines[0].text == "1 of 2 tokens right"


def test_numbers_stand_beside_each_other(folder: Path) -> None:
    views = [view("numbers", [1, 2.5], [3, 4]), view("numbers", None, [3])]
    (card,) = with_views(folder, *views)
    known, unknown = card.lines
    assert known.text == "3, 4 predicted, 1, 2.5 true"
    assert unknown.text == "no label"


def test_a_mask_has_two_pictures_with_the_files_on_them(folder: Path) -> None:
    (card,) = with_views(folder, view("mask", "000-true.png", "000-seen.png"))
    data = [base64.b64decode(picture.overlay.partition(",")[2]) for picture in card.pictures]
    assert data == [(folder / f"000-{name}.png").read_bytes() for name in ("true", "seen")]


@pytest.mark.parametrize("kind", ["mask", "point", "box"])
def test_a_missing_label_is_said(folder: Path, kind: str) -> None:
    predicted = {"mask": "000-seen.png", "point": [1, 2], "box": [0, 0, 1, 1]}[kind]
    (card,) = with_views(folder, view(kind, None, predicted))
    assert [line.text for line in card.lines] == ["no label"]
    assert not any(mark.true for picture in card.pictures for mark in picture.marks)


@pytest.mark.parametrize(
    "name", ["../secret.png", "/secret.png", "link.png", "sub/../../secret.png"]
)
def test_no_file_outside_the_gallery_is_shown(folder: Path, name: str) -> None:
    secret = folder.parent / "secret.png"
    secret.write_bytes((folder / "000.png").read_bytes())
    (folder / "sub").mkdir()
    (folder / "link.png").symlink_to(secret)
    name = str(secret) if name.startswith("/") else name
    with pytest.raises(DataError, match="outside"):
        with_views(folder, image=name)
    with pytest.raises(DataError, match="outside"):
        with_views(folder, view("mask", None, name))


def test_a_missing_image_is_named(folder: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere\.png cannot be read.*gallery\.json names it"):
        with_views(folder, image="nowhere.png")


def test_only_png_images_are_shown(folder: Path) -> None:
    (folder / "page.png").write_text("<svg onload='alert(1)'>")
    with pytest.raises(DataError, match=r"page\.png is no PNG"):
        with_views(folder, image="page.png")


@pytest.mark.parametrize(
    ("broken", "finding"),
    [
        ({"views": [view("point", [1, 2, 3], [1, 2])]}, "0.point.true: Tuple should have at most"),
        ({"views": [view("point", None, [1, float("nan")])]}, "0.point.predicted.1: .*finite"),
        ({"views": [view("smell", None, "rose")]}, "0: Input tag 'smell'"),
        ({"size": [0, 64]}, "`size` must be positive"),
    ],
)
def test_a_broken_gallery_is_refused(folder: Path, broken: dict[str, Any], finding: str) -> None:
    with pytest.raises(DataError, match=r"gallery\.json: `examples\.0") as error:
        with_views(folder, **broken)
    assert re.search(finding, str(error.value).replace("`:", ":")), error.value
