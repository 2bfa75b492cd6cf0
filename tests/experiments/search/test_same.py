"""Another search is told by what differs; what changes no number does not."""

from pathlib import Path

import optuna
import pytest

from plait.core.errors import RunExistsError
from plait.experiments.search.objective import Objective
from plait.experiments.search.same import about, check_same
from plait.experiments.search.words import read_space
from tests.experiments.search.opened import opened

RULE = Objective(("skill",), (True,))


def test_what_differs_is_named() -> None:
    config, problem = opened()
    space = read_space(["optimizer.lr"], config, problem)
    now = about(config, space, RULE, 0, {"table": "content:1"})
    study = optuna.create_study()
    check_same(study, now, Path("search"))
    check_same(study, now, Path("search"))
    other, _ = opened(sharing="MMoE", workers=2, log_every=3)
    changed = about(other, space, RULE, 0, {"table": "content:2"})
    with pytest.raises(RunExistsError, match="search in search is another one") as caught:
        check_same(study, changed, Path("search"))
    assert "`settings.sharing` was Hard and is now MMoE" in str(caught.value)
    assert "`data.table` was content:1 and is now content:2" in str(caught.value)
    assert "workers" not in str(caught.value)
