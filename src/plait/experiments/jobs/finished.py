"""Whether a run has been done already, with the same settings and on the same data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from plait.core.errors import ConfigError, RunExistsError
from plait.data.fingerprint import ABSENT
from plait.experiments.build import Problem, open_problem
from plait.experiments.build.fingerprint import weights_fingerprint
from plait.experiments.config import RunConfig, read_run
from plait.experiments.jobs.spec import RunSpec
from plait.runs.folder import CONFIG, RESAMPLES, TRAINER, is_run
from plait.runs.result import RunResult, read_result
from plait.training.agreement import MOST_NAMED, differences, told

# Settings that change no number of a run: who reads its data, what it shows and how often it
# writes. Others might change the last bit, as `device`, `route` or `chunk_size` do.
WITHOUT_EFFECT = frozenset({"workers", "gallery", "log_every", "checkpoint_every", "async_save"})
# Settings that say where something lies: what lies there is compared by its digest.
PLACES = frozenset({"data", "table", "start_from"})
PLACES_OF_A_RECIPE = frozenset({"files"})
DIGITS = len("content:") + 12  # of a digest in a message


def finished(spec: RunSpec, problem: Problem | None = None) -> RunResult | None:
    """Returns the result of a run that was done already; None if it is still to be done.

    It was done if its folder holds a finished run of the same settings on the same data: the
    content of the files counts, not where they lie (see `plait.data.fingerprint`). These settings
    may differ, since they change no number: `workers`, `gallery`, `log_every`, `checkpoint_every`,
    `async_save`. A run that has not read the test split, or not on resamples, is not done where the
    spec wants that.

    Args:
        spec: the run.
        problem: its problem, if it is open.

    Raises:
        RunExistsError: the folder holds a run of other settings or on other data, finished or not;
            the message names what differs, and nothing in the folder was touched.
        ConfigError: a file of the run is damaged.
    """
    folder = spec.folder
    if not is_run(folder):
        return None
    if not (folder / CONFIG).is_file():
        raise RunExistsError(
            f"{folder} holds something else than a run of settings (no {CONFIG}); nothing in it "
            "was touched. Name another folder."
        )
    _check_settings(spec)
    problem = open_problem(spec.opened_with) if problem is None else problem
    now = {**problem.fingerprint, **weights_fingerprint(spec.config)}
    result = read_result(folder)
    begun = _begun_with(folder)
    if begun is not None or result is not None:
        _check_data({**(begun or {}), **(result.data if result else {})}, now, folder)
    resampled = not spec.resamples or (folder / RESAMPLES).is_file()
    done = result is not None and (not spec.test or bool(result.tested and resampled))
    return result if done else None


def _check_settings(spec: RunSpec) -> None:
    """Refuses a folder whose run has other settings."""
    saved, now = _bound(read_run(spec.folder)), _bound(spec.config)
    found = list(differences(saved, now))
    if found:
        more = f"; and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
        named = "; ".join(told(*each) for each in found[:MOST_NAMED])
        raise _other(spec.folder, "has other settings", f"{named}{more}")


def _check_data(saved: Mapping[str, str], now: Mapping[str, str], folder: Path) -> None:
    """Refuses a folder whose run has read other data."""
    changed = [name for name in {**saved, **now} if saved.get(name) != now.get(name)]
    if changed:
        named = [
            f"`{name}` was {saved.get(name, ABSENT)[:DIGITS]} and is now "
            f"{now.get(name, ABSENT)[:DIGITS]}"
            for name in changed[:MOST_NAMED]
        ]
        raise _other(folder, "has read other data (by digest)", "; ".join(named))


def _other(folder: Path, how: str, what: str) -> RunExistsError:
    return RunExistsError(
        f"the run in {folder} {how}: {what}. Nothing in it was touched. Name another folder with "
        "--out, or delete that folder to train anew."
    )


def _bound(config: RunConfig) -> dict[str, Any]:
    """Returns the settings that a run must have to be the same."""
    settings = _of_one(config.described())
    if config.sources:
        settings["sources"] = {name: _of_one(each) for name, each in settings["sources"].items()}
    return {name: each for name, each in settings.items() if name not in WITHOUT_EFFECT}


def _of_one(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the settings of a data set without those that say where it lies."""
    found = {name: each for name, each in settings.items() if name not in PLACES}
    recipe = found["recipe"]
    return found | {"recipe": {n: o for n, o in recipe.items() if n not in PLACES_OF_A_RECIPE}}


def _begun_with(folder: Path) -> dict[str, str] | None:
    """Returns the fingerprint of a run's data when it was begun; None if it had not got so far."""
    path = folder / TRAINER
    if not path.is_file():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8")).get("fingerprint")
    except (ValueError, AttributeError):
        raise ConfigError(f"{path} is damaged. Delete {folder} to train anew.") from None
    return found if isinstance(found, dict) else None
