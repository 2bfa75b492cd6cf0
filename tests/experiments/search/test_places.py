"""Values at keys: what is laid somewhere is found there, and nothing else has moved."""

from typing import Any

import pytest

from plait.experiments.search.places import laid, own_options, value_at

SETTINGS: dict[str, Any] = {
    "optimizer": {"class": "SGD", "lr": 0.1},
    "sharing": {"class": "Conditioned", "by": {"class": "LoRA", "rank": 3}},
    "connections": [{"class": "Hint", "alpha": 2.0}, {"class": "CrossStitch"}],
    "balancing": {"class": "CAGrad", "c": 0.2},
    "epochs": 3,
}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("epochs", 4),
        ("optimizer.lr", 0.5),
        ("sharing.by.rank", 8),
        ("connections.0.alpha", 0.5),
        ("connections.1.init", "identity"),
        ("balancing.c", 0.7),
    ],
)
def test_what_is_laid_is_found_and_nothing_else_has_moved(key: str, value: Any) -> None:
    found = laid(SETTINGS, key, value)
    assert value_at(found, key) == value
    before = value_at(SETTINGS, key)
    assert before != value
    if before is not None:
        assert laid(found, key, before) == SETTINGS


def test_another_method_goes_without_the_options() -> None:
    assert laid(SETTINGS, "balancing", "Equal")["balancing"] == {"class": "Equal"}
    assert laid(SETTINGS, "balancing", "CAGrad")["balancing"] == {"class": "CAGrad", "c": 0.2}
    new = {"class": "FAMO", "lr": 0.1}
    assert laid(SETTINGS, "balancing", new)["balancing"] == new


@pytest.mark.parametrize("key", ["optimizer.momentum", "connections.2.alpha", "epochs.x", "no"])
def test_there_is_nothing_at_other_keys(key: str) -> None:
    assert value_at(SETTINGS, key) is None


def test_options_have_the_values_of_the_settings_or_their_defaults() -> None:
    found = {each.key: each.value for each in own_options(SETTINGS)}
    assert found["connections.0.alpha"] == 2.0
    assert found["connections.1.init"] == 0.9
    assert found["sharing.by.rank"] == 3
    assert (found["balancing.c"], found["balancing.rescale"]) == (0.2, 1)
    assert {each.key for each in own_options(SETTINGS, ["balancing"])} == {
        "balancing.c",
        "balancing.rescale",
    }
    assert own_options({"regularization": None, "balancing": "UPGrad"}, ["regularization"]) == []
