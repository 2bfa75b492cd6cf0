"""A run on a table of which nothing is described but its targets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plait.core.errors import ConfigError, DataError
from plait.data.files import Store, folder_of
from plait.data.hugging_face import store_of
from plait.data.streams.first_look import some_rows
from plait.data.table import Guess, guess, propose, read_table, read_targets
from plait.data.table.described import with_options
from plait.data.table.fit import require
from plait.data.table.frames import own_frame
from plait.data.table.media_kinds import media_guesses
from plait.distributed import ranks
from plait.experiments.build import open_problem, with_defaults
from plait.experiments.build.names import run_name
from plait.experiments.config import validate
from plait.experiments.known_methods import check_known
from plait.experiments.overrides import merge
from plait.experiments.run import run
from plait.runs import check_free, free_folder
from plait.training import Callback

if TYPE_CHECKING:
    import pandas as pd


def run_table(
    table: pd.DataFrame | Path | str,
    targets: str | Sequence[str] | Mapping[str, Any],
    *,
    inputs: Sequence[str] | Mapping[str, Any] | None = None,
    split: str | Mapping[str, Any] | None = None,
    exclude: Sequence[str] = (),
    files: Path | str | None = None,
    folder: Path | None = None,
    settings: Mapping[str, Any] | None = None,
    callbacks: Sequence[Callback] = (),
) -> Path:
    """Trains on a table, with the kinds of its columns guessed where they are not given.

    Args:
        table: a frame, a data set of Hugging Face `datasets`, or a file.
        targets: names, or `{task: kind or options}`.
        inputs: names, or `{column: kind}`; by default those that `propose` names.
        split: as for `plait.data.table.divide.divide`.
        exclude: columns that are not read.
        files: the folder that paths in cells are relative to; by default that of the table's file,
            and for a frame the working directory.
        folder: the run folder; `runs/NAME` by default.
        settings: of the run, by name.
        callbacks: are told of the training.

    Returns:
        The run folder.

    Raises:
        DataError: a file that cannot be read, a column that is missing or not of its kind.
        ConfigError: an unknown setting or a bad value.
        RunExistsError: the folder holds a run.
    """
    check_known(settings or {})  # before the table is read
    name = run_name({"recipe": "Table", "table": table if isinstance(table, str | Path) else None})
    place = ranks().at_first(lambda: _place(name, folder))
    streamed = bool((settings or {}).get("stream"))
    frame: Any = table
    if streamed:
        frame = some_rows(table)
    elif isinstance(table, str | Path):
        frame = read_table(table)
    store = store_of(table)
    if files is not None or isinstance(table, str | Path):
        store = Store(Path(files or folder_of(Path(str(table)))))
    described = describe(frame, targets, inputs=inputs, split=split, exclude=exclude, store=store)
    if streamed and not isinstance(inputs, Mapping):  # a stream shows pictures as they are
        described["inputs"] = {name: _plain(each) for name, each in described["inputs"].items()}
    recipe: Any = "Table" if files is None else {"class": "Table", "files": str(files)}
    if isinstance(table, str | Path):
        described["table"] = str(Path(table).resolve())
    chosen = merge({"recipe": recipe, **described}, settings or {})
    config = validate(with_defaults(chosen))
    problem = open_problem(config, table if streamed else frame)
    run(config, place, callbacks=callbacks, problem=problem)
    return place


def _place(name: str, folder: Path | None) -> Path:
    """Returns the run folder, which holds no run yet."""
    place = free_folder(name) if folder is None else folder
    check_free(place, option="run=")
    return place


def describe(
    frame: pd.DataFrame,
    targets: str | Sequence[str] | Mapping[str, Any],
    *,
    inputs: Sequence[str] | Mapping[str, Any] | None = None,
    split: str | Mapping[str, Any] | None = None,
    exclude: Sequence[str] = (),
    store: Store | None = None,
) -> dict[str, Any]:
    """Returns the settings `inputs`, `tasks`, `split` and `exclude` of a table.

    Args:
        frame: the table.
        targets: names, or `{task: kind or options}`; without a kind it is guessed.
        inputs: names, or `{column: kind}`; by default those that `propose` names.
        split: as for `plait.data.table.divide.divide`; a column that `propose` recognises, or None.
        exclude: columns that are not read.
        store: the files that its cells may name; none by default.

    Raises:
        DataError: a column is missing, or a target can not be predicted.
        ConfigError: an unknown kind or option.
    """
    frame = own_frame(frame)
    names = list(frame.columns)
    exclude = _names(exclude)
    require(frame, exclude, "the table")
    tasks = dict(targets) if isinstance(targets, Mapping) else {}
    tasks = {str(name): each for name, each in tasks.items()}
    wanted = _names(targets)
    if tasks:
        known = {name: each for name, each in tasks.items() if _has_kind(each)}
        described = read_targets(known, names) if known else []
        wanted = [column for each in described for column in each.reads]
        asked = {name: _column(name, tasks[name]) for name in tasks if name not in known}
        wanted += asked.values()
    if not wanted:
        raise ConfigError("name columns to predict under `targets`; found none.")
    found = propose(frame.drop(columns=exclude), wanted, store).settings
    guessed = found["tasks"]
    if tasks:
        found["tasks"] = {
            name: {**guessed[asked[name]], **(each or {})} if name in asked else each
            for name, each in tasks.items()
        }
    if isinstance(inputs, Mapping):
        found["inputs"] = {str(name): each for name, each in inputs.items()}
    elif inputs is not None:
        wanted = _names(inputs)
        require(frame, wanted, "the table")
        media = media_guesses(frame, store, found["tasks"])
        found["inputs"] = {
            name: _described(name, media.get(name) or guess(frame[name])) for name in wanted
        }
    if split is not None:
        found["split"] = split
    if exclude:
        left_out = dict.fromkeys(exclude, "left out by the user")
        found["exclude"] = {**found.get("exclude", {}), **left_out}
    return found


def _plain(described: Any) -> Any:
    """Returns the description of a column without `augment`."""
    if not isinstance(described, Mapping):
        return described
    return {option: value for option, value in described.items() if option != "augment"}


def _names(given: Any) -> list[str]:
    """Returns names of columns as words: one, or several, which a frame may have as numbers."""
    several = given if isinstance(given, Iterable) and not isinstance(given, str) else [given]
    return [str(name) for name in several]


def _has_kind(described: Any) -> bool:
    return bool(described) and (not isinstance(described, Mapping) or "kind" in described)


def _column(task: str, described: Any) -> str:
    """Returns the column of a task whose kind is guessed."""
    return str((described or {}).get("column", task))


def _described(name: str, found: Guess) -> Any:
    """Returns the kind of a column that has to be read, with its options if it has some."""
    if found.kind == "exclude":
        raise DataError(
            f"column {name!r} cannot be read: {found.reason}. Leave it out, or give its "
            "kind: inputs={...}."
        )
    return with_options(found.kind, found.options)
