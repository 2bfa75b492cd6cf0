"""The table of families."""

import inspect
import subprocess
import sys

import pytest
from torch import nn

from plait.core.families import FAMILIES, Family, family_of
from plait.core.lookup import names


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_every_family_has_its_package_and_its_base(family: Family) -> None:
    assert family.package.__name__ == f"plait.{family.name}"
    assert inspect.isclass(family.base)
    assert names(family.package, family.base)
    assert FAMILIES[family.name] is family


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_every_method_belongs_to_its_family(family: Family) -> None:
    for name in names(family.package, family.base):
        assert family_of(getattr(family.package, name)) is family


def test_the_nearest_base_decides() -> None:
    """A balancer is a module of torch as well, which is the base of encoders."""
    assert family_of(FAMILIES["balancing"].base) is FAMILIES["balancing"]
    assert family_of(nn.Linear) is FAMILIES["encoders"]
    assert family_of(int) is None


def test_the_table_loads_nothing() -> None:
    code = (
        "import sys\nfrom plait.core.families import FAMILIES, family_of\n"
        "before = set(sys.modules); family_of(int); print(sorted(set(sys.modules) - before))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"
