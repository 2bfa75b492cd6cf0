"""A backend is known by name, and says what is missing."""

import builtins
from typing import Any

import pytest

from plait.core.errors import ConfigError, MissingExtraError
from plait.experiments.jobs.backends import BACKENDS, BackendName, backend_of


def test_an_unknown_backend_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"unknown backend 'dsk'; known: .*Did you mean 'dask'"):
        backend_of("dsk")
    assert set(BACKENDS) == set(BackendName.__args__)


@pytest.mark.parametrize("name", ["dask", "ray"])
def test_a_missing_package_is_named_with_its_extra(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__
    import importlib

    def absent(module: str, *arguments: Any) -> Any:
        if module.partition(".")[0] in (name, "distributed"):
            raise ModuleNotFoundError(f"No module named {module!r}", name=module)
        return real(module, *arguments)

    monkeypatch.setattr(importlib, "import_module", absent)
    with (
        pytest.raises(MissingExtraError, match=rf"pip install 'plait\[{name}\]'"),
        BACKENDS[name].cluster(2),
    ):
        pass


def test_processes_of_this_machine_need_nothing() -> None:
    with BACKENDS["loky"].cluster(2) as local:
        assert local
