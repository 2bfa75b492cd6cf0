"""Settings and options, read from the code."""

from __future__ import annotations

from plait.experiments import validate, with_defaults
from plait.experiments.config import RunConfig
from plait.experiments.settings_list import run_settings


def test_every_setting_is_told_once_with_its_meaning() -> None:
    found = run_settings()
    plain = [each.key for each in found if "." not in each.key]
    assert sorted(plain) == sorted(RunConfig.model_fields)
    assert len({each.key for each in found}) == len(found)
    assert all(each.meaning for each in found if not each.key.startswith("optimizer."))
    assert not [each.key for each in found if each.meaning.startswith("see `plait.Backward`")]


def test_values_are_those_of_the_run_and_its_recipe() -> None:
    given = {"recipe": "digits", "sharing": {"class": "MMoE", "experts": 7}, "balancing": "CAGrad"}
    told = {each.key: each.default for each in run_settings(with_defaults(given))}
    config = validate(with_defaults(given))
    assert told["epochs"] == config.epochs
    assert told["optimizer.lr"] == config.optimizer.options["lr"]
    assert (told["sharing"], told["sharing.experts"]) == ("MMoE", 7)
    assert told["balancing.c"] == 0.4
    assert told["recipe.scenes"] == 4000
