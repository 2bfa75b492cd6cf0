from pathlib import Path

import numpy as np
import pytest

from plait.core.errors import DataError
from plait.recipes import Sarcos
from tests.recipes.known_tables import miniature, real, sarcos


def test_columns_are_those_of_the_arrays(tmp_path: Path) -> None:
    problem = Sarcos(data=miniature("sarcos", tmp_path))
    arrays = sarcos(np.random.default_rng(0))
    kinds = ("position", "velocity", "acceleration")
    assert list(problem.inputs) == [f"{kind}_{joint}" for kind in kinds for joint in range(1, 8)]
    np.testing.assert_array_equal(problem.frame[list(problem.inputs)], arrays["x"])
    for joint in range(7):
        found = problem.labels[f"torque_{joint + 1}"][:, 0]
        np.testing.assert_array_equal(found, arrays["y"][:, joint])


def test_a_damaged_number_is_named(tmp_path: Path) -> None:
    folder = miniature("sarcos", tmp_path)
    arrays = sarcos(np.random.default_rng(0))
    arrays["x"][5, 8] = np.inf
    np.savez(folder / Sarcos.file, **arrays)
    with pytest.raises(DataError, match=r"velocity_2.* in row 6"):
        Sarcos(data=folder).splits()


def test_the_real_data() -> None:
    problem = Sarcos(data=real("sarcos"))
    assert [len(rows) for rows in problem.rows.values()] == [3114, 444, 891]
    deviations = [labels.std().item() for labels in problem.labels.values()]
    assert [round(deviations[joint], 1) for joint in (0, 4)] == [20.4, 1.0]
