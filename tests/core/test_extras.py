import json
import sys

import pytest

from plait.core.errors import MissingExtraError
from plait.core.extras import need


def test_what_is_installed_is_imported() -> None:
    assert need("json", extra="app", purpose="this test") is json


def test_what_is_missing_is_one_line_with_the_command() -> None:
    with pytest.raises(MissingExtraError) as caught:
        need("no_such_module", extra="app", purpose="the report")
    assert str(caught.value) == (
        "the report needs no_such_module, which is not installed: pip install 'plait[app]'"
    )
    assert isinstance(caught.value, ImportError)


def test_the_module_that_is_missing_is_named_not_the_one_that_asked(tmp_path, monkeypatch) -> None:
    (tmp_path / "asks_for_more.py").write_text("import deeper_and_missing")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MissingExtraError, match="needs deeper_and_missing, which"):
        need("asks_for_more", extra="app", purpose="the report")
    assert "asks_for_more" not in sys.modules


def test_a_module_that_is_broken_is_not_called_missing(tmp_path, monkeypatch) -> None:
    (tmp_path / "broken_inside.py").write_text("from json import no_such_name")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ImportError, match="no_such_name") as caught:
        need("broken_inside", extra="app", purpose="the report")
    assert not isinstance(caught.value, MissingExtraError)
