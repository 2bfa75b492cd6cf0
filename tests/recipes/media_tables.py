"""A small table of pictures with masks, sentences with tags, and sounds, made up."""

from pathlib import Path

import numpy as np
import pandas as pd
import soundfile
from PIL import Image

WORDS = {"red": "COLOUR", "blue": "COLOUR", "ball": "THING", "box": "THING", "a": "O", "the": "O"}


def media_table(folder: Path, rows: int = 40, side: int = 12) -> pd.DataFrame:
    """Writes the files of a table into a folder, and returns the table.

    A square of the row's colour lies in the picture where the mask says, the sentence names the
    colour, and the sound is a tone as high as the number.
    """
    rng = np.random.default_rng(0)
    found = []
    for row in range(rows):
        red = row % 2 == 0
        picture = rng.integers(0, 60, (side, side, 3), dtype=np.uint8)
        mask = np.zeros((side, side), np.uint8)
        top, left = rng.integers(0, side // 2, 2)
        square = (slice(top, top + side // 2), slice(left, left + side // 2))
        picture[square] = (220, 30, 30) if red else (30, 30, 220)
        mask[square] = 255
        pitch = float(rng.integers(2, 10))
        tone = 0.5 * np.sin(2 * np.pi * 100 * pitch * np.arange(200 + 20 * (row % 5)) / 4000)
        words = [["the", "a"][row % 3 % 2], "red" if red else "blue", ["ball", "box"][row % 4 // 2]]
        words += ["the", "box"] * (row % 3)
        Image.fromarray(picture).save(folder / f"p{row}.png")
        Image.fromarray(mask).save(folder / f"m{row}.png")
        soundfile.write(folder / f"s{row}.wav", tone, 4000)
        found.append(
            {
                "photo": f"p{row}.png",
                "outline": f"m{row}.png",
                "voice": f"s{row}.wav",
                "words": " ".join(words),
                "parts": " ".join(WORDS[word] for word in words),
                "said": f"Look {row}: {' '.join(words)}!",
                "size": float(row % 7),
                "colour": "red" if red else "blue",
                "pitch": pitch,
                "split": ["train", "train", "train", "val", "test"][row % 5],
            }
        )
    return pd.DataFrame(found)
