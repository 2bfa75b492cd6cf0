import math

import pytest
import torch

from plait.evaluation.kept_rows import KeptRows, joined


def test_rows_are_taken_from_all_that_is_kept() -> None:
    rows = KeptRows(torch.arange(4.0), {"a": torch.arange(4)}, torch.arange(4.0) / 2)
    found = rows[torch.tensor([3, 1, 1])]
    assert found.prediction.tolist() == [3.0, 1.0, 1.0]
    assert found.target["a"].tolist() == [3, 1, 1]
    assert found.weights is not None
    assert found.weights.tolist() == [1.5, 0.5, 0.5]
    assert rows[1:2].prediction.tolist() == [1.0]
    assert KeptRows(torch.zeros(2, 3), None, None)[0:1].numbers == 3


def test_one_piece_is_itself() -> None:
    rows = KeptRows(torch.zeros(2), torch.zeros(2), None)
    assert joined([rows], 0.0) is rows


def test_batches_of_different_lengths_are_padded_to_the_longest() -> None:
    short = KeptRows(torch.ones(1, 2, 3), torch.ones(1, 2).long(), torch.ones(1, 2))
    long = KeptRows(torch.ones(2, 3, 3), torch.ones(2, 3).long(), torch.ones(2, 3))
    found = joined([short, long], -100.0)
    assert found.prediction.shape == (3, 3, 3)
    assert found.prediction[0, 2].tolist() == [0.0, 0.0, 0.0]
    assert found.target.tolist() == [[1, 1, -100], [1, 1, 1], [1, 1, 1]]
    assert found.weights is not None
    assert found.weights[0].tolist() == [1.0, 1.0, 0.0]


def test_rows_without_weights_weigh_one_beside_others() -> None:
    plain = KeptRows(torch.zeros(2), torch.zeros(2), None)
    weighted = KeptRows(torch.zeros(1), torch.zeros(1), torch.tensor([0.5]))
    for pieces, expected in (
        ([plain, weighted], [1.0, 1.0, 0.5]),
        ([weighted, plain], [0.5, 1, 1]),
    ):
        found = joined(pieces, 0.0).weights
        assert found is not None
        assert found.tolist() == expected


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.int64, torch.float32])
@pytest.mark.parametrize("missing", [-100.0, math.nan])
def test_any_labels_can_be_padded(dtype: torch.dtype, missing: float) -> None:
    pieces = [KeptRows(torch.zeros(1, n), torch.ones(1, n).to(dtype), None) for n in (1, 2)]
    short = joined(pieces, missing).target[0].tolist()
    assert short == pytest.approx([1, missing], nan_ok=True)


def test_structures_of_labels_are_joined_tensor_by_tensor() -> None:
    def piece(rows: int, width: int) -> KeptRows:
        maps = torch.ones(rows, width, 2)
        return KeptRows(torch.ones(rows), {"a": [maps, torch.ones(rows)]}, None)

    found = joined([piece(1, 2), piece(2, 4)], float("nan"))
    maps, flat = found.target["a"]
    assert maps.shape == (3, 4, 2)
    assert maps[0].isnan().any(1).tolist() == [False, False, True, True]
    assert flat.shape == (3,)
    assert found.weights is None
