"""The pupils of School, on the scale of the training rows."""

from pathlib import Path

import numpy as np
import pytest

from plait.core.errors import ConfigError, DataError
from plait.recipes._pupils import PERCENTAGES, read_pupils
from tests.recipes.table_folders import school, write

SPLITS = ("train", "val", "test")


def test_every_pupil_is_in_one_table_of_its_school(tmp_path: Path) -> None:
    arrays = school()
    pupils = read_pupils(write(tmp_path, "school", arrays), split=0)
    assert pupils.names == ["school-00", "school-01", "school-02"]
    for number, name in enumerate(pupils.names):
        found = np.concatenate([pupils.splits[split].targets[name] for split in SPLITS])
        assert sorted(found) == sorted(arrays["y"][arrays["task"] == number])


def test_training_rows_have_mean_zero_and_deviation_one(tmp_path: Path) -> None:
    pupils = read_pupils(write(tmp_path, "school", school()), split=0)
    train = pupils.splits["train"]
    inputs = np.concatenate([train.inputs[name] for name in pupils.names])
    assert inputs.shape[1] == 27
    np.testing.assert_allclose(inputs[:, PERCENTAGES].mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(inputs[:, PERCENTAGES].std(0), 1, atol=1e-6)
    scores = np.concatenate([train.targets[name] for name in pupils.names])
    assert (pupils.mean, pupils.scale) == pytest.approx((scores.mean(), scores.std()))


@pytest.mark.parametrize(
    ("key", "column", "value", "words"),
    [
        ("x", 0, 2, "`x` .* must be 0 or 1, and 0..100 in columns 3 and 4; found 2.0 in row 5"),
        ("x", 3, 101, "found 101.0 in row 5, column 3"),
        ("x", 27, 0, "`x` .* must be 1 in the last column"),
        ("y", None, 71, r"`y` .* must be 1\.\.70; found 71 in row 5"),
    ],
)
def test_values_outside_their_range_are_refused(
    key: str, column: int | None, value: int, words: str, tmp_path: Path
) -> None:
    arrays = school()
    arrays[key][5 if column is None else (5, column)] = value
    with pytest.raises(DataError, match=words):
        read_pupils(write(tmp_path, "school", arrays), split=0)


def test_the_division_is_a_whole_number(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="`split` must be a whole number"):
        read_pupils(write(tmp_path, "school", school()), split=-1)
