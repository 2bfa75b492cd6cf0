"""What a method needs of a step; tests/engine/routes/test_batches.py has it through the engine."""

import pytest
import torch

from plait.balancing import FORUM, MoDo, UncertaintyWeights, UPGrad
from plait.core.errors import ConfigError
from plait.engine.complete import check_complete, check_setup


def test_what_is_complete_passes() -> None:
    check_setup(UPGrad(), "features", 0, torch.ones(2))
    check_setup(MoDo(), "parameters", 1, None)
    check_setup(FORUM(), "parameters", 0, None)
    check_complete(UPGrad(), {"a": 1.0}, 1)
    check_complete(FORUM(), {"a": 1.0}, 1)


def test_what_is_missing_or_too_much_is_named() -> None:
    with pytest.raises(ConfigError, match="UncertaintyWeights learns its weights"):
        check_setup(UncertaintyWeights(), "parameters", 0, None)
    with pytest.raises(ConfigError, match="`features` are read with at='features' alone"):
        check_setup(UPGrad(), "parameters", 0, torch.ones(2))
    with pytest.raises(ConfigError, match=r"UPGrad reads 1 independent batches .* found 2 or more"):
        check_setup(UPGrad(), "parameters", 1, None)
    with pytest.raises(ConfigError, match="no task has a loss"):
        check_complete(UPGrad(), {}, 0)
    with pytest.raises(ConfigError, match=r"MoDo reads 2 independent batches .* found 1"):
        check_complete(MoDo(), {"a": 1.0}, 1)
