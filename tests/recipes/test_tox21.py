from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plait.core.errors import DataError
from plait.recipes import Tox21
from plait.recipes.tox21 import ASSAYS
from tests.recipes.known_tables import miniature, real, tox21


def arrays() -> dict[str, Any]:
    return tox21(np.random.default_rng(0))


def test_bits_and_labels_are_those_of_the_archive(tmp_path: Path) -> None:
    problem = Tox21(data=miniature("tox21", tmp_path))
    found = problem.splits()["train"]
    rows = problem.rows["train"]
    bits = np.unpackbits(arrays()["fp_packed"], axis=1)
    np.testing.assert_array_equal(found.inputs, bits[rows])  # type: ignore[attr-defined]
    for place, assay in enumerate(ASSAYS):
        given = arrays()["labels"][:, place]
        expected = np.where(given == 255, np.nan, given)
        np.testing.assert_array_equal(problem.labels[assay][:, 0], expected)


def test_the_split_by_scaffold_is_in_a_file_of_its_own(tmp_path: Path) -> None:
    folder = miniature("tox21", tmp_path)
    (folder / "scaffold_split.npz").unlink()
    assert Tox21(data=folder).splits()
    with pytest.raises(DataError, match=r"must hold scaffold_split.npz"):
        Tox21(data=folder, split="scaffold").splits()
    split = np.resize([2, 0, 1], 60).astype(np.uint8)
    np.savez(folder / "scaffold_split.npz", split=split)
    for given in ("scaffold", {"column": "scaffold"}):
        rows = Tox21(data=folder, split=given).rows
        assert all(set(split[rows[part]]) == {n} for n, part in enumerate(("train", "val", "test")))
    assert "scaffold" not in Tox21(data=folder, split="scaffold").inputs
    with pytest.raises(DataError, match=r"'scafold'.* Did you mean 'scaffold'"):
        Tox21(data=folder, split="scafold").splits()


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("labels", 2, "`labels` .* must be 0, 1 or 255"),
        ("split", 3, "`split` .* must be 0, 1 or 2"),
    ],
)
def test_values_out_of_their_range_are_refused(
    key: str, value: int, words: str, tmp_path: Path
) -> None:
    changed = arrays()
    changed[key][3] = value
    np.savez(miniature("tox21", tmp_path) / "tox21.npz", **changed)
    with pytest.raises(DataError, match=words):
        Tox21(data=tmp_path).splits()


def test_the_other_split_must_be_of_the_same_molecules(tmp_path: Path) -> None:
    folder = miniature("tox21", tmp_path)
    np.savez(folder / "scaffold_split.npz", split=np.zeros(59, dtype=np.uint8))
    with pytest.raises(DataError, match=r"scaffold_split.npz has 59 rows, and tox21.npz 60"):
        Tox21(data=folder, split="scaffold").splits()


def test_the_real_data() -> None:
    folder = real("tox21")
    problem = Tox21(data=folder)
    with np.load(folder / "tox21.npz") as archive:
        assert tuple(archive["tasks"]) == ASSAYS
    assert [len(rows) for rows in problem.rows.values()] == [6405, 799, 802]
    missing = [labels.isnan().float().mean().item() for labels in problem.labels.values()]
    assert round(float(np.mean(missing)), 2) == 0.17
    by_scaffold = Tox21(data=folder, split="scaffold")
    assert [len(rows) for rows in by_scaffold.rows.values()] == [6404, 801, 801]
