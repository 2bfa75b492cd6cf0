"""``plait list``: what there is, by family."""

import json

import pytest

from plait.experiments import catalogue
from plait.experiments.catalogue import entry
from tests.cli.shell import plait


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


def test_list_shows_all_that_there_is() -> None:
    ran = plait("list", "--json")
    assert (ran.code, ran.err) == (0, "")
    assert json.loads(ran.out) == catalogue()
    text = plait("list").out
    for family, methods in catalogue().items():
        assert family in text
        for name, told in methods.items():
            assert name in text
            assert told["summary"].split(":")[0][:40] in text


def test_list_of_one_family() -> None:
    assert json.loads(plait("list", "recipes", "--json").out) == catalogue("recipes")
    text = plait("list", "recipes").out
    assert "Digits" in text
    assert "PCGrad" not in text


def test_list_of_balancing_says_what_each_method_needs() -> None:
    text = plait("list", "balancing").out
    rows = {line.split()[0]: line for line in text.splitlines() if line.startswith("   ")}
    assert "Gramian" in rows["UPGrad"]
    assert "2 T" in rows["MoDo"]
    found = json.loads(plait("list", "balancing", "--json").out)["balancing"]
    assert found["FAMO"]["needs"] == "the losses again after the step"
    assert "NeurIPS 2023" in found["FAMO"]["paper"]


def test_every_method_can_be_shown() -> None:
    for family, methods in catalogue().items():
        for name in methods:
            found = entry(name)
            assert (found["name"], found["family"]) == (name, family)
            assert all(option["meaning"] for option in found["options"].values()), name


def test_an_unknown_method_is_met_with_the_nearest() -> None:
    ran = plait("list", "CAGard")
    assert ran.code == 2
    assert "Did you mean 'CAGrad'?" in ran.err
