"""The configuration: defaults, types, and one message with everything that is wrong."""

import inspect
from pathlib import Path
from typing import Any

import pytest
import yaml

from plait.core.errors import ConfigError
from plait.experiments import RunConfig, validate
from plait.experiments.config import check_early, read_file
from plait.experiments.method import Method
from plait.training import Trainer


def test_every_argument_of_the_trainer_can_be_set() -> None:
    """Its options, and those of the engine: `tests/training/test_options.py`."""
    built = {"model", "balancer", "lr", "weight_decay", "run", "callbacks", "progress"}
    arguments = inspect.signature(Trainer).parameters
    assert arguments.keys() - built <= set(RunConfig.model_fields)
    assert validate({"recipe": "digits"}).optimizer.name == arguments["optimizer"].default.__name__


def test_a_method_is_a_name_or_a_name_with_options() -> None:
    config = validate({"recipe": "digits", "sharing": {"class": "MMoE", "experts": 4}})
    assert (config.recipe.name, config.recipe.options) == ("digits", {})
    assert (config.sharing.name, config.sharing.options) == ("MMoE", {"experts": 4})
    assert (config.balancing.name, config.optimizer.name) == ("Equal", "AdamW")


def test_options_are_a_copy() -> None:
    method = Method.model_validate({"class": "A", "x": 1})
    method.options.clear()
    assert method.options == {"x": 1}


SETTINGS: dict[str, Any] = {
    "recipe": {"class": "digits", "scenes": 64},
    "tasks": {"digit": {"weight": 2.5}, "depth": None},
    "encoder": {"class": "ConvEncoder", "widths": [4, 8]},
    "regularization": {"class": "PairwiseL2", "strength": 1e-7},
    "balancing": {"class": "UncertaintyWeights", "form": {"digit": "classification"}},
    "scheduler": {"class": "StepLR", "step_size": 3},
    "clip": 0.1,
    "seed": 12345678901,
}


@pytest.mark.parametrize("settings", [{"recipe": "digits"}, SETTINGS])
def test_what_is_described_is_read_back(settings: dict[str, Any]) -> None:
    config = validate(settings)
    again = validate(yaml.safe_load(yaml.safe_dump(config.described())))
    assert again == config
    assert again.described() == config.described()
    assert config.described().keys() == RunConfig.model_fields.keys(), "nothing is left implicit"
    assert next(iter(config.described())) == "recipe"


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("epochs", 0, "setting 'epochs': .* greater than or equal to 1; found 0"),
        ("epochs", 2.5, "setting 'epochs': .* integer.*; found 2.5"),
        ("batch_size", -4, "setting 'batch_size'"),
        ("accumulate", 0, "setting 'accumulate'"),
        ("clip", 0, "setting 'clip': .* greater than 0; found 0"),
        ("precision", "fp16", "setting 'precision': .*'fp32' or 'bf16'; found 'fp16'"),
        ("scale", "mean", "setting 'scale': .*'sum' or 'paper'"),
        ("head_weights", "no", "setting 'head_weights': .*'auto', 'unit' or 'task'"),
        ("seed", -1, "setting 'seed'"),
        ("patience", 0, "setting 'patience'"),
        ("tasks", "digit", "setting 'tasks': .*valid list or a valid dictionary; found 'digit'"),
        ("split", 3, "setting 'split': .*valid string or a valid dictionary; found 3"),
        ("optimizer", 3, "setting 'optimizer': .*; found 3"),
        ("optimizer", {"class": None}, "setting 'optimizer.class': .* valid string; found None"),
        ("epoch", 3, r"unknown setting 'epoch'\. Did you mean 'epochs'\?"),
        (
            "banana",
            3,
            r"^unknown setting 'banana'\. All settings: `plait train",
        ),
    ],
)
def test_values_out_of_range_are_refused(key: str, value: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        validate({"recipe": "digits", key: value})


def test_one_message_lists_everything_that_is_wrong() -> None:
    wrong = {"recipe": "digits", "epoch": 3, "batchsize": 4, "clip": -1, "workers": "many"}
    with pytest.raises(ConfigError) as caught:
        validate(wrong)
    lines = str(caught.value).splitlines()
    assert len(lines) == 4
    for words in ("Did you mean 'epochs'", "Did you mean 'batch_size'", "'clip'", "'workers'"):
        assert sum(words in line for line in lines) == 1


def test_options_alone_are_those_of_the_default_method() -> None:
    config = validate({"recipe": "digits", "optimizer": {"lr": 0.1}, "sharing": {"x": 1}})
    assert (config.optimizer.name, config.optimizer.options) == ("AdamW", {"lr": 0.1})
    assert (config.sharing.name, config.sharing.options) == ("Hard", {"x": 1})


@pytest.mark.parametrize("key", ["encoder", "scheduler", "regularization", "connections"])
def test_options_without_a_method_are_refused_where_there_is_no_default(key: str) -> None:
    words = rf"^setting '{key}' has options.*Name one: {key}=NAME\.$"
    with pytest.raises(ConfigError, match=words):
        validate({"recipe": "digits", key: {"x": 1}})


def test_what_has_no_effect_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"setting 'new_tasks': 'fresh' has no effect.*--from"):
        validate({"recipe": "digits", "new_tasks": "fresh"})


def test_all_that_is_wrong_with_a_table_is_told_at_once() -> None:
    inputs, tasks = {"age": "numbr", "town": "category"}, {"price": "numer", "sold": {"weight": 2}}
    for check, told in ((check_early, 2), (validate, 3)):
        with pytest.raises(ConfigError) as caught:
            check({"table": "x.csv", "inputs": inputs, "tasks": tasks})
        lines = str(caught.value).splitlines()
        assert len(lines) == told
        assert lines[0].startswith("inputs.age: unknown kind 'numbr'; known:")
        assert lines[1].endswith("Did you mean 'number'?")
    validate({"recipe": "digits", "tasks": {"digit": {"weight": 2}}})


def test_settings_are_checked_before_the_recipe_completes_them() -> None:
    check_early({})
    check_early(SETTINGS)
    check_early({"encoder": {"x": 1}, "regularization": {"x": 1}})
    with pytest.raises(ConfigError) as caught:
        check_early({"epoch": 1, "sharng": 2, "clip": -1})
    assert str(caught.value).splitlines() == [
        "setting 'clip': input should be greater than 0; found -1.",
        "unknown setting 'epoch'. Did you mean 'epochs'?",
        "unknown setting 'sharng'. Did you mean 'sharing'?",
    ]


def test_paths_in_a_file_of_settings_are_relative_to_it(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    path = tmp_path / "a" / "run.yaml"
    path.write_text("table: t.csv\nrecipe: {class: Table, files: ../photos}\n")
    found = read_file(path)
    assert found["table"] == str(tmp_path / "a" / "t.csv")
    assert found["recipe"]["files"] == str(tmp_path / "photos")
