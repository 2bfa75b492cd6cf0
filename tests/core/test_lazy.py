"""Packages whose names load on first use."""

import ast
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

import plait
import plait.core
import plait.experiments
from plait.core.lazy import LazyPackage, homes

PACKAGE = """
from __future__ import annotations
from typing import TYPE_CHECKING
from plait.core.lazy import lazy
if TYPE_CHECKING:
    from braid.run import other, run
__all__ = ["other", "run"]
lazy(__name__)
"""
RUN = """
def run(): return "run"
def other(): return "other"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A package with a function that has the name of its module."""
    (tmp_path / "braid").mkdir()
    (tmp_path / "braid" / "__init__.py").write_text(PACKAGE)
    (tmp_path / "braid" / "run.py").write_text(RUN)
    (tmp_path / "braid" / "more.py").write_text("value = 3\n")
    return tmp_path


def python(folder: Path, code: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(folder)!r})\n{code}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def test_nothing_loads_before_it_is_asked_for(folder: Path) -> None:
    loaded = "print('braid.run' in sys.modules)"
    assert python(folder, f"import braid\n{loaded}") == "False"
    assert python(folder, f"import braid; dir(braid)\n{loaded}") == "False"
    assert python(folder, f"import braid; braid.other\n{loaded}") == "True"


@pytest.mark.parametrize(
    "first",
    [
        "import braid",
        "import braid.run",
        "from braid.run import other",
        "import braid; braid.other",
        "from braid import run; import braid.run",
    ],
)
def test_a_module_does_not_hide_the_function_of_its_name(folder: Path, first: str) -> None:
    assert python(folder, f"{first}\nimport braid; print(braid.run(), braid.run())") == "run run"
    assert python(folder, f"{first}\nfrom braid import run; print(run())") == "run"


def test_modules_of_the_package_are_attributes(folder: Path) -> None:
    assert python(folder, "import braid; print(braid.more.value)") == "3"


def test_what_it_does_not_have_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"module 'plait.core' has no attribute 'nothing'"):
        _ = plait.core.nothing
    with pytest.raises(ImportError, match="cannot import name 'nothing'"):
        from plait.core import nothing  # noqa: F401
    assert not hasattr(plait.core, "_private")


@pytest.mark.parametrize(
    "package", [plait, plait.core, plait.engine, plait.model, plait.training, plait.experiments]
)
def test_names_and_homes_are_the_public_names(package: LazyPackage) -> None:
    assert set(homes(package.__name__)) == set(package.__all__)
    assert set(package.__all__) <= set(dir(package))


def test_dir_shows_the_folders_of_plait() -> None:
    assert {"sharing", "balancing", "recipes", "__version__", "backward"} <= set(dir(plait))


def test_type_checkers_know_the_folders_of_plait() -> None:
    """`plait.sharing.Hard` after ``import plait``: no editor can follow `__getattr__`."""
    source = Path(plait.__file__)
    told = {
        alias.name.removeprefix("plait.")
        for node in ast.walk(ast.parse(source.read_text()))
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    folders = {path.parent.name for path in source.parent.glob("*/__init__.py")}
    assert told == folders - {"cli", "reports"}  # which import plait for its version


def test_homes_are_read_without_importing() -> None:
    code = (
        "from plait.core.lazy import homes; print(homes('plait.balancing')['UPGrad'])\n"
        "assert 'plait.balancing' not in sys.modules"
    )
    assert python(Path(), code) == "plait.balancing.upgrad"


def test_a_package_is_pickled_by_its_name(folder: Path) -> None:
    """As one does that is a global of a function sent to another process."""
    assert pickle.loads(pickle.dumps(plait)) is plait
    sent = pickle.dumps(plait.engine)
    code = f"import pickle; print(pickle.loads({sent!r}).Backward.__name__)"
    assert python(folder, code) == "Backward"


def test_backward_is_the_function() -> None:
    assert plait.backward.__module__ == "plait.engine.one_line"
