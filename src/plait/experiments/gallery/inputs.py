"""The inputs of an example as files of the gallery, of bounded size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from plait.core.extras import need
from plait.data.shown import Picture, Row, Sentence, Shown, Sound
from plait.experiments.gallery.sounds import drawn
from plait.runs.gallery_inputs import Input, PictureInput, RowInput, SentenceInput, SoundInput

SIDE = 1024  # pixels; a larger picture is made smaller
SECONDS = 5.0  # of a recording
WORDS = 200  # of a sentence
LETTERS = 1000  # of a sentence as it was written
LETTERS_OF_A_WORD = 80  # and of a value in a row
COLUMNS = 12  # of a row


def write_input(shown: Shown, stem: Path, number: int) -> Input:
    """Writes the files of one input, and returns what the gallery says of it.

    Args:
        shown: the input.
        stem: path of the example's files without their endings.
        number: the place of the input among those of the example.
    """
    place = Path(f"{stem}-input{number}")
    if isinstance(shown, Picture):
        return _picture(shown, place)
    if isinstance(shown, Sound):
        return _sound(shown, place)
    if isinstance(shown, Sentence):
        return _sentence(shown)
    return _row(shown)


def _picture(shown: Picture, place: Path) -> PictureInput:
    image = Image.fromarray(shown.pixels)
    size = image.size  # in which points are told, whatever the file has
    image.thumbnail((SIDE, SIDE))
    image.save(f"{place}.png")
    return PictureInput(name=shown.name, file=f"{place.name}.png", size=size)


def _sound(shown: Sound, place: Path) -> SoundInput:
    soundfile = need("soundfile", extra="app", purpose="Showing sounds")
    samples = np.clip(shown.samples[: max(round(SECONDS * shown.rate), 1)], -1.0, 1.0)
    soundfile.write(f"{place}.flac", samples, shown.rate, format="FLAC", subtype="PCM_16")
    image = Image.fromarray(drawn(samples, shown.rate))
    image.save(f"{place}.png")
    return SoundInput(
        name=shown.name,
        file=f"{place.name}.flac",
        picture=f"{place.name}.png",
        size=image.size,
        rate=shown.rate,
        seconds=len(samples) / shown.rate,
        of=len(shown.samples) / shown.rate,
    )


def _sentence(shown: Sentence) -> SentenceInput:
    words = [_cut(word, LETTERS_OF_A_WORD) for word in shown.words[:WORDS]]
    text = _cut(shown.text or " ".join(shown.words), LETTERS)
    return SentenceInput(name=shown.name, words=words, tokens=len(shown.words), text=text)


def _row(shown: Row) -> RowInput:
    first = list(shown.values.items())[:COLUMNS]
    values = {name: _cut(value, LETTERS_OF_A_WORD) for name, value in first}
    return RowInput(values=values, columns=len(shown.values))


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
