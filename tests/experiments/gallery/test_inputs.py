"""Inputs become files of bounded size, with what the page has to know of them."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from plait.data import Picture, Row, Sentence, Sound
from plait.experiments.gallery.inputs import (
    COLUMNS,
    LETTERS,
    LETTERS_OF_A_WORD,
    SECONDS,
    SIDE,
    WORDS,
    write_input,
)
from plait.runs.gallery_inputs import PictureInput, RowInput, SentenceInput, SoundInput


def size_of(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def test_a_picture_is_as_it_was(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3)).astype(np.uint8)
    found = write_input(Picture(pixels, name="photo"), tmp_path / "000", 1)
    assert found == PictureInput(name="photo", file="000-input1.png", size=(7, 5))
    assert np.array_equal(np.asarray(Image.open(tmp_path / "000-input1.png")), pixels)


def test_a_large_picture_is_made_smaller_and_keeps_the_size_in_which_points_are_told(
    tmp_path: Path,
) -> None:
    found = write_input(Picture(np.zeros((SIDE, 2 * SIDE, 3), np.uint8)), tmp_path / "0", 0)
    assert isinstance(found, PictureInput)
    assert found.size == (2 * SIDE, SIDE)
    assert size_of(tmp_path / found.file) == (SIDE, SIDE // 2)


def test_a_sound_plays_as_it_was(tmp_path: Path) -> None:
    samples = np.sin(np.arange(800) / 5).astype(np.float32) * 1.5
    found = write_input(Sound(samples, 8000, name="call"), tmp_path / "000", 0)
    assert found == SoundInput(
        name="call",
        file="000-input0.flac",
        picture="000-input0.png",
        size=(600, 216),
        rate=8000,
        seconds=0.1,
        of=0.1,
    )
    played, rate = soundfile.read(tmp_path / "000-input0.flac")
    assert rate == 8000
    assert np.abs(played - samples.clip(-1, 1)).max() < 1e-4, "16 bits; what is too loud is clipped"
    assert size_of(tmp_path / found.picture) == found.size


def test_a_long_sound_is_cut(tmp_path: Path) -> None:
    found = write_input(Sound(np.zeros(20 * 8000), 8000), tmp_path / "0", 0)
    assert isinstance(found, SoundInput)
    assert (found.seconds, found.of) == (SECONDS, 20.0)
    assert soundfile.info(tmp_path / found.file).frames == SECONDS * 8000


def test_a_long_sentence_is_cut_and_its_tokens_are_counted(tmp_path: Path) -> None:
    found = write_input(Sentence(["w" * 500, *["a"] * 999]), tmp_path / "0", 0)
    assert isinstance(found, SentenceInput)
    assert len(found.words) == WORDS
    assert found.tokens == 1000
    assert found.words[0] == "w" * (LETTERS_OF_A_WORD - 1) + "…"
    assert len(found.text) == LETTERS


def test_a_sentence_keeps_what_was_written(tmp_path: Path) -> None:
    found = write_input(Sentence(["Don", "'t", "!"], text="Don't!"), tmp_path / "0", 0)
    assert isinstance(found, SentenceInput)
    assert (found.words, found.text) == (["Don", "'t", "!"], "Don't!")
    spaced = write_input(Sentence(["a", "b"]), tmp_path / "0", 0)
    assert isinstance(spaced, SentenceInput)
    assert spaced.text == "a b"


@pytest.mark.parametrize("count", [0, 3, 30])
def test_a_row_shows_its_first_columns(count: int, tmp_path: Path) -> None:
    values = {f"c{i}": str(i) for i in range(count)}
    found = write_input(Row(values), tmp_path / "0", 0)
    assert isinstance(found, RowInput)
    assert list(found.values.items()) == list(values.items())[:COLUMNS]
    assert found.columns == count
    assert not list(tmp_path.iterdir())
