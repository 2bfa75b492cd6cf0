import json

import pytest

from plait.core.columns import Column, inputs_of
from plait.core.errors import ConfigError

COLUMNS = [
    Column("age", "number", center=[40.0], scale=[12.0], missing=[0.1], edges=[[17.0, 40.0, 90.0]]),
    Column("colour", "category", values=["blue", "red"]),
    Column(
        "bought",
        "tags",
        values=["a", "b"],
        center=[0.0, 0.5],
        scale=[1.0, 0.5],
        missing=[0.0, 0.0],
        edges=[[0.0, 1.0], [0.0, 1.0]],
        form=";",
    ),
    Column("photo", "image", size=[32, 48], channels=3),
    Column("voice", "sound", rate=8000, seconds=1.5),
    Column("said", "tokens", values=["the", "a"], form=" ", pieces=64, length=200),
]


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.kind)
def test_a_column_comes_back_from_json(column: Column):
    assert Column.of(json.loads(json.dumps(column.plain()))) == column
    assert Column.of(column) is column


def test_entries_of_a_row():
    assert [column.entries for column in COLUMNS] == [1, 1, 2, 0, 0, 0]
    assert [column.numbers for column in COLUMNS] == [1, 0, 2, 0, 0, 0]
    assert [column.codes for column in COLUMNS] == [0, 4, 0, 0, 0, 4]


@pytest.mark.parametrize(
    ("described", "message"),
    [
        ({"name": "a", "kind": "numbr"}, "unknown kind of column 'numbr'.*number"),
        ({"name": "a", "kind": "number", "centre": [1.0]}, "unknown property of a column 'centre'"),
        ({"name": "a"}, "a name and a kind"),
        ({"name": "a", "kind": "number", "center": [1.0]}, "'a' must have `center`, `scale`"),
    ],
)
def test_what_is_no_column(described: dict, message: str):
    with pytest.raises(ConfigError, match=message):
        Column.of(described)


def test_an_encoder_of_one_column_is_told_what_it_has_to_know():
    known = [column.known for column in COLUMNS[3:]]
    assert known == [{"in_channels": 3}, {"rate": 8000}, {"codes": 4, "pieces": 64}]
    assert COLUMNS[0].known == {}


def test_columns_of_a_row_are_one_input_and_each_other_is_its_own():
    found = {name: [c.name for c in columns] for name, columns in inputs_of(COLUMNS).items()}
    assert found == {
        "row": ["age", "colour", "bought"],
        "photo": ["photo"],
        "voice": ["voice"],
        "said": ["said"],
    }
    assert list(inputs_of(COLUMNS[3:4])) == ["photo"]
    assert inputs_of([]) == {}
    with pytest.raises(ConfigError, match="cannot be named 'row' beside columns of"):
        inputs_of([COLUMNS[0], Column("row", "image")])


def test_a_tokenizer_says_how_many_codes_there_are() -> None:
    listed = '{"model": {"vocab": [["a", -1.5], ["b", -2.0]]}, "added_tokens": [{"id": 7}]}'
    column = Column("said", "text", tokenizer=listed, length=5)
    assert column.codes == 8 and column.known == {"codes": 8, "pieces": 0}
    assert Column.of(column.plain()) == column


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"model": {"vocab": []}}'])
def test_a_text_that_is_no_tokenizer(text: str) -> None:
    with pytest.raises(ConfigError, match="tokenizer is no text of tokenizer"):
        _ = Column("said", "text", tokenizer=text).codes
