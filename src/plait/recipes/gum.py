"""GUM: parts of speech, entities and the kind of sentence."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from plait.core.extras import need
from plait.data.files import folder_with, text_of
from plait.recipes._conllu import sentences
from plait.recipes._known_folder import SPLITS, KnownFolder, short_training

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("id", "genre", "s_type", "tokens", "upos", "xpos", "head", "deprel", "entity")


class Gum(KnownFolder):
    """Sentences of the Georgetown University Multilayer corpus: three readings of each.

    Read are the words. Tasks: `upos`, the part of speech of each word (17 universal classes);
    `entity`, a tag for each word in the scheme IOB2 over the outermost mentions of ten types, from
    person to plant (mentions by nouns and pronouns count, not only names); `s_type`, the kind of
    the sentence, such as declarative or wh-question (11 classes). More can be predicted:
    `tasks.xpos.kind="token tags"`, `tasks.deprel.kind="token tags"`, `tasks.genre.kind=category`.
    The heads of the words are not a task.

    The files are the corpus's own division, by document: the sentences of one belong together.

    Args:
        data: the folder with `en_gum-ud-train.conllu`, `en_gum-ud-dev.conllu` and
            `en_gum-ud-test.conllu`, as Universal Dependencies distributes them; or with
            `train.jsonl.gz`, `dev.jsonl.gz` and `test.jsonl.gz`, a sentence a line with the columns
            id, genre, s_type, tokens, upos, xpos, head, deprel and entity. The other arguments are
            those of `Table`.

    Raises:
        DataError: a file is missing or damaged, or lacks a column.

    Licence: Creative Commons Attribution 4.0 for the annotations. The texts have licences of their
        own by genre, all Creative Commons or in the public domain; those of essay, fiction, letter,
        podcast and whow are for uses that are not commercial.

    Reference: Zeldes, "The GUM Corpus: Creating Multilayer Resources in the Classroom", Language
        Resources and Evaluation 2017.
    """

    defaults: ClassVar[Mapping[str, Any]] = {
        **short_training(6, 4e-3),
        "inputs": {"tokens": "tokens"},
        "tasks": {
            "upos": {"kind": "token tags"},
            "entity": {"kind": "token tags"},
            "s_type": {"kind": "category"},
        },
        "split": {"column": "split", "group": "document"},
        "rule": "loss",  # sentences are few, and their kind alone would choose an epoch by chance
        "encoder": {"class": "TextEncoder", "width": 192, "layers": 2},
    }

    def read_folder(self, folder: Path) -> pd.DataFrame:
        """Reads the three files; words and their tags are lists."""
        from plait.data.table.fit import require
        from plait.data.table.read import read_table

        pandas = need("pandas", extra="app", purpose="Reading tables")
        frames: list[pd.DataFrame] = []
        packed = (folder / "train.jsonl.gz").is_file()
        names = {s: f"{s}.jsonl.gz" if packed else f"en_gum-ud-{s}.conllu" for s in SPLITS}
        root = folder_with(folder, list(names.values()))
        for split, name in names.items():
            if packed:
                frame = read_table(root / name, progress=self.progress)
                require(frame, COLUMNS, str(root / name))
            else:
                rows = sentences(text_of(root / name), str(root / name))
                frame = pandas.DataFrame(rows, columns=COLUMNS)
            document = frame["id"].str.rpartition("-")[0]
            frames.append(frame[list(COLUMNS)].assign(document=document, split=split))
        found: pd.DataFrame = pandas.concat(frames, ignore_index=True)
        return found
