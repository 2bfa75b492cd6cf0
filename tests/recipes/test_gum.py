from pathlib import Path

from plait.recipes import Gum
from tests.recipes.known_media import gum, gum_conllu
from tests.recipes.real_data import real


def test_both_layouts_give_one_frame(tmp_path: Path) -> None:
    lines = Gum(data=gum(tmp_path / "lines")).frame
    conllu = Gum(data=gum_conllu(tmp_path / "conllu")).frame
    assert lines.columns.tolist() == conllu.columns.tolist()
    for column in lines:
        assert lines[column].tolist() == conllu[column].tolist()
    assert lines["tokens"][0][1:3] == ["saw", "the"]


def test_other_columns_can_be_predicted(tmp_path: Path) -> None:
    tasks = {"xpos": {"kind": "token tags"}, "genre": {"kind": "category"}}
    problem = Gum(data=gum(tmp_path), tasks=tasks)
    assert problem.classes["xpos"] == [".", "DT", "NN", "NNP", "VBD"]
    assert problem.classes["genre"] == ["news"]


def test_the_real_data() -> None:
    problem = Gum(data=real("gum", "train.jsonl.gz"))
    assert [len(rows) for rows in problem.rows.values()] == [5931, 693, 744]
    assert [len(each) for each in problem.classes.values()] == [17, 21, 11]
    assert len(problem.splits()["test"].groups.unique()) == 18  # documents
    words = problem.frame["tokens"].map(len)
    assert [int(words[rows].sum()) for rows in problem.rows.values()] == [115936, 16241, 16441]
