"""Sarcos: the seven torques of a robot arm."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from plait.core.extras import need
from plait.recipes._arrays import read_arrays, split_words
from plait.recipes.table import Table

if TYPE_CHECKING:
    import pandas as pd

JOINTS = 7


class Sarcos(Table):
    """A robot arm of seven joints, 4,449 rows: which torque each joint needs for a movement.

    Read are positions, velocities and accelerations of the joints (`position_1` and so on, 21
    numbers). There are seven tasks, `torque_1` to `torque_7`, with deviations from 0.97 to 20.4.
    Nothing is left out.

    These are the rows of the official test part, with a random split: 3,114 rows for training, 444
    for validation and 891 for the test. (The official training part has the rows of the test part
    in it as well.)

    Args:
        data: the folder with `sarcos_test_part.npz`: `x` `[N, 21]`, `y` `[N, 7]` and `split` `[N]`,
            0, 1 or 2. The other arguments are those of `Table`.

    Raises:
        DataError: the archive is missing or damaged, or breaks its rules.

    Licence: none is stated; offered for research with the book "Gaussian Processes for Machine
        Learning".

    Reference: Vijayakumar, Schaal, "Locally Weighted Projection Regression: An O(n) Algorithm for
        Incremental Real Time Learning in High Dimensional Space", ICML 2000.
    """

    needs_data = True
    file = "sarcos_test_part.npz"
    defaults: ClassVar[Mapping[str, Any]] = {
        **Table.defaults,
        "inputs": dict.fromkeys(("position_*", "velocity_*", "acceleration_*"), "number"),
        "tasks": {f"torque_{joint}": {"kind": "number"} for joint in range(1, JOINTS + 1)},
        "split": "split",
    }

    def read_file(self, path: Path) -> pd.DataFrame:
        """Reads the archive as a frame."""
        pandas = need("pandas", extra="app", purpose="Reading tables")
        arrays = read_arrays(path, {"x": 3 * JOINTS, "y": JOINTS, "split": None})
        kinds = ("position", "velocity", "acceleration")
        inputs = [f"{kind}_{joint}" for kind in kinds for joint in range(1, JOINTS + 1)]
        frame: pd.DataFrame = pandas.DataFrame(arrays["x"], columns=inputs)
        for joint in range(JOINTS):
            frame[f"torque_{joint + 1}"] = arrays["y"][:, joint]
        return frame.assign(split=split_words(path, arrays["split"]))
