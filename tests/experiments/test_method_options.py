"""Options of methods, read from constructors and docstrings, and hints from them."""

from __future__ import annotations

from typing import Any

import pytest

from plait.core.errors import ConfigError
from plait.experiments import validate, with_defaults
from plait.experiments.method_options import method_options
from plait.sharing import MMoE


def test_arguments_that_plait_gives_are_no_options() -> None:
    assert "encoder" not in [option.key for option in method_options(MMoE)]
    assert next(option.key for option in method_options(MMoE, "sharing.")) == "sharing.experts"


@pytest.mark.parametrize(
    ("word", "value", "meant"),
    [
        ("lr", 0.1, "optimizer.lr"),
        ("learning_rate", 0.1, "optimizer.lr"),
        ("weight_decay", 0.1, "optimizer.weight_decay"),
        ("scenes", 100, "recipe.scenes"),
        ("experts", 3, "sharing.experts"),
        ("expert", 3, "sharing.experts"),
        ("c", 0.4, "balancing.c"),
        ("max_lr", 0.1, "scheduler.max_lr"),
        ("strength", 1, "regularization.strength"),
        ("max_epochs", 3, "epochs"),
        ("blablub", 1, None),
    ],
)
def test_an_option_without_its_method_is_understood(word: str, value: Any, meant: Any) -> None:
    settings = {
        "recipe": "digits",
        "sharing": "MMoE",
        "balancing": "CAGrad",
        "regularization": "PairwiseL2",
        word: value,
    }
    with pytest.raises(ConfigError) as found:
        validate(with_defaults(settings))
    hint = f"Did you mean {meant!r}?" if meant else "All settings: `plait train --help-settings`."
    assert str(found.value).endswith(hint)
