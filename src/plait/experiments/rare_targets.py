"""Options for masks and tags of rare classes, written where a table is first looked at."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from plait.data.table.placed import counts_in
from plait.tasks.labels.rare import options_for

if TYPE_CHECKING:
    import pandas as pd

    from plait.data.files import Store
    from plait.data.table.propose import Proposal


def with_rare_options(proposal: Proposal, frame: pd.DataFrame, store: Store) -> Proposal:
    """Adds to each mask and each list of tags what helps where hardly any label is of a class.

    Args:
        proposal: what `plait.data.table.propose` has found.
        frame: the table.
        store: the files that its cells name.
    """
    entries = []
    for entry in proposal.entries:
        if entry.role == "target" and entry.kind in ("mask", "token tags"):
            counts = counts_in(frame, entry.name, entry.kind, entry.options, store)
            chosen = options_for(counts, masks=entry.kind == "mask")
            if chosen:
                share = 1 - max(counts) / sum(counts)
                told = f"{entry.comment}; all but one class have {share:.2%} of the labels"
                entry = replace(entry, options={**entry.options, **chosen}, comment=told)
        entries.append(entry)
    return replace(proposal, entries=tuple(entries))
