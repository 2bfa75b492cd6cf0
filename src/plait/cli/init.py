"""``plait init``: a table becomes a file of settings."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from plait.cli.predict import words_of
from plait.cli.settings import announce


def init(
    table: Annotated[
        Path,
        typer.Argument(help="Table: .csv, .tsv, .jsonl, .parquet, or packed; a folder of Parquet."),
    ],
    targets: Annotated[
        list[str] | None,
        typer.Option("--targets", help="Columns to predict; proposed from their names by default."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="File to write; NAME.yaml by default.")
    ] = None,
) -> None:
    """Look at a table, and write a file of settings to train on it.

    It says of each column what it is, whether it is read or predicted, and why not; check it, then
    run `plait train NAME.yaml`. Example: plait init wine.csv --targets quality,colour
    """
    from plait.cli.bar import reading
    from plait.core.errors import ConfigError
    from plait.core.files import write_text

    path = out or Path(f"{table.name.partition('.')[0]}.yaml")
    if path.exists():
        raise ConfigError(f"{path} is there already. Name another file with --out.")
    announce(f"reading {table}")

    from plait.data.files import Store, folder_of
    from plait.data.streams.first_look import first_look
    from plait.data.table import propose
    from plait.experiments.init_table import run_lines, table_settings
    from plait.experiments.rare_targets import with_rare_options
    from plait.recipes import Table

    with reading(table.name) as progress:
        frame, rows = first_look(table, progress=progress)
    store = Store(folder_of(table))
    proposal = with_rare_options(propose(frame, words_of(targets), store), frame, store)
    if rows is not None:  # a stream shows pictures as they are
        proposal = proposal.without("augment")
    near = Path(os.path.relpath(table, path.parent))
    place = table.resolve() if near.parts[:2] == ("..", "..") else near
    lines = run_lines(Table.defaults_for(proposal.settings))
    text = table_settings(proposal, place.as_posix(), str(path), lines, streamed=rows)
    try:
        write_text(path, text)
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be written: {error.strerror}. Name another file with --out."
        ) from None
    print(f"{path}: check kinds and tasks, then: plait train {path}")
