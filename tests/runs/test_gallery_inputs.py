"""What is written of inputs is what is read of them."""

from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.reports.read.gallery import read_gallery
from plait.runs.gallery import Example, write_examples
from plait.runs.gallery_inputs import (
    Input,
    PictureInput,
    RowInput,
    SentenceInput,
    SoundInput,
)

TEXT = st.text(max_size=5)
SIZE = st.tuples(st.integers(1, 9999), st.integers(1, 9999))
SECONDS = st.floats(0, 1e6)
COUNT = st.integers(3, 10**6)
INPUT = st.one_of(
    st.builds(PictureInput, name=TEXT, file=TEXT, size=SIZE),
    st.builds(SentenceInput, name=TEXT, words=st.lists(TEXT, max_size=3), tokens=COUNT, text=TEXT),
    st.builds(
        SoundInput,
        name=TEXT,
        file=TEXT,
        picture=TEXT,
        size=SIZE,
        rate=COUNT,
        seconds=SECONDS,
        of=SECONDS,
    ),
    st.builds(RowInput, values=st.dictionaries(TEXT, TEXT, max_size=3), columns=COUNT),
)


@given(st.lists(INPUT, max_size=4))
def test_every_field_that_is_written_is_read_back(inputs: list[Input]) -> None:
    with TemporaryDirectory() as folder:
        write_examples(Path(folder), [Example(inputs=inputs, views=[])])
        found = read_gallery(Path(folder))
    assert found is not None
    assert found[0].inputs == inputs, "of the same classes, in their order"


def test_each_kind_has_a_name_of_its_own() -> None:
    names = [kind.__dataclass_fields__["kind"].default for kind in get_args(Input)]
    assert names == ["picture", "sentence", "sound", "row"]


@pytest.mark.parametrize("size", [(0, 4), (4, -1)])
def test_a_picture_has_a_size(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="`size` must be positive"):
        PictureInput(file="a.png", size=size)
    with pytest.raises(ValueError, match="`size` must be positive"):
        SoundInput(file="a", picture="b", size=size, rate=1, seconds=1.0, of=1.0)


def test_counts_include_what_is_shown() -> None:
    with pytest.raises(ValueError, match="`tokens` must be at least 2; found 1"):
        SentenceInput(words=["a", "b"], tokens=1, text="")
    with pytest.raises(ValueError, match="`columns` must be at least 1; found 0"):
        RowInput(values={"a": "1"}, columns=0)


def test_values_of_a_row_keep_their_order() -> None:
    row = RowInput(values={"b": "1", "a": "2"}, columns=2)
    assert list(asdict(row)["values"]) == ["b", "a"]
