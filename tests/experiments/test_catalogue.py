"""The catalogue is `__all__`, and says what each entry does."""

import importlib
import inspect

import pytest

from plait.core.errors import ConfigError
from plait.core.families import FAMILIES
from plait.core.lookup import is_base
from plait.experiments import catalogue


def test_it_is_what_the_packages_export() -> None:
    """Every public concrete class that is no exception, and nothing else."""
    found = catalogue()
    assert found.keys() == {
        "sharing",
        "sharing.conditioning",
        "regularization",
        "balancing",
        "tasks",
        "connections",
        "data.mixing",
        "encoders",
        "recipes",
    }
    for family, methods in found.items():
        package = importlib.import_module(f"plait.{family}")
        base = FAMILIES[family].base
        expected = [
            name
            for name in package.__all__
            if inspect.isclass(item := getattr(package, name))
            and issubclass(item, base)
            and not is_base(item)
        ]
        assert list(methods) == sorted(expected, key=str.lower)
        assert methods, family


def test_every_entry_says_what_it_does() -> None:
    for family, methods in catalogue().items():
        for name, entry in methods.items():
            line = entry["summary"]
            made = getattr(importlib.import_module(f"plait.{family}"), name)
            assert made.__doc__.startswith(line)
            assert line.endswith((".", "?")), f"{name}: {line!r} is no sentence"
            assert "\n" not in line


def test_one_family() -> None:
    assert catalogue("balancing") == {"balancing": catalogue()["balancing"]}
    assert {"Equal", "PCGrad", "UPGrad", "UncertaintyWeights"} <= catalogue()["balancing"].keys()
    assert "LossBalancer" not in catalogue()["balancing"]


def test_an_unknown_family_is_refused() -> None:
    with pytest.raises(
        ConfigError, match=r"unknown family or method 'balancer'; .*Did you mean 'balancing'"
    ):
        catalogue("balancer")
