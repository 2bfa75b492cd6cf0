"""A comparison folder is read exactly, and what is broken is named."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from plait.core.errors import DataError
from plait.reports.read.comparison import read_comparison
from tests.reports.comparison_example import FAMILIES, rewritten, write_comparison
from tests.reports.example import write_run

SMALL = {"epochs": 2, "steps_per_epoch": 2, "gallery": False}


@pytest.mark.parametrize("seeds", [(0,), (3, 4)])
def test_every_value_is_kept(seeds: tuple[int, ...], tmp_path: Path) -> None:
    written = write_comparison(tmp_path, members=FAMILIES, seeds=seeds, **SMALL)
    compared = read_comparison(tmp_path)
    assert asdict(compared.found) == written
    assert list(compared.joint) == list(FAMILIES)
    assert {task: [run.tasks for run in runs] for task, runs in compared.single.items()} == {
        task: [[task] for _ in seeds] for task in ("digit", "mask", "centre")
    }
    for runs in compared.joint.values():
        assert [run.tasks for run in runs] == [["digit", "mask", "centre"] for _ in seeds]


def test_all_runs_have_names_that_tell_them_apart(tmp_path: Path) -> None:
    write_comparison(tmp_path / "one", tasks=("digit", "mask"), **SMALL)
    names = [name for name, _ in read_comparison(tmp_path / "one").named_runs()]
    assert names == ["Joint", "digit alone", "mask alone"]
    write_comparison(tmp_path / "two", tasks=("digit",), seeds=(0, 1), **SMALL)
    named = list(read_comparison(tmp_path / "two").named_runs())
    assert [name for name, _ in named] == [
        *("Joint, seed 0", "Joint, seed 1"),
        *("digit alone, seed 0", "digit alone, seed 1"),
    ]
    assert [run.folder.parent.name for _, run in named] == ["seed-0", "seed-1"] * 2


@pytest.mark.parametrize(
    ("place", "value", "finding"),
    [
        (("members",), [], "at least one member"),
        (("members", 1, "seconds"), None, r"`members\.1\.seconds`"),
        (("members", 1, "name"), "shared", "`members` has the name 'shared' twice"),
        (("members", 1, "delta_m"), [1.0, 2.0], "'tied'` must have one entry for each of 1 seeds"),
        (("rows", 2, "single"), ["high"], r"`rows\.2\.single\.0`"),
        (("rows", 2, "single"), [], r"`rows\.2` must have one entry"),
        (("rows", 2, "joint"), {"nobody": [1.0]}, r"`rows\.2\.joint` must be of .*found nobody"),
        (("rows", 2, "changes"), {}, r"`rows\.2\.changes` must be of .*found none"),
        (("rows", 2, "task"), "nobody", r"`rows\.2\.task` must be in `single`; found 'nobody'"),
        (("single", "mask", "folders"), ["nowhere"], r"nowhere/events\.jsonl cannot be read"),
        (("single", "mask", "folders"), ["../other"], "outside"),
        (("members", 0, "folders"), ["../other"], "outside"),
        (("members", 0, "severity"), 3, r"`members\.0\.severity`: Unexpected"),
        (("severity",), 3, "`severity`: Unexpected"),
    ],
)
def test_a_broken_file_is_named(
    tmp_path: Path, place: tuple[Any, ...], value: Any, finding: str
) -> None:
    found = write_comparison(tmp_path / "here", ("digit", "mask"), members=FAMILIES, **SMALL)
    write_run(tmp_path / "other", epochs=1, steps_per_epoch=1)
    *path, last = place
    inner: Any = found
    for key in path:
        inner = inner[key]
    inner[last] = value
    with pytest.raises(DataError, match=finding) as error:
        read_comparison(rewritten(tmp_path / "here", found))
    assert "comparison.json" in str(error.value) or "events.jsonl" in str(error.value)


def test_null_is_no_comparison(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no comparison"):
        read_comparison(rewritten(tmp_path, None))


def test_a_value_that_is_missing_is_named(tmp_path: Path) -> None:
    found = write_comparison(tmp_path, ("digit",), **SMALL)
    del found["rows"][0]["changes"]
    with pytest.raises(DataError, match=r"comparison\.json: `rows\.0\.changes`"):
        read_comparison(rewritten(tmp_path, found))
