"""Tables of people's own: from files and frames of pandas to inputs and labels.

A frame holds the columns as they were written: numbers where a whole column is numbers, words where
not. `read` opens files, `fit` learns from the training rows what a model has to know of each column
of inputs, `encode` makes the rows of inputs, and `targets` the labels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from plait.core.lazy import lazy

if TYPE_CHECKING:
    from plait.data.table.described import Target, read_targets
    from plait.data.table.described_inputs import Input, read_inputs
    from plait.data.table.encode import encode
    from plait.data.table.fit import fit_columns
    from plait.data.table.giveaways import GiveAway, give_aways
    from plait.data.table.kinds import Guess, guess
    from plait.data.table.propose import Proposal, propose
    from plait.data.table.read import read_pieces, read_table
    from plait.data.table.splits import Division, split_by_column, split_by_fractions
    from plait.data.table.targets import classes_of, labels_of
    from plait.data.table.twins import Twins, equal_rows, twins

__all__ = [
    "Division",
    "GiveAway",
    "Guess",
    "Input",
    "Proposal",
    "Target",
    "Twins",
    "classes_of",
    "encode",
    "equal_rows",
    "fit_columns",
    "give_aways",
    "guess",
    "labels_of",
    "propose",
    "read_inputs",
    "read_pieces",
    "read_table",
    "read_targets",
    "split_by_column",
    "split_by_fractions",
    "twins",
]

lazy(__name__)
