"""Tox21: twelve assays of toxicity, with many labels missing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from plait.core.errors import DataError
from plait.core.extras import need
from plait.data.files import folder_with
from plait.data.tables import check_values
from plait.recipes._arrays import read_arrays, split_words
from plait.recipes.table import Table

if TYPE_CHECKING:
    import pandas as pd

ASSAYS = (
    *("NR-AR", "NR-AR-LBD", "NR-AhR", "NR-Aromatase", "NR-ER", "NR-ER-LBD", "NR-PPAR-gamma"),
    *("SR-ARE", "SR-ATAD5", "SR-HSE", "SR-MMP", "SR-p53"),
)
BITS = 1024
MISSING = 255
SCAFFOLDS = "scaffold_split.npz"


class Tox21(Table):
    """Chemical compounds, 8,006 rows: which of twelve assays each acts on; 17 % are unknown.

    Read are the 1,024 bits of a compound's Morgan fingerprint of radius 2 (`bit_0` and so on). The
    tasks are the assays, yes or no, under their own names, such as `NR-AhR`; 2.9 to 16.2 % of the
    labels are yes. Nothing is left out but eight of the challenge's 8,014 rows, whose structure
    cannot be read.

    There are two splits. `split=split`, the default, is random over different molecules: 6,405 rows
    for training, 799 for validation and 802 for the test. `split=scaffold` has no scaffold of a
    molecule in two parts, the rarest in the test: 6,404, 801 and 801 rows. It is the harder one,
    and nearer to what is asked of a model: compounds of a new kind.

    Args:
        data: the folder with `tox21.npz`: `fp_packed` `[N, 128]` bytes of bits, `labels` `[N, 12]`,
            0, 1 or 255 (missing), and `split` `[N]`, 0, 1 or 2; for the other split also
            `scaffold_split.npz` with its `split`. The other arguments are those of `Table`.

    Raises:
        DataError: an archive is missing or damaged, or breaks its rules.

    Licence: data of a challenge of the government of the United States; none is stated.

    Reference: Huang, Xia, Nguyen, Zhao, Sakamuru, Zhao, Shahane, Rossoshek, Simeonov, "Tox21
        Challenge to Build Predictive Models of Nuclear Receptor and Stress Response Pathways",
        Frontiers in Environmental Science 2016.
    """

    needs_data = True
    file = "tox21.npz"
    defaults: ClassVar[Mapping[str, Any]] = {
        **Table.defaults,
        "inputs": {"bit_*": "number"},
        "tasks": {assay: {"kind": "yes/no"} for assay in ASSAYS},
        "split": "split",
    }

    def read_file(self, path: Path) -> pd.DataFrame:
        """Reads the archives as a frame."""
        pandas = need("pandas", extra="app", purpose="Reading tables")
        wanted = {"fp_packed": BITS // 8, "labels": len(ASSAYS), "split": None}
        arrays = read_arrays(path, wanted)
        labels = arrays["labels"].astype(np.float64)
        known = (labels == 0) | (labels == 1)
        check_values(path, "labels", labels, known | (labels == MISSING), "0, 1 or 255")
        bits = np.unpackbits(arrays["fp_packed"].astype(np.uint8), axis=1)
        columns = {
            **{f"bit_{bit}": bits[:, bit] for bit in range(BITS)},
            **dict(zip(ASSAYS, np.where(known, labels, np.nan).T, strict=True)),
            "split": split_words(path, arrays["split"]),
        }
        if "scaffold" in self._split_columns() or (path.parent / SCAFFOLDS).is_file():
            scaffolds = folder_with(path.parent, [SCAFFOLDS]) / SCAFFOLDS
            split = read_arrays(scaffolds, {"split": None})["split"]
            if len(split) != len(bits):
                raise DataError(
                    f"{scaffolds} has {len(split)} rows, and {path.name} {len(bits)}: they must be "
                    "of the same molecules. Are both files of one version?"
                )
            columns["scaffold"] = split_words(scaffolds, split)
        frame: pd.DataFrame = pandas.DataFrame(columns)
        return frame
