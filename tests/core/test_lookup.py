import subprocess
import sys
from abc import ABC, abstractmethod
from types import ModuleType
from typing import Any

import pytest
from torch import nn

from plait.core.errors import ConfigError
from plait.core.families import FAMILIES, Family
from plait.core.lookup import check_listed, find, kebab, listed, names, options_of, parameters


class Method(ABC):
    """A kind of method."""

    @abstractmethod
    def run(self) -> None: ...


class Plain(Method):
    def run(self) -> None: ...


class WithOptions(Plain):
    def __init__(self, size: int, *, rate: float = 0.5, **others: Any) -> None:
        self.size = size
        self.rate = rate


class Forgetful(Plain):
    def __init__(self, rate: float = 0.5) -> None:
        self._rate = rate


def package() -> ModuleType:
    module = ModuleType("methods")
    for item in (Method, Plain, WithOptions, Forgetful, nn.Linear):
        setattr(module, item.__name__, item)
    module.helper = len
    module.__all__ = ["Method", "Plain", "WithOptions", "Linear", "helper"]
    return module


def search(name: str, **options: Any) -> Any:
    return find(name, package(), base=Method, kind="method", **options)


def test_a_base_without_abstract_methods_says_so_by_its_bases() -> None:
    class Hooks(Plain, ABC):
        """Subclasses override what they need."""

    class Hooked(Hooks):
        """One of them."""

    module = package()
    module.Hooks, module.Hooked = Hooks, Hooked
    module.__all__ += ["Hooks", "Hooked"]
    assert names(module, Method) == ["Plain", "WithOptions", "Hooked"]
    with pytest.raises(ConfigError, match="unknown method 'Hooks'; known: Hooked"):
        find("Hooks", module, base=Method, kind="method")


# --- names without importing --------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_the_files_tell_the_methods_of_a_family(family: Family) -> None:
    methods, found = set(names(family.package, family.base)), listed(family)
    assert methods <= set(found)
    assert found == sorted(found)
    assert set(found) - methods == ({"Prediction"} if family.name == "tasks" else set())


def test_listing_loads_nothing() -> None:
    code = """
import sys
from plait.core.families import FAMILIES
from plait.core.errors import ConfigError
from plait.core.lookup import check_listed, listed
assert all(listed(family) for family in FAMILIES.values())
try:
    check_listed("UPGard", FAMILIES["balancing"])
except ConfigError as error:
    assert "Did you mean 'UPGrad'?" in str(error)
else:
    raise AssertionError
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_an_unlisted_name_is_told_as_it_would_be_after_loading(family: Family) -> None:
    if family.name == "tasks":
        return
    check_listed(listed(family)[0], family)
    check_listed("some.package:Name", family)
    told = []
    for check in (
        lambda: check_listed("Nothing", family),
        lambda: find("Nothing", family.package, base=family.base, kind=family.noun),
    ):
        with pytest.raises(ConfigError) as refused:
            check()
        told.append(str(refused.value))
    assert told[0] == told[1]


@pytest.mark.parametrize(
    ("name", "expected"), [("Pets", "pets"), ("OxfordPets", "oxford-pets"), ("", "")]
)
def test_kebab(name: str, expected: str) -> None:
    assert kebab(name) == expected


# --- find -----------------------------------------------------------------------------------


def test_names_are_the_public_concrete_subclasses() -> None:
    """Not the base, which is abstract, nor what is not listed, nor anything else."""
    assert names(package(), Method) == ["Plain", "WithOptions"]
    assert names(package(), nn.Module) == ["Linear"]


def test_a_public_name_is_found() -> None:
    assert search("Plain") is Plain


def test_a_dotted_path_is_found() -> None:
    found = find("torch.nn:Linear", package(), base=nn.Module, kind="layer")
    assert found is nn.Linear


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Plian", r"unknown method 'Plian'; known: Plain, WithOptions. Did you mean 'Plain'\?"),
        ("Forgetful", "unknown method 'Forgetful'"),
        ("helper", "unknown method 'helper'"),
        ("Method", "unknown method 'Method'"),
        ("no_such_package:Plain", "cannot import method 'no_such_package:Plain'.*Python path"),
        ("torch.nn:Lineal", "cannot import method 'torch.nn:Lineal'"),
        ("torch.nn:Linear", "'torch.nn:Linear' is no method: it must be a subclass of Method"),
        ("math:pi", "'math:pi' is no method"),
        (":Plain", "no path to a class; write `package.module:Class`"),
        ("..core:Plain", "no path to a class"),
        ("torch.nn:", "no path to a class"),
        ("torch:nn:Linear", "no path to a class"),
    ],
)
def test_what_cannot_be_found_is_refused(name: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        search(name)


def test_a_base_class_is_refused_by_its_path_as_well() -> None:
    with pytest.raises(ConfigError, match="is a base class and does nothing"):
        find("collections.abc:Sized", package(), base=object, kind="container")


def test_a_strangers_file_cannot_name_a_path(monkeypatch) -> None:
    def never(name: str) -> ModuleType:
        raise AssertionError(f"{name} was imported")

    monkeypatch.setattr("importlib.import_module", never)
    with pytest.raises(ConfigError, match="unknown method 'os:system'"):
        search("os:system", foreign=False)


# --- parameters and options --------------------------------------------------------------------


def test_parameters_are_the_named_ones() -> None:
    assert list(parameters(WithOptions)) == ["size", "rate"]
    assert list(parameters(Plain)) == []


def test_options_build_an_equal_object() -> None:
    made = WithOptions(3, rate=0.25)
    assert options_of(made) == {"size": 3, "rate": 0.25}
    assert options_of(made, leave_out=["size"]) == {"rate": 0.25}
    again = WithOptions(**options_of(made))
    assert vars(again) == vars(made)


def test_an_argument_that_is_not_kept_is_an_error() -> None:
    with pytest.raises(ConfigError, match="Forgetful does not keep its argument 'rate'"):
        options_of(Forgetful())
