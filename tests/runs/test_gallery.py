"""What is written into a gallery is what is read from it."""

import json
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.core.errors import DataError
from plait.core.geometry import Geometry
from plait.reports.read.gallery import read_gallery
from plait.runs.folder import EXAMPLES
from plait.runs.gallery import (
    KINDS,
    Example,
    MaskClass,
    Shown,
    ShownMask,
    ShownTags,
    write_examples,
)
from plait.runs.gallery_inputs import PictureInput

NAMES = st.text(max_size=5)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
POINT, BOX = st.tuples(NUMBERS, NUMBERS), st.tuples(*[NUMBERS] * 4)
SIDES: dict[Geometry, tuple[Any, Any]] = {  # what is true, what is predicted
    "class": (st.none() | NAMES, NAMES),
    "labels": (st.none() | st.lists(NAMES, max_size=3), st.lists(NAMES, max_size=3)),
    "tags": (
        st.lists(st.none() | NAMES, min_size=2, max_size=2),
        st.lists(NAMES, min_size=2, max_size=2),
    ),
    "numbers": (st.none() | st.lists(NUMBERS, max_size=3), st.lists(NUMBERS, max_size=3)),
    "mask": (st.none() | NAMES, NAMES),
    "map": (st.none() | NAMES, NAMES),
    "point": (st.none() | POINT, POINT),
    "box": (st.none() | BOX, BOX),
}
SHARES = st.floats(0, 1)
CLASS = st.builds(
    MaskClass,
    name=NAMES,
    colour=st.sampled_from(["#00ff10", "#123456"]),
    hatched=st.booleans(),
    true=st.none() | SHARES,
    predicted=SHARES,
)
MORE: dict[Geometry, dict[str, Any]] = {
    "mask": {
        "classes": st.lists(CLASS, max_size=2),
        "small_true": st.lists(BOX, max_size=2),
        "small_predicted": st.lists(BOX, max_size=2),
    }
}
SHOWN = st.one_of(
    st.builds(
        KINDS[geometry],
        task=NAMES,
        geometry=st.just(geometry),
        true=true,
        predicted=seen,
        **MORE.get(geometry, {}),
    )
    for geometry, (true, seen) in SIDES.items()
)
PICTURE = PictureInput(file="a.png", size=(4, 3))
EXAMPLE = st.builds(Example, inputs=st.just([PICTURE]), views=st.lists(SHOWN, max_size=3))


def test_every_geometry_but_that_of_one_task_alone_is_shown() -> None:
    assert set(SIDES) == set(KINDS) == set(get_args(Geometry)) - {"other"}
    assert set(KINDS.values()) == set(get_args(Shown))
    for geometry, kind in KINDS.items():
        assert geometry in get_args(get_type_hints(kind)["geometry"])


@given(st.lists(EXAMPLE, max_size=3))
def test_every_field_that_is_written_is_read_back(examples: list[Example]) -> None:
    with TemporaryDirectory() as folder:
        write_examples(Path(folder), examples)
        found = read_gallery(Path(folder))
    assert found is not None
    assert [asdict(each) for each in found] == [asdict(each) for each in examples]
    for read, written in zip(found, examples, strict=True):
        assert read.views == written.views, "of the same classes"


def test_each_token_has_a_true_and_a_predicted_tag() -> None:
    with pytest.raises(ValueError, match="for each of the 2 tokens; found 1"):
        ShownTags(task="t", geometry="tags", true=["a"], predicted=["a", "b"])


def test_a_mask_lies_over_a_picture() -> None:
    mask = ShownMask(task="t", geometry="mask", true=None, predicted="a.png")
    with pytest.raises(ValueError, match="must have a picture for the mask of 't'"):
        Example(inputs=[], views=[mask])


@pytest.mark.parametrize("colour", ["red", "#12345", "#00ff00;}", "#00ff00\n"])
def test_a_colour_is_no_style(colour: str) -> None:
    with pytest.raises(ValueError, match="`colour` must be #rrggbb"):
        MaskClass(name="a", colour=colour, hatched=False, true=None, predicted=0.0)


def test_a_field_that_nobody_declared_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / EXAMPLES).parent.mkdir()
    example = asdict(Example(inputs=[], views=[])) | {"severity": 3}
    (tmp_path / EXAMPLES).write_text(json.dumps({"examples": [example]}))
    with pytest.raises(DataError, match=r"`examples\.0\.severity`: Unexpected"):
        read_gallery(tmp_path)


def test_a_folder_without_a_gallery_has_none(tmp_path: Path) -> None:
    assert read_gallery(tmp_path) is None
