"""Methods with their options, and the settings of a run, on stdout."""

import json

import pytest

from plait.experiments import catalogue
from tests.cli.shell import plait


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


def test_list_of_one_method_shows_its_options_and_paper() -> None:
    text = plait("list", "CAGrad").out
    assert "NeurIPS 2021" in text
    assert "0 | 1 | 2" in text
    assert "balancing=CAGrad balancing.c=0.4" in text
    assert json.loads(plait("list", "cagrad", "--json").out)["options"]["c"]["default"] == 0.4
    assert plait("list", "oxford-pets").out.startswith("OxfordPets (recipes)")
    assert "It has no options." in plait("list", "FiLM").out


def test_names_are_whole_and_in_alphabetical_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = plait("list", "balancing").out
    names = list(catalogue("balancing")["balancing"])
    assert names == sorted(names, key=str.lower)
    assert [name for name in names if name not in text] == []


def test_all_settings_of_a_run_with_its_values() -> None:
    ran = plait("train", "digits", "sharing=MMoE", "epochs=3", "--help-settings")
    assert ran.code == 0
    rows = {line.split()[0]: line.split() for line in ran.out.splitlines() if line.strip()}
    assert rows["sharing.experts"][1:3] == ["int", "4"]
    assert rows["optimizer.lr"][1:3] == ["float", "0.008"]
    assert rows["epochs"][1:7] == ["int", "of", "at", "least", "1", "3"]
    found = json.loads(plait("train", "--help-settings", "--json").out)
    assert found["epochs"]["default"] == "10"
