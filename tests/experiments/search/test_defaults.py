"""The space that is searched where nobody names one."""

from typing import Annotated, Any, Literal

import pytest
from torch import nn

from plait.core.build import build
from plait.core.errors import PlaitError
from plait.core.families import FAMILIES
from plait.core.lookup import find, names, parameters
from plait.experiments.config import RunConfig
from plait.experiments.search.defaults import (
    LEFT_OUT,
    choices_of,
    default_space,
    numbers_of,
    refused,
)
from plait.experiments.search.dimension import Numbers
from plait.experiments.search.places import METHODS, Option, own_options, value_at
from plait.experiments.search.space import Space
from tests.experiments.search.opened import opened


def lines(**settings: Any) -> list[str]:
    return default_space(*opened(**settings)).described()


def test_rates_numbers_and_weights() -> None:
    assert lines(sharing="MMoE", balancing={"class": "CAGrad", "c": 0.2}) == [
        "optimizer.lr: 0.005 to 0.5, log-uniform",
        "optimizer.weight_decay: 1e-05 to 0.1, log-uniform",
        "sharing.experts: 2 to 8, integers",
        "balancing.c: 0.0667 to 0.6, log-uniform",
        "weights of mask, spot relative to that of quarter: 0.1 to 10, log-uniform",
    ]


def test_a_single_task_network_has_its_rates() -> None:
    assert lines(tasks=["spot"], optimizer={"class": "Adam", "weight_decay": 0.01}) == [
        "optimizer.lr: 0.0001 to 0.01, log-uniform",
        "optimizer.weight_decay: 0.001 to 0.1, log-uniform",
    ]


def test_where_a_scheduler_sets_the_rate_its_own_is_searched() -> None:
    found = lines(scheduler={"class": "OneCycleLR", "max_lr": 0.2})
    assert found[0] == "scheduler.max_lr: 0.02 to 2, log-uniform"
    assert not any(line.startswith("optimizer.lr") for line in found)


def test_options_of_each_of_a_list_of_methods() -> None:
    ties = [{"class": "Hint", "alpha": 0.5}, {"class": "Consistency"}]
    found = lines(sharing="Separate", connections=ties, tasks=["quarter", "spot"])
    assert "connections.0.alpha: 0.05 to 5, log-uniform" in found
    assert "connections.1.alpha: 0.1 to 10, log-uniform" in found


@pytest.mark.parametrize(
    "settings", [{"balancing": "IMTLG"}, {"rule": "loss"}, {"tasks": ["mask"]}]
)
def test_no_weights_where_they_have_no_effect_or_are_the_score(settings: dict[str, Any]) -> None:
    assert not default_space(*opened(**settings)).weights


def test_a_range_ends_where_the_method_ends() -> None:
    """A share of 0.9 cannot be three times as large; half-way to 1 it can."""
    assert "balancing.beta: 0.3 to 0.95, log-uniform" in lines(balancing="DBMTL")


def test_why_a_run_cannot_have_settings_is_said() -> None:
    config, problem = opened()
    why = refused(problem)
    assert why(config) == ""
    wrong = config.model_copy(update={"freeze": ["nothing"]})
    assert "nothing" in why(wrong)


@pytest.mark.parametrize(
    ("hint", "value", "found"),
    [
        (int, 4, (2, 8)),
        (int, 1, (1, 2)),
        (float, 0.3, (0.3 / 3, 0.3 * 3)),
        (float, 2, (2 / 3, 6)),
        (float | dict[str, float] | None, 1.0, (1 / 3, 3)),
        (Annotated[float, ">= 0"], 0.5, (0.5 / 3, 1.5)),
        (Literal[0, 1, 2], 1, None),
        (bool, True, None),
        (float, 0.0, None),
        (float, None, None),
        (float | str, "ganin", None),
        (int, ..., None),
    ],
)
def test_positive_numbers_have_a_range(hint: Any, value: Any, found: Any) -> None:
    config, _ = opened()
    option = Option("clip", hint, value)  # a key that any positive number will do for
    ranges = [(each.low, each.high) for each in numbers_of(option, config, lambda config: "")]
    assert ranges == ([pytest.approx(found)] if found else [])


@pytest.mark.parametrize(
    ("hint", "found"),
    [
        (Literal["clone", "reset"], ("clone", "reset")),
        (Literal["source", "target"] | None, ("source", "target", None)),
        (bool, (False, True)),
        (bool | None, (False, True, None)),
        (Literal["auto"] | float, None),
        (float, None),
        (None, None),
    ],
)
def test_words_have_choices(hint: Any, found: Any) -> None:
    choices = [each.values for each in choices_of(Option("x", hint, None))]
    assert choices == ([found] if found else [])


ALL = [
    (name, method)
    for name in METHODS
    for method in names(FAMILIES[name].package, FAMILIES[name].base)
]


@pytest.mark.parametrize(("setting", "method"), ALL)
def test_every_method_takes_the_ends_of_its_ranges(setting: str, method: str) -> None:
    """Those that it is built with alone; a run may refuse more, such as a group without a task."""
    family = FAMILIES[setting]
    cls = find(method, family.package, base=family.base, kind=family.noun)
    taken = parameters(cls)
    needed = {"strength": 0.1} if setting == "regularization" else {}
    given = {"encoder": nn.Sequential(nn.Linear(2, 2))} if "encoder" in taken else {}
    if setting == "connections" and method == "Cascade":
        needed = {"feed": "embedding"}  # which has a width

    def why(config: RunConfig) -> str:
        options = {k: v for k, v in value_at(config.described(), setting).items() if k != "class"}
        try:
            build(cls, options, kind=family.noun, **given)
        except PlaitError as error:
            return str(error)
        return ""

    config, _ = opened()
    settings = {**config.described(), setting: {"class": method, **needed}}
    config = RunConfig.model_validate(settings)
    assert why(config) == ""
    for option in own_options(settings, [setting]):
        for range_ in numbers_of(option, config, why):
            assert isinstance(range_, Numbers)
            assert 0 < range_.low <= option.value <= range_.high
            for share in (0.0, 0.5, 0.999):
                found = Space((range_,)).config(config, {range_.key: range_.at(share)})
                assert option.key.rpartition(".")[2] in LEFT_OUT or why(found) == ""
