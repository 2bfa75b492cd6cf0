"""A point of a space becomes the settings of a run, and the settings are a point again."""

import math

import pytest

from plait.experiments.search.dimension import Choices, Numbers
from plait.experiments.search.space import Space
from tests.experiments.search.opened import opened

LR = Numbers("optimizer.lr", 1e-3, 1.0, log=True)


def test_a_point_becomes_settings_and_the_settings_that_point() -> None:
    config, _ = opened(sharing="MMoE")
    space = Space((LR, Numbers("sharing.experts", 2, 8, log=True, whole=True)))
    point = space.at([0.5, 0.9])
    found = space.config(config, point)
    assert (found.optimizer.options["lr"], found.sharing.options) == (0.0316, {"experts": 7})
    assert found.optimizer.options["momentum"] == 0.9
    assert space.point_of(found) == point
    assert space.point_of(config) == {"optimizer.lr": 0.05, "sharing.experts": 4}, "its default"


def test_settings_outside_are_no_point() -> None:
    config, _ = opened()
    decay = Numbers("optimizer.weight_decay", 1e-5, 0.1, log=True)
    assert Space((LR, decay)).point_of(config) is None
    assert Space((Choices("balancing", ("UPGrad", "FAMO")),)).point_of(config) is None
    balancing = Choices("balancing", ("UPGrad", "Equal"))
    assert Space((balancing,)).point_of(config) == {"balancing": "Equal"}


def test_an_option_counts_only_with_its_method() -> None:
    config, _ = opened()
    c = Numbers("balancing.c", 0.1, 0.9, log=False)
    space = Space((c, Choices("balancing", ("CAGrad", "Equal"))))
    found = space.config(config, {"balancing": "CAGrad", "balancing.c": 0.5})
    assert found.balancing.options == {"c": 0.5}
    assert space.config(config, {"balancing": "Equal", "balancing.c": 0.5}) == config


@pytest.mark.parametrize("names", [["quarter", "mask", "spot"], ["spot", "quarter"]])
def test_weights_have_their_ratios_and_mean_one(names: list[str]) -> None:
    config, problem = opened(tasks=names)
    first, *others = names
    ratios = tuple(Numbers(f"weights.{name}", 0.1, 10.0, log=True) for name in others)
    absent = tuple({"quarter", "mask", "spot"} - set(names))
    space = Space(ratios, dict.fromkeys(names, 1.0), absent)
    own = {f"weights.{name}": 0.5 + place for place, name in enumerate(others)}
    found = {task.name: task.weight for task in problem.tasks(space.config(config, own).tasks)}
    assert set(found) == set(names)
    assert math.isclose(sum(found.values()) / len(found), 1.0, rel_tol=1e-3)
    for name in others:
        assert math.isclose(found[name] / found[first], own[f"weights.{name}"], rel_tol=2e-3)
    assert space.point_of(config) == dict.fromkeys(own, 1.0)


def test_weights_start_from_those_of_the_settings() -> None:
    config, problem = opened(tasks={"mask": None, "spot": {"weight": 3.0}})
    ratios = (Numbers("weights.spot", 0.1, 10.0, log=True),)
    space = Space(ratios, {"quarter": 1.0, "spot": 3.0}, ("mask",))
    found = problem.tasks(space.config(config, {"weights.spot": 1.0}).tasks)
    assert {task.name: task.weight for task in found} == {"quarter": 0.5, "spot": 1.5}
    assert space.described() == [
        "weights of spot relative to that of quarter: 0.1 to 10, log-uniform"
    ]
