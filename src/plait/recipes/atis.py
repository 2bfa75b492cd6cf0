"""ATIS: what a traveller wants, and which words say so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from plait.core.errors import DataError
from plait.core.extras import need
from plait.data.files import folder_with, text_of
from plait.recipes._known_folder import SPLITS, KnownFolder, short_training

if TYPE_CHECKING:
    import pandas as pd

FILES = {"seq.in": "words", "seq.out": "slots", "label": "intent"}


class Atis(KnownFolder):
    """Questions of air travellers, 5,871 sentences: what is wanted, and what each word stands for.

    Read are the words. Tasks: `intent` of the sentence, 26 classes of which `atis_flight` has 74 %,
    and `slots`, a tag for each word such as `B-fromloc.city_name`, in the scheme IOB2. Nothing is
    left out. Of the classes of the test, 4 intents and 6 tags do not occur in training; such labels
    count as wrong.

    The folders are the official division, 4,478 sentences for training, 500 for validation and 893
    for the test.

    Args:
        data: the folder with `train`, `dev` and `test`, each with `seq.in` (one sentence a line,
            words divided by spaces), `seq.out` (their tags) and `label`. The other arguments are
            those of `Table`.

    Raises:
        DataError: a file is missing, the files of a folder differ in their numbers of lines, or a
            line has not a tag for each word.

    Licence: none that is open; the sentences are from corpora of the Linguistic Data Consortium,
        and the repositories that have them give their own licence for the code alone.

    Reference: Hemphill, Godfrey, Doddington, "The ATIS Spoken Language Systems Pilot Corpus",
        Speech and Natural Language Workshop 1990; in this division: Goo et al., "Slot-Gated
        Modeling for Joint Slot Filling and Intent Prediction", NAACL 2018.
    """

    defaults: ClassVar[Mapping[str, Any]] = {
        **short_training(15, 4e-3),
        "inputs": {"words": "tokens"},
        "tasks": {"intent": {"kind": "category"}, "slots": {"kind": "token tags"}},
        "split": "split",
        "encoder": {"class": "TextEncoder"},
    }

    def read_folder(self, folder: Path) -> pd.DataFrame:
        """Reads the three folders; sentences and tags stay texts, divided by spaces."""
        pandas = need("pandas", extra="app", purpose="Reading tables")
        rows: dict[str, list[str]] = {column: [] for column in (*FILES.values(), "split")}
        root = folder_with(folder, [f"{split}/{name}" for split in SPLITS for name in FILES])
        for split in SPLITS:
            found = {
                column: [line.strip() for line in text_of(root / split / name).splitlines()]
                for name, column in FILES.items()
            }
            count = {column: len(lines) for column, lines in found.items()}
            if len(set(count.values())) > 1:
                raise DataError(
                    f"the files in {root / split} must have one line for each sentence; found "
                    f"{', '.join(f'{count[column]} in {name}' for name, column in FILES.items())}. "
                    "Are they of one version?"
                )
            _check_tags(found["words"], found["slots"], root / split / "seq.out")
            for column, lines in found.items():
                rows[column] += lines
            rows["split"] += [split] * count["words"]
        frame: pd.DataFrame = pandas.DataFrame(rows)
        return frame


def _check_tags(sentences: Sequence[str], tags: Sequence[str], path: Path) -> None:
    """Raises `DataError` for the first line that has not a tag for each word."""
    for line, (words, each) in enumerate(zip(sentences, tags, strict=True), start=1):
        wanted, found = len(words.split()), len(each.split())
        if wanted != found:
            raise DataError(
                f"{path}, line {line} must have a tag for each word of seq.in; found {found} tags "
                f"for {wanted} words. Correct the line."
            )
