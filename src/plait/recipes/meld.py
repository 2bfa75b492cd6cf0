"""MELD: the emotion and the sentiment of what is said in a dialogue."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from plait.core.extras import need
from plait.data.files import folder_with
from plait.recipes._known_folder import SPLITS, KnownFolder, short_training

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("Utterance", "Speaker", "Emotion", "Sentiment", "Dialogue_ID", "Utterance_ID")


class Meld(KnownFolder):
    """Dialogue of a television series, 13,708 utterances: their emotion, and how they are meant.

    Read is the text of one utterance, without what was said before. Tasks: `emotion`, seven classes
    of which neutral has 47 %, and `sentiment`, which is positive, negative or neutral and follows
    from the emotion, except for surprise. Left out are speaker, dialogue, season, episode and time.

    The files are the official division, 9,989 utterances for training, 1,109 for validation and
    2,610 for the test; a dialogue is in one of them, and its utterances belong together.

    Args:
        data: the folder with `train_sent_emo.csv`, `dev_sent_emo.csv` and `test_sent_emo.csv`, in
            UTF-8, packed (`.csv.gz`) or not. The other arguments are those of `Table`.

    Raises:
        DataError: a file is missing or no table, or lacks a column.

    Licence: GNU General Public License 3.0; the utterances are dialogue of a television series.
        plait has nothing of it: it reads your own copy.

    Reference: Poria, Hazarika, Majumder, Naik, Cambria, Mihalcea, "MELD: A Multimodal Multi-Party
        Dataset for Emotion Recognition in Conversations", ACL 2019.
    """

    defaults: ClassVar[Mapping[str, Any]] = {
        **short_training(6, 3e-3),
        "inputs": {"Utterance": "text"},
        "tasks": {
            "emotion": {"kind": "category", "column": "Emotion"},
            "sentiment": {"kind": "category", "column": "Sentiment"},
        },
        "split": {"column": "split", "group": "Dialogue_ID"},
        "encoder": {"class": "TextEncoder", "dropout": 0.5},
    }

    def read_folder(self, folder: Path) -> pd.DataFrame:
        """Reads the three files."""
        from plait.data.table.fit import require
        from plait.data.table.read import read_table

        pandas = need("pandas", extra="app", purpose="Reading tables")
        ending = ".csv.gz" if (folder / "train_sent_emo.csv.gz").is_file() else ".csv"
        names = {split: f"{split}_sent_emo{ending}" for split in SPLITS}
        root = folder_with(folder, list(names.values()))
        frames = []
        for split, name in names.items():
            frame = read_table(root / name, progress=self.progress)
            require(frame, COLUMNS, str(root / name))
            frames.append(frame[list(COLUMNS)].assign(split=split))
        found: pd.DataFrame = pandas.concat(frames, ignore_index=True)
        return found
