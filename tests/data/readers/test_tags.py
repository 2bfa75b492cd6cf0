"""Labels for each word of rows."""

import torch

from plait.data.readers.tags import Tags, of_rows


def test_rows_have_their_own_lengths() -> None:
    tags = Tags([[1, 2], [], [3]])
    assert [tags[row].tolist() for row in range(len(tags))] == [[1, 2], [], [3]]
    assert tags.classes.tolist() == [1, 2, 3]
    assert of_rows(tags, [2, 0]).tolist() == [3, 1, 2]
    assert of_rows(tags, []).dtype == torch.int64
