"""Each option of the Trainer and of the engine has one type, one range, one default."""

import ast
import inspect
import textwrap
from dataclasses import fields
from typing import Any, get_type_hints

import pytest

from plait import Backward, Trainer, parameter_groups
from plait.balancing import UPGrad
from plait.core.errors import ConfigError
from plait.engine import Options
from plait.experiments import RunConfig
from plait.training.options import GroupOptions, TrainerOptions
from tests.training.problem import model

OWNERS = [
    *((Trainer, TrainerOptions), (Trainer, GroupOptions), (Trainer, Options)),
    (Backward, Options),
]
EACH = [(owner, cls, option) for owner, cls in OWNERS for option in fields(cls)]


def written_default(function: Any, name: str) -> str:
    """Returns the source of an argument's default."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    assert isinstance(tree, ast.FunctionDef)
    keywords = zip(tree.args.kwonlyargs, tree.args.kw_defaults, strict=True)
    return next(ast.unparse(value) for each, value in keywords if value and each.arg == name)


@pytest.mark.parametrize(("owner", "cls", "option"), EACH)
def test_a_signature_reads_its_default_from_the_declaration(
    owner: type, cls: type, option: Any
) -> None:
    argument = inspect.signature(owner).parameters[option.name]
    assert argument.default == option.default
    assert argument.kind is inspect.Parameter.KEYWORD_ONLY
    assert written_default(owner.__init__, option.name) == f"{cls.__name__}.{option.name}"


def test_groups_made_by_hand_decay_as_those_of_the_trainer() -> None:
    assert written_default(parameter_groups, "weight_decay") == "GroupOptions.weight_decay"


@pytest.mark.parametrize("cls", [TrainerOptions, Options])
def test_a_configuration_has_each_of_them_with_the_same_default_and_type(cls: type) -> None:
    hints, settings = get_type_hints(cls, include_extras=True), get_type_hints(RunConfig)
    declared = get_type_hints(cls)
    for option in fields(cls):
        field = RunConfig.model_fields[option.name]
        assert field.default == option.default
        if option.name != "rule":  # a function in Python, a name in a file
            assert settings[option.name] == declared[option.name], hints[option.name]


@pytest.mark.parametrize("cls", [TrainerOptions, GroupOptions, Options])
def test_options_out_of_range_cannot_be_made(cls: type) -> None:
    name = fields(cls)[0].name
    with pytest.raises(ConfigError, match=f"`{name}` must be"):
        cls(**{name: None})


def test_the_trainer_keeps_every_option_under_its_name() -> None:
    given = {
        "epochs": 3,
        "minutes": 0.5,
        "device": "cpu",
        "precision": "bf16",
        "parallel": "replicate",
        "accumulate": 4,
        "reduction": "label",
        "clip": 0.5,
        "seed": 6,
        "rule": "loss",
        "all_right": {"both": ["kind", "kind"]},
        "best": "kept",
        "start_counts": True,
        "patience": 7,
        "first_steps": 5,
        "measure_every": 8,
        "log_every": 9,
        "checkpoint_every": 11,
        "async_save": True,
    }
    engine = {
        "scale": "paper",
        "head_weights": "unit",
        "at": "parameters",
        "route": "layers",
        "every": 2,
        "chunk_size": 3,
        "nonfinite": "skip",
    }
    made = Trainer(model(), UPGrad(), **given, **engine)  # type: ignore[arg-type]
    assert made.options == TrainerOptions(**given)  # type: ignore[arg-type]
    assert made.backward.options == Options(**engine)  # type: ignore[arg-type]
    assert given.keys() == {option.name for option in fields(TrainerOptions)}
    assert engine.keys() == {option.name for option in fields(Options)}
    assert Trainer(model(), UPGrad(), at="features").backward.options.at == "features"
