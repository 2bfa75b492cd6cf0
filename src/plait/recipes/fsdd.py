"""FSDD: spoken digits, who speaks, and with which accent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from plait.core.errors import DataError
from plait.core.extras import need
from plait.data.files import Store, folder_with, read_tar
from plait.recipes._known_folder import KnownFolder, short_training

if TYPE_CHECKING:
    import pandas as pd

FOLDER = "recordings"
ARCHIVE = "recordings.tar.xz"
RATE = 8000  # samples a second
SECONDS = 2.5
ACCENTS = {
    "george": "Greek",
    "jackson": "American",
    "lucas": "German",
    "nicolas": "Belgian",
    "theo": "American",
    "yweweler": "German",
}
# Of each digit and speaker, recordings below the first number are for the test, and those below the
# second for validation
HELD_OUT = (5, 10)
_NAME = re.compile(rf"{FOLDER}/(\d)_([a-z]{{1,40}})_(\d{{1,6}})\.wav")


class Fsdd(KnownFolder):
    """Spoken digits, 3,000 recordings: which digit, who speaks, and with which accent.

    Read is the sound, 0.14 to 2.28 seconds at 8,000 samples a second. Tasks: `digit` (ten classes),
    `speaker` (six, all of them men) and `accent` in English (four), which follows from the speaker.
    Nothing is left out.

    The test has the recordings 0 to 4 of each digit and speaker, as the data set says (300);
    validation has 5 to 9 (300), and training the others (2,400).

    Args:
        data: the folder with `recordings`, or with that folder as `recordings.tar.xz`; files are
            named `DIGIT_SPEAKER_NUMBER.wav`. The other arguments are those of `Table`.

    Raises:
        DataError: there is neither, no recording in it, or one that is no whole sound.

    Licence: Creative Commons Attribution-ShareAlike 4.0.

    Reference: Jackson et al., "Free Spoken Digit Dataset", v1.0.10, Zenodo 2018.
    """

    defaults: ClassVar[Mapping[str, Any]] = {
        **short_training(8, 2e-3),
        "inputs": {"recording": {"kind": "sound", "rate": RATE, "seconds": SECONDS}},
        "tasks": {name: {"kind": "category"} for name in ("digit", "speaker", "accent")},
        "split": "split",
        "encoder": {"class": "AudioEncoder"},
    }

    @cached_property
    def store(self) -> Store:
        """The recordings by their name; an archive is kept in memory, 26 MB."""
        if self.files is not None or not isinstance(self.data, str | Path):
            return super().store
        folder = Path(self.data)
        if (folder / FOLDER).is_dir():
            return Store(folder)
        return read_tar(folder_with(folder, [ARCHIVE]) / ARCHIVE)

    def read_folder(self, folder: Path) -> pd.DataFrame:
        """Reads the names of the recordings, which say all that is predicted."""
        pandas = need("pandas", extra="app", purpose="Reading tables")
        members = self.store.members
        if members is None:
            members = {f"{FOLDER}/{path.name}": b"" for path in (folder / FOLDER).iterdir()}
        names = sorted(filter(None, map(_NAME.fullmatch, members)), key=lambda name: name.group())
        if not names:
            raise DataError(
                f"{folder / FOLDER} must have recordings named DIGIT_SPEAKER_NUMBER.wav; found "
                "none. Is it that folder?"
            )
        rows = [
            {
                "recording": name.group(),
                "digit": name[1],
                "speaker": name[2],
                "accent": ACCENTS.get(name[2]),
                "split": _split(int(name[3])),
            }
            for name in names
        ]
        frame: pd.DataFrame = pandas.DataFrame(rows)
        return frame


def _split(number: int) -> str:
    """Returns the split of a recording by its number."""
    test, val = HELD_OUT
    return "test" if number < test else "val" if number < val else "train"
