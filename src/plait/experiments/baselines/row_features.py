"""Rows of a table as scikit-learn's models read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from plait.core.columns import Column
from plait.core.extras import need
from plait.encoders.table import Codes, Missing, Row, Standardise

Array = np.ndarray[Any, Any]
MOST_CODES = 255  # of a category that `HistGradientBoosting` takes


class RowFeatures:
    """Turns the rows that an encoder reads into the inputs of linear models and of trees.

    Args:
        columns: those of the encoder.
        train: rows of the training, `[N, F]`, from which the values of categories are taken.
    """

    def __init__(self, columns: Sequence[Column], train: Tensor) -> None:
        compose = need("sklearn.compose", extra="app", purpose="A model of scikit-learn")
        preprocessing = need("sklearn.preprocessing", extra="app", purpose="A model of it")
        row = Row.of(columns)
        self._standardise, self._missing = Standardise(row.numbers), Missing(row.numbers)
        self._codes = Codes(row.categories)
        self._places = [number.entry for number in row.numbers]
        numbers = len(row.numbers) + self._missing.outputs
        several = []
        if numbers:
            several.append(("numbers", preprocessing.StandardScaler(), slice(0, numbers)))
        if row.categories:
            one_hot = preprocessing.OneHotEncoder(handle_unknown="ignore")
            several.append(("categories", one_hot, slice(numbers, None)))
        self._linear = compose.ColumnTransformer(several, sparse_threshold=0.5)
        self._linear.fit(self._standardised(train))
        self._kept = [
            _frequent(codes, each.codes)
            for codes, each in zip(self._read_codes(train).T, row.categories, strict=True)
        ]
        self.categorical = [False] * len(self._places) + [True] * len(self._kept)
        """Which of the columns of `trees` are categories."""

    def linear(self, rows: Tensor) -> Any:
        """Returns `[N, k]`, dense or sparse: numbers, what is missing, and a column for each code.

        Numbers are shifted, scaled and held back where far out, as the encoder has them; a missing
        one is 0 beside a 1 that says so. The result has unit variance on the training rows.
        """
        return self._linear.transform(self._standardised(rows))

    def trees(self, rows: Tensor) -> Array:
        """Returns `[N, numbers + categories]`: numbers as they are, NaN where missing, then codes.

        A missing category is a code of its own. Of a category with more than 255 codes the rarest
        in training become one.
        """
        numbers = rows.double().numpy()[:, self._places]
        codes = self._read_codes(rows)
        kept = [known[codes[:, place]] for place, known in enumerate(self._kept)]
        return np.column_stack([numbers, *kept])

    def _standardised(self, rows: Tensor) -> Array:
        with torch.no_grad():
            numbers = torch.cat([self._standardise(rows), self._missing(rows)], dim=1)
        return np.concatenate([numbers.double().numpy(), self._read_codes(rows)], axis=1)

    def _read_codes(self, rows: Tensor) -> Array:
        found: Array = self._codes(rows).numpy()
        return found


def _frequent(codes: Array, count: int) -> Array:
    """Returns the new code of each code: itself, or the last for those that are rare."""
    if count <= MOST_CODES:
        return np.arange(count)
    counts = np.bincount(codes, minlength=count)
    kept = np.argsort(-counts, kind="stable")[: MOST_CODES - 1]
    found = np.full(count, MOST_CODES - 1)
    found[kept] = np.arange(len(kept))
    return found
