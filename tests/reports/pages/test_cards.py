"""Examples are put together from inputs and views, in order, and from files of the gallery only."""

import json
import random
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from plait.core.errors import DataError
from plait.experiments.gallery import write_gallery as write_samples
from plait.reports.pages.cards import Card, Player, Values, read_cards
from plait.reports.pages.pictures import Pictures
from plait.reports.pages.sentences import Tagged
from plait.runs.gallery_inputs import RowInput, SentenceInput
from tests.experiments.gallery.samples import sounds
from tests.reports.example import write_gallery

PICTURE = {"kind": "picture", "file": "000.png", "size": [64, 32]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_gallery(tmp_path / "gallery", random.Random(0), count=2)
    return tmp_path / "gallery"


def card_of(folder: Path, *views: dict[str, Any], inputs: list[Any] | None = None) -> Card:
    example = {"inputs": [PICTURE] if inputs is None else inputs, "views": list(views)}
    (folder / "gallery.json").write_text(json.dumps({"examples": [example]}))
    found = read_cards(folder.parent)
    assert found is not None
    return found[0]


def view(geometry: str, true: Any, predicted: Any, task: str = "t") -> dict[str, Any]:
    return {"task": task, "geometry": geometry, "true": true, "predicted": predicted}


def sentence(*words: str, name: str = "") -> dict[str, Any]:
    return asdict(SentenceInput(name=name, words=list(words), tokens=len(words), text="as written"))


def test_no_gallery_is_no_error(tmp_path: Path) -> None:
    assert read_cards(tmp_path) is None


def test_masks_and_marks_lie_over_the_first_picture(folder: Path) -> None:
    views = [view("mask", None, "000-seen.png"), view("point", [1, 1], [2, 2])]
    card = card_of(folder, *views, inputs=[PICTURE, PICTURE])
    first, second = card.inputs
    assert isinstance(first, Pictures)
    assert isinstance(second, Pictures)
    assert [each.of_mask for each in first.views] == [False, True, True]
    assert [each.of_mask for each in second.views] == [False]
    assert second.views[0].marks == []
    assert set(card.drawn) == {"true", "predicted"}


def test_tags_are_under_the_first_sentence_of_as_many_words(folder: Path) -> None:
    tags = [view("tags", ["A", "B"], ["A", "A"], "two"), view("tags", ["C"], ["C"], "one")]
    inputs = [sentence("x"), sentence("y", "z"), sentence("v", "w")]
    card = card_of(folder, *tags, view("class", "a", "a"), inputs=inputs)
    found = [each for each in card.inputs if isinstance(each, Tagged)]
    assert [each.tasks for each in found] == [["one"], ["two"], []]
    assert [each.text for each in found] == ["", "", "as written"]
    assert [line.text for line in card.lines] == ["1 of 2 tokens right", "1 of 1 tokens right", "a"]
    assert card.tagged


def test_tags_of_as_many_tokens_as_no_sentence_has_are_counted(folder: Path) -> None:
    card = card_of(folder, view("tags", ["A"] * 9, ["A"] * 9), inputs=[sentence("x")])
    assert not card.tagged
    assert [line.text for line in card.lines] == ["9 of 9 tokens right"]


def test_a_mask_without_a_picture_is_refused(folder: Path) -> None:
    with pytest.raises(DataError, match="must have a picture for the mask of 't'"):
        card_of(folder, view("mask", None, "000-seen.png"), inputs=[])


def test_a_recording_says_how_much_of_it_plays(tmp_path: Path) -> None:
    made = sounds()
    write_samples(tmp_path, made.model, made, made.data)
    cards = read_cards(tmp_path)
    assert cards is not None
    players = [each for card in cards for each in card.inputs if isinstance(each, Player)]
    texts = sorted(each.text.partition(":")[0] for each in players)
    assert texts == [
        "0.05 s at 8,000 Hz",
        "1 s at 8,000 Hz",
        "2 s at 8,000 Hz",
        "The first 5 of 12 s at 8,000 Hz",
    ]
    assert all(each.sound.startswith("data:audio/flac;base64,") for each in players)
    assert all(each.picture.startswith("data:image/png;base64,") for each in players)


def test_columns_that_are_not_shown_are_counted(folder: Path) -> None:
    row = asdict(RowInput(values={"b": "1", "a": "2"}, columns=7))
    (found,) = card_of(folder, inputs=[row]).inputs
    assert isinstance(found, Values)
    assert (list(found.values), found.more) == (["b", "a"], 5)


@pytest.mark.parametrize(
    ("broken", "finding"),
    [
        ({"views": [view("point", [1, 2, 3], [1, 2])]}, "0.point.true: Tuple should have at most"),
        ({"views": [view("point", None, [1, float("nan")])]}, "0.point.predicted.1: .*finite"),
        ({"views": [view("smell", None, "rose")]}, "0: Input tag 'smell'"),
        ({"inputs": [{**PICTURE, "size": [0, 64]}]}, "`size` must be positive"),
        ({"inputs": [{"kind": "film"}]}, "0: Input tag 'film'"),
    ],
)
def test_a_broken_gallery_is_refused(folder: Path, broken: dict[str, Any], finding: str) -> None:
    example = {"inputs": [PICTURE], "views": [], **broken}
    (folder / "gallery.json").write_text(json.dumps({"examples": [example]}))
    with pytest.raises(DataError, match=r"gallery\.json: `examples\.0") as error:
        read_cards(folder.parent)
    assert re.search(finding, str(error.value).replace("`:", ":")), error.value
