"""The settings of a network of one task; what trains by them is tested in test_compare.py."""

from plait.experiments import validate
from plait.experiments.comparison.single import alone

TASKS = ["a", "b"]


def test_what_is_for_several_tasks_is_left_out() -> None:
    config = validate(
        {
            "recipe": "digits",
            "sharing": "Separate",
            "connections": "CrossStitch",
            "balancing": "UPGrad",
            "tasks": {"a": {"weight": 2.0}, "c": None},
            "rule": "b/accuracy",
            "epochs": 7,
        }
    )
    own = alone(config, "a", TASKS)
    assert own.tasks == {"a": {}, "b": None, "c": None}
    assert (own.sharing.name, own.balancing.name, own.connections) == ("Hard", "Equal", None)
    assert (own.rule, own.epochs) == ("skill", 7)
    assert alone(config, "b", TASKS).rule == "b/accuracy"


def test_without_settings_of_tasks_there_is_a_list() -> None:
    assert alone(validate({"recipe": "digits"}), "b", TASKS).tasks == ["b"]
