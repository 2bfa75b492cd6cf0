from pathlib import Path

import pytest

from plait.core.errors import DataError
from plait.recipes import Atis
from tests.recipes.known_media import atis
from tests.recipes.real_data import real


def test_a_row_is_a_line_of_each_file(tmp_path: Path) -> None:
    frame = Atis(data=atis(tmp_path)).frame
    for split in ("train", "dev", "test"):
        part = frame[frame["split"] == split]
        for name, column in {"seq.in": "words", "seq.out": "slots", "label": "intent"}.items():
            lines = (tmp_path / split / name).read_text().split(" \n")[:-1]
            assert part[column].tolist() == lines


def test_classes_that_only_the_test_has_are_classes(tmp_path: Path) -> None:
    atis(tmp_path)
    lines = (tmp_path / "test/label").read_text().splitlines()
    (tmp_path / "test/label").write_text("\n".join(["atis_meal", *lines[1:]]))
    problem = Atis(data=tmp_path)
    assert problem.classes["intent"] == ["atis_airfare", "atis_flight", "atis_meal"]


def test_files_of_different_lengths_are_refused(tmp_path: Path) -> None:
    (atis(tmp_path) / "dev/label").write_text("atis_flight\n")
    with pytest.raises(DataError, match=r"found 8 in seq\.in, 8 in seq\.out, 1 in label"):
        _ = Atis(data=tmp_path).frame


def test_a_line_without_a_tag_for_each_word_is_named(tmp_path: Path) -> None:
    path = atis(tmp_path) / "dev/seq.out"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:2], lines[2] + " O", *lines[3:]]))
    with pytest.raises(
        DataError, match=r"dev/seq\.out, line 3 must .* found \d+ tags for \d+ words"
    ):
        _ = Atis(data=tmp_path).frame


def test_the_real_data() -> None:
    problem = Atis(data=real("atis", "train/seq.in"))
    assert [len(rows) for rows in problem.rows.values()] == [4478, 500, 893]
    assert [len(each) for each in problem.classes.values()] == [26, 127]
    train = problem.frame.iloc[problem.rows["train"]]
    unseen = set(problem.frame["intent"]) - set(train["intent"])
    assert len(unseen) == 5
