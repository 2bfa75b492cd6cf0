"""Labels for each word of rows."""

from plait.data.readers.tags import Tags


def test_rows_have_their_own_lengths() -> None:
    tags = Tags([[1, 2], [], [3]])
    assert [tags[row].tolist() for row in range(len(tags))] == [[1, 2], [], [3]]
    assert tags.classes.tolist() == [1, 2, 3]
