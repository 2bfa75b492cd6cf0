"""Options of columns of pictures, sounds and sentences."""

from pathlib import Path

import pytest

from plait.core.errors import ConfigError
from plait.data.table.media import ImageOptions, SoundOptions, TextOptions
from tests.data.tokenizers import small_tokenizer


def test_one_number_is_both_sides() -> None:
    assert ImageOptions(size=32).column() == {"size": (32, 32), "channels": 3}
    assert ImageOptions(size=(8, 16), channels=1).column() == {"size": (8, 16), "channels": 1}


def test_characters_have_no_pieces() -> None:
    assert TextOptions(unit="characters", length=9).column() == {"pieces": 0, "length": 9}
    assert TextOptions(pieces=7).column() == {"pieces": 7, "length": 512}


def test_sounds() -> None:
    assert SoundOptions(rate=8000, seconds=2).column() == {"rate": 8000, "seconds": 2.0}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ImageOptions(size=0), "`size` must be a number of pixels"),
        (lambda: ImageOptions(size=100_000), "pixels from 1 to 4,096"),
        (lambda: ImageOptions(size=(1, 2, 3)), "`size` must be a number of pixels"),  # type: ignore[arg-type]
        (lambda: ImageOptions(channels=2), "`channels` must be 3"),
        (lambda: ImageOptions(augment="flip"), "`augment` must be options"),  # type: ignore[arg-type]
        (lambda: SoundOptions(rate=True), "`rate` must be at least 100"),
        (lambda: SoundOptions(seconds=0), "`seconds` must be at least"),
        (lambda: TextOptions(words=0), "`words` must be a whole number of at least 1"),
        (lambda: TextOptions(length=1.5), "`length` must be a whole number"),  # type: ignore[arg-type]
    ],
)
def test_values_outside_their_range_are_refused(make, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make()


def test_a_tokenizer_takes_the_place_of_a_vocabulary(tmp_path: Path) -> None:
    text = small_tokenizer()
    (tmp_path / "tokenizer.json").write_text(text, encoding="utf-8")
    sentence = TextOptions(tokenizer=str(tmp_path), length=5)
    assert sentence.form == "whole" and TextOptions(unit="characters").form == "characters"
    assert sentence.column() == {"length": 5, "tokenizer": text}
    with pytest.raises(ConfigError, match="`tokenizer` must be a file"):
        TextOptions(tokenizer=str(tmp_path / "nowhere")).column()
