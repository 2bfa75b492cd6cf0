"""Digests of the data that a run reads, and of the weights that it starts with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from plait.data.fingerprint import digest_of_files, digest_of_frame, digest_of_path
from plait.experiments.config import RunConfig
from plait.experiments.sources import SourceConfig
from plait.model.folder import FILES
from plait.recipes import Combined, Recipe, Table
from plait.runs.folder import MODEL

FILE_KINDS = ("image", "sound", "mask", "map")  # kinds of columns whose cells name files


def data_fingerprint(config: RunConfig, recipe: Recipe) -> dict[str, str]:
    """Returns `{what was read: digest}` of the data of a problem.

    That is the `table`, the `data` folder (what the recipe reads of it), the `files` that the cells
    of a table name (not those of a streamed table), or the `frame` in memory; of several data sets,
    "source: table" and so on. Empty for a recipe that makes its own data: its options are settings
    of the run. For the digests see `plait.data.fingerprint`. Cost: the files are read once in a
    process; a table whose cells name files is read as well, unless the recipe has read it.

    Args:
        config: the settings that the recipe was opened with.
        recipe: opened.
    """
    if config.sources and isinstance(recipe, Combined):
        return {
            f"{source}: {name}": digest
            for source, each in config.sources.items()
            for name, digest in _of_one(each, recipe.sources[source]).items()
        }
    return _of_one(config, recipe)


def weights_fingerprint(config: RunConfig) -> dict[str, str]:
    """Returns `{"start_from[0]": digest, ...}` of the weights that a run starts with."""
    found = {}
    for place, each in enumerate(config.start_from):
        folder = Path(each, MODEL) if Path(each, MODEL).is_dir() else Path(each)
        weights = {name: folder / name for name in FILES}
        found[f"start_from[{place}]"] = digest_of_files(weights)
    return found


def _of_one(config: RunConfig | SourceConfig, recipe: Recipe) -> dict[str, str]:
    """Returns the digests of one data set."""
    found = {}
    if config.table is not None:
        found["table"] = digest_of_path(config.table)
    if config.data is not None:
        found["data"] = _of_folder(Path(config.data), recipe)
    if isinstance(recipe, Table) and config.data is None and not recipe.file:
        if config.table is None and not isinstance(recipe.data, str | Path):
            found["frame"] = digest_of_frame(recipe.data)
        files = {} if config.stream else _named_files(recipe)
        if files:
            found["files"] = digest_of_files(files)
    return found


def _of_folder(folder: Path, recipe: Recipe) -> str:
    """Returns the digest of what a recipe reads of its data folder."""
    if len(recipe.folders) == 0:
        return digest_of_path(folder)
    return " ".join(digest_of_path(folder / each) for each in recipe.folders)


def _named_files(recipe: Table) -> dict[str, Path]:
    """Returns `{name: path}` of the files that the cells of a table name."""
    described = [*recipe.described_inputs.values(), *recipe.described_tasks.values()]
    if not any(_kind(each) in FILE_KINDS for each in described):  # the table need not be read
        return {}
    kinds: dict[str, Any] = {name: each.kind for name, each in recipe.inputs.items()}
    kinds |= {target.columns[0]: target.kind for target in recipe.targets}
    columns = [name for name, kind in kinds.items() if kind in FILE_KINDS]
    store = recipe.store
    if store.members is not None:  # the files are in the cells themselves
        return {}
    names = {str(name) for column in columns for name in recipe.frame[column].dropna().unique()}
    return {name: store.root / name for name in names if store.holds(name) and store.has(name)}


def _kind(described: Any) -> Any:
    return described.get("kind") if isinstance(described, Mapping) else described
