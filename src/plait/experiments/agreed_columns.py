"""Whether a run goes on with the table that it was begun with."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from torch import nn

from plait.core.columns import Column
from plait.core.errors import CheckpointError
from plait.core.files import write_json
from plait.encoders import Stems
from plait.runs.folder import COLUMNS

MOST_NAMED = 6


def write_columns(encoder: nn.Module, folder: Path) -> None:
    """Writes a digest of each column of inputs; nothing for an encoder that knows no columns."""
    found = _digests(encoder)
    if found:
        write_json(folder / COLUMNS, found)


def check_columns(encoder: nn.Module, folder: Path) -> None:
    """Refuses to go on with a run whose table has changed: its codes would mean other values.

    Args:
        encoder: made of the table as it is now.
        folder: of the run.

    Raises:
        CheckpointError: the vocabulary or the statistics of a column are others.
    """
    if not (folder / COLUMNS).is_file():
        return
    saved, now = json.loads((folder / COLUMNS).read_text(encoding="utf-8")), _digests(encoder)
    changed = [name for name in {**saved, **now} if saved.get(name) != now.get(name)]
    if changed:
        more = f" and {len(changed) - MOST_NAMED} more" if len(changed) > MOST_NAMED else ""
        raise CheckpointError(
            f"the table of the run in {folder} has changed since it was begun: its training rows "
            f"have other values in {', '.join(map(repr, changed[:MOST_NAMED]))}{more}. Go on with "
            "the old table (`table=FILE`), or train anew in another folder."
        )


def _digests(encoder: nn.Module) -> dict[str, str]:
    """Returns `{column: digest of its vocabulary and statistics}`; of stems, "source: column"."""
    if isinstance(encoder, Stems):
        own = {source: _digests(stem) for source, stem in encoder.stems.items()}
        return {f"{source}: {name}": d for source, each in own.items() for name, d in each.items()}
    found = {}
    for each in getattr(encoder, "columns", None) or ():
        column = Column.of(each)
        text = json.dumps(column.plain(), sort_keys=True)
        found[column.name] = hashlib.sha256(text.encode()).hexdigest()[:16]
    return found
