"""Settings of several data sets."""

from pathlib import Path
from typing import Any

import pytest

from plait.core.errors import ConfigError
from plait.experiments.build import with_defaults
from plait.experiments.build.names import run_name
from plait.experiments.config import check_early, read_file, validate

TABLE = {"table": "a.csv", "inputs": {"x": "number"}, "tasks": {"y": "number"}}


def test_sources_are_read_with_the_defaults_of_what_they_are() -> None:
    settings = {"sources": {"a": TABLE, "b": {**TABLE, "batch_size": 8}}, "mixing": "EqualShares"}
    check_early(settings)
    config = validate(with_defaults(settings))
    assert config.sources is not None
    assert config.sources["b"].batch_size == 8
    assert config.mixing is not None
    assert config.epochs == 300, "that of tables"
    assert config.encoder is None
    assert validate(config.described()) == config
    assert run_name(settings) == "mixture"
    mixed = with_defaults({"sources": {"a": TABLE, "b": {"recipe": "digits"}}})
    assert mixed["epochs"] == 30


def test_paths_of_tables_are_relative_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "mix.yaml").write_text("sources: {a: {table: a.csv}, b: {recipe: digits}}\n")
    found = read_file(tmp_path / "mix.yaml")["sources"]
    assert found == {"a": {"table": str(tmp_path / "a.csv")}, "b": {"recipe": "digits"}}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sources": {"a": TABLE}, "table": "b.csv"}, "setting 'table' belongs to one of the data"),
        ({"sources": {"a": TABLE}, "inputs": {"x": "number"}}, "setting 'inputs' belongs to one"),
        ({"sources": {"a": TABLE}, "recipe": "digits"}, "setting 'recipe' belongs to one"),
        ({"sources": {"a": {"tabel": "b.csv"}}}, "unknown setting 'sources.a.tabel'"),
        ({"sources": {"a": {**TABLE, "batch_size": 0}}}, "setting 'sources"),
        ({"sources": {"a": {**TABLE, "inputs": {"x": "numbr"}}}}, "source 'a': .*numbr"),
        ({"sources": ["a.csv"]}, "setting 'sources'"),
        ({"sources": {"a": TABLE}, "steps": 0}, "setting 'steps'"),
    ],
)
def test_what_is_wrong_is_told(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_early(settings)
    with pytest.raises(ConfigError, match=message):
        validate(settings)
