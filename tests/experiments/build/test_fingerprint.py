"""The fingerprint of a run follows what it reads, and not where that lies."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from plait.experiments.build import build_job, open_problem
from plait.experiments.build.fingerprint import data_fingerprint, weights_fingerprint
from plait.experiments.build.names import with_defaults
from plait.experiments.config import RunConfig, validate
from tests.experiments.tiny import TINY, Tiny


def table_at(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    rows = pd.DataFrame({"size": np.arange(40.0), "kind": ["a", "b"] * 20, "price": np.arange(40)})
    rows.to_csv(folder / "flats.csv", index=False)
    return folder / "flats.csv"


def config_of(table: Path, **settings: Any) -> RunConfig:
    described = {
        "table": str(table),
        "inputs": {"size": "number", "kind": "category"},
        "tasks": {"price": "number"},
        "epochs": 1,
        **settings,
    }
    return validate(with_defaults(described))


def fingerprint(config: RunConfig) -> dict[str, str]:
    return open_problem(config).fingerprint


def test_a_recipe_that_makes_its_data_has_none() -> None:
    assert fingerprint(validate(with_defaults({"recipe": TINY}))) == {}
    assert fingerprint(validate(with_defaults({"recipe": "table-demo"}))) == {}


def test_a_table_is_known_by_its_content(tmp_path: Path) -> None:
    one, other = table_at(tmp_path / "one"), table_at(tmp_path / "other")
    first = fingerprint(config_of(one))
    assert list(first) == ["table"]
    assert fingerprint(config_of(other)) == first
    other.write_text(other.read_text() + "41,a,5\n")
    assert fingerprint(config_of(other)) != first


def test_a_table_of_words_and_numbers_is_not_read_for_it(tmp_path: Path) -> None:
    problem = open_problem(config_of(table_at(tmp_path)))
    assert problem.fingerprint
    assert "frame" not in vars(problem.recipe)


def pictures_at(folder: Path) -> RunConfig:
    folder.mkdir()
    rows = pd.DataFrame({"photo": [f"photos/{i}.png" for i in range(40)], "price": np.arange(40)})
    rows.to_csv(folder / "flats.csv", index=False)
    (folder / "photos").mkdir()
    for number in range(40):
        Image.new("L", (4, 4), number).save(folder / "photos" / f"{number}.png")
    return config_of(folder / "flats.csv", inputs={"photo": "image"})


def test_the_files_that_cells_name_count_and_others_beside_them_do_not(tmp_path: Path) -> None:
    config = pictures_at(tmp_path / "flats")
    first = fingerprint(config)
    assert list(first) == ["table", "files"]
    (tmp_path / "flats" / "notes.txt").write_text("beside")
    Image.new("L", (4, 4), 9).save(tmp_path / "flats" / "photos" / "99.png")
    assert fingerprint(config) == first
    Image.new("L", (4, 4), 200).save(tmp_path / "flats" / "photos" / "3.png")
    changed = fingerprint(config)
    assert changed["table"] == first["table"] and changed["files"] != first["files"]


def test_each_source_has_its_own(tmp_path: Path) -> None:
    described = {
        name: {
            "table": str(table_at(tmp_path / name)),
            "inputs": {"size": "number"},
            "tasks": {task: {"kind": "number", "column": "price"}},
        }
        for name, task in (("old", "rent"), ("new", "price"))
    }
    config = validate(with_defaults({"sources": described}))
    found = fingerprint(config)
    assert list(found) == ["old: table", "new: table"]
    assert len(set(found.values())) == 1


def test_a_frame_in_memory_counts_by_its_values(tmp_path: Path) -> None:
    rows = pd.read_csv(table_at(tmp_path))
    config = config_of(Path("unused")).model_copy(update={"table": None})
    first = open_problem(config, rows).fingerprint
    assert list(first) == ["frame"]
    assert open_problem(config, rows.copy()).fingerprint == first
    assert open_problem(config, rows.assign(size=1.0)).fingerprint != first


def test_a_data_folder_is_known_by_its_content(tmp_path: Path) -> None:
    data = Path(__file__).parents[4] / "shared" / "data" / "wine-quality"
    if not data.is_dir():
        pytest.skip("the data sets are not here")
    shutil.copytree(data, tmp_path / "wine")
    config = validate(with_defaults({"recipe": "wine", "data": str(data)}))
    copied = validate(with_defaults({"recipe": "wine", "data": str(tmp_path / "wine")}))
    assert list(fingerprint(config)) == ["data"]
    assert fingerprint(config) == fingerprint(copied)


def test_a_recipe_names_the_folders_that_it_reads(tmp_path: Path) -> None:
    class Reads(Tiny):
        needs_data = True
        folders = ("images",)

        def __init__(self, *, data: Path) -> None:
            super().__init__()

    for name in ("images", "sounds"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "one").write_text(name)
    config = RunConfig(recipe=TINY, data=str(tmp_path))
    first = data_fingerprint(config, Reads(data=tmp_path))
    (tmp_path / "sounds" / "one").write_text("other")
    assert data_fingerprint(config, Reads(data=tmp_path)) == first
    (tmp_path / "images" / "one").write_text("other")
    assert data_fingerprint(config, Reads(data=tmp_path)) != first


def test_weights_to_start_from_count_without_their_card(tmp_path: Path) -> None:
    config = validate(with_defaults({"recipe": TINY, "start_from": [str(tmp_path)]}))
    assert weights_fingerprint(config) == {"start_from[0]": "absent"}
    for name in ("config.json", "model.safetensors", "README.md"):
        (tmp_path / name).write_text(name)
    first = weights_fingerprint(config)
    (tmp_path / "README.md").write_text("other")
    assert weights_fingerprint(config) == first
    (tmp_path / "model.safetensors").write_text("other")
    assert weights_fingerprint(config) != first


def test_a_run_is_set_up_with_what_it_reads(tmp_path: Path) -> None:
    config = config_of(table_at(tmp_path))
    problem = open_problem(config)
    before = problem.fingerprint
    problem.splits(problem.tasks())
    (tmp_path / "flats.csv").write_text("changed while the problem is open")
    job = build_job(config, tmp_path / "run", problem=problem)
    assert job.trainer.keeper.about["fingerprint"] == before
    assert not (tmp_path / "run").exists()
