import gzip
from pathlib import Path

import pytest

from plait.core.errors import DataError
from plait.recipes import Meld
from tests.recipes.known_media import meld
from tests.recipes.real_data import real


def test_quotes_and_commas_stay_in_their_sentence(tmp_path: Path) -> None:
    frame = Meld(data=meld(tmp_path)).frame
    assert frame["Utterance"].tolist()[:3] == [
        "That\u2019s great, really great!",
        'I \u201chate\u201d it, "so" go!',
        "Well\u2026 we will see",
    ]
    assert frame["Emotion"].tolist()[:3] == ["joy", "anger", "neutral"]


def test_packed_files_are_read_alike(tmp_path: Path) -> None:
    whole = Meld(data=meld(tmp_path)).frame
    for path in tmp_path.glob("*.csv"):
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    assert Meld(data=tmp_path).frame.equals(whole)


def test_a_file_without_a_column_is_named(tmp_path: Path) -> None:
    path = meld(tmp_path) / "dev_sent_emo.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("Emotion", "Mood"), encoding="utf-8")
    with pytest.raises(
        DataError, match=r"'Emotion'.*dev_sent_emo\.csv|dev_sent_emo\.csv.*'Emotion'"
    ):
        _ = Meld(data=tmp_path).frame


def test_the_real_data() -> None:
    problem = Meld(data=real("meld", "train_sent_emo.csv.gz"))
    assert [len(rows) for rows in problem.rows.values()] == [9989, 1109, 2610]
    assert [len(each) for each in problem.classes.values()] == [7, 3]
    assert len(problem.splits()["test"].groups.unique()) == 280  # dialogues
