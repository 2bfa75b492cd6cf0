"""Whether a study that is gone on with is the one that was begun."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plait.core.errors import RunExistsError
from plait.experiments.config import RunConfig
from plait.experiments.jobs.finished import PLACES, WITHOUT_EFFECT
from plait.experiments.search.objective import Objective
from plait.experiments.search.space import Space
from plait.training.agreement import differences, told

if TYPE_CHECKING:
    from optuna import Study

ABOUT = "about"  # the attribute of a study that says what it is about


def about(
    config: RunConfig, space: Space, objective: Objective, seed: int, data: Mapping[str, str]
) -> dict[str, Any]:
    """Returns the settings, the space and the data of a study, by which another is told.

    Args:
        config: the settings that the search starts from.
        space: what is searched.
        objective: what is looked for.
        seed: of the settings that are tried.
        data: `{what: digest}` of the data.
    """
    settings = config.described()
    return {
        "settings": {k: v for k, v in settings.items() if k not in WITHOUT_EFFECT | PLACES},
        "space": dict(line.split(": ", 1) for line in space.described()),
        "objective": list(objective.names),
        "seed": seed,
        "data": dict(data),
    }


def check_same(study: Study, now: Mapping[str, Any], folder: Path) -> None:
    """Writes what a new study is about, and refuses to go on with another one.

    Args:
        study: the study.
        now: what `about` has returned.
        folder: of the search, for the message.

    Raises:
        RunExistsError: the study is about something else; all that differs is named.
    """
    now = json.loads(json.dumps(now))
    saved = study.user_attrs.get(ABOUT)
    if saved is None:
        study.set_user_attr(ABOUT, now)
        return
    found = [told(*each) for each in differences(saved, now)]
    if found:
        raise RunExistsError(
            f"the search in {folder} is another one: {'; '.join(found)}. Name another folder with "
            "--out, or search as before to go on with it."
        )
