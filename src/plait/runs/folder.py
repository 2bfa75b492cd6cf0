"""Names of the files in a run folder and in a comparison folder, each declared once.

RUN/         trainer.json  env.json  events.jsonl  checkpoints/  model/  report.html; a run of the
             command line also has config.yaml, gallery/ and result.json; one that was diagnosed,
             diagnosis.json
COMPARISON/  comparison.json  comparison.csv  report.html, and a run folder for each network
             trained; that of a published table also has reproduced.json
DESCENTS/    descents.json  report.html  methods/, with a file for each method that has been tried
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from pathlib import Path

from plait.core.errors import ConfigError, RunExistsError

CONFIG = "config.yaml"  # the resolved settings of the command line
TRAINER = "trainer.json"  # what the Trainer was given
ENVIRONMENT = "env.json"  # versions, git commit, command, machine, seed
EVENTS = "events.jsonl"  # the classes of `plait.runs.events`, one line each
LAST = "checkpoints/last.pt"  # from which training goes on
BEST = "checkpoints/best.pt"  # the weights of the best epoch
RESULT = "result.json"  # `plait.runs.result.RunResult`; written last, when the run is finished
TRANSFER = "transfer.json"  # what was taken over from other runs
COLUMNS = "columns.json"  # a digest of each column of inputs, by which a changed table is told
SEARCHED = "found.yaml"  # settings that retrain what a search has found
MODEL = "model"  # the model folder; its files are named in `plait.model.folder`
WEIGHTS = "model.safetensors"  # the one with the weights
GALLERY = "gallery"  # pictures of test examples
EXAMPLES = "gallery/gallery.json"  # what is true and what was predicted on them
LOCK = ".lock"  # held by the process that works in the folder
COMPARISON = "comparison.json"  # `plait.runs.comparison.Comparison`
COMPARISON_CSV = "comparison.csv"  # its numbers, one a line
ADVICE = "advice.json"  # `plait.runs.advice.Advice`
TUNING = "tune.json"  # `plait.runs.tuning.Tuning`
DESCENTS = "descents.json"  # `plait.runs.descents.Descents`
REPRODUCED = "reproduced.json"  # `plait.runs.reproduced.Reproduced`
ADVISED = "advice.yaml"  # settings that train what it recommends
FIRST_LOOK = "first-look"  # the short training that it has diagnosed
DIAGNOSIS = "diagnosis.json"  # `plait.runs.diagnosis.Diagnosis`
RESAMPLES = "resamples.json"  # metrics on resamples of the test part
REPORT = "report.html"

MARKS = (CONFIG, EVENTS, COMPARISON)


def is_run(folder: Path) -> bool:
    """Returns whether a folder holds a run, or a comparison of runs."""
    return any((folder / name).exists() for name in MARKS)


def check_run(folder: Path) -> None:
    """Refuses a folder that holds no trained model, before anything is loaded.

    Raises:
        ConfigError: there is no such folder, it is no run, or its training has not ended.
    """
    if not folder.is_dir():
        raise ConfigError(f"there is no folder {folder}. Name the folder of a run.")
    if (folder / MODEL).is_dir() or (folder / WEIGHTS).is_file():
        return
    if (folder / COMPARISON).is_file():
        raise ConfigError(
            f"{folder} holds a comparison of several runs. Name one of the run folders in it."
        )
    if is_run(folder):
        raise ConfigError(
            f"the run in {folder} has not ended, so it has no model. Go on with it: "
            f"{how_to_resume(folder)}."
        )
    raise ConfigError(f"{folder} is no run: it has no {MODEL}. Name the folder of a run.")


def how_to_resume(folder: Path) -> str:
    """Returns the command, or the call, that goes on with the run in a folder."""
    if (folder / CONFIG).exists():
        return f"`plait train --resume {shlex.quote(str(folder))}`"
    return f"`fit(..., resume=True)` of a Trainer with run={str(folder)!r}"


def run_exists(folder: Path, way: str) -> RunExistsError:
    """Returns the error that refuses to write a run over another; `way` says what to do instead."""
    return RunExistsError(f"{folder} already holds a run; nothing in it was touched. {way}")


def make_folder(folder: Path, *, way: str = "Name another.") -> None:
    """Makes a run folder, unless it is there.

    Raises:
        ConfigError: it cannot be made; `way` says what to do instead.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"the run folder {folder} cannot be made: {error.strerror}. {way}"
        ) from None


def check_no_run(folder: Path) -> None:
    """Refuses to write a comparison into the folder of a run.

    Raises:
        RunExistsError: the folder holds a run; nothing in it was touched.
    """
    if any((folder / name).exists() for name in (CONFIG, EVENTS)):
        raise run_exists(folder, "Name another folder with --out.")


def check_free(folder: Path, names: Iterable[str] = (), *, option: str = "--out") -> None:
    """Refuses to write a run over another.

    Args:
        folder: where the run, or the comparison, is to be written.
        names: the folders within it that are to be made.
        option: which names another folder, for the message.

    Raises:
        RunExistsError: the folder holds a run, or one of the `names`; nothing in it was touched.
    """
    if is_run(folder) or any((folder / name).exists() for name in names):
        trained = any((folder / name).exists() for name in (CONFIG, EVENTS))
        resume = f", or go on with it: {how_to_resume(folder)}" if trained else ""
        raise run_exists(folder, f"Name another folder with {option}{resume}.")


def can_go_on(folder: Path) -> bool:
    """Returns whether a folder holds a run with a checkpoint."""
    return (folder / LAST).is_file()


def set_aside(folder: Path) -> Path | None:
    """Renames the folder of a run that ended before its first checkpoint, with nothing trained.

    Returns:
        Its new name; None if the folder holds no such run.
    """
    begun = any((folder / name).exists() for name in (CONFIG, EVENTS))
    if not begun or can_go_on(folder) or (folder / COMPARISON).exists():
        return None
    return folder.rename(free_folder(f"{folder.name}-begun", folder.parent))


def check_sources(folders: Iterable[str | Path]) -> None:
    """Refuses folders to start from that do not exist, before anything is loaded or read.

    Raises:
        ConfigError: there is no such folder.
    """
    for folder in folders:
        if not Path(folder).is_dir():
            raise ConfigError(
                f"there is no folder {folder} to start from. Train it first, with --out {folder}, "
                "or name the folder of another run."
            )


def free_folder(name: str, parent: Path = Path("runs")) -> Path:
    """Returns `parent/name`, or the first of `name-2`, `name-3`, ... that does not exist."""
    folder, count = parent / name, 1
    while folder.exists():
        count += 1
        folder = parent / f"{name}-{count}"
    return folder
