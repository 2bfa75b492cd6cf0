"""A comparison folder is read exactly, and what is broken is named."""

from dataclasses import asdict
from pathlib import Path

import pytest

from plait.core.errors import DataError
from plait.core.typed_json import without_nan
from plait.reports.read.comparison import read_comparison
from tests.reports.comparison_example import FAMILIES, rewritten, write_comparison
from tests.reports.example import write_run

SMALL = {"epochs": 2, "steps_per_epoch": 2, "gallery": False}


@pytest.mark.parametrize("seeds", [(0,), (3, 4)])
def test_every_value_is_kept(seeds: tuple[int, ...], tmp_path: Path) -> None:
    written = write_comparison(tmp_path, members=FAMILIES, seeds=seeds, **SMALL)
    compared = read_comparison(tmp_path)
    assert without_nan(asdict(compared.found)) == written
    assert list(compared.joint) == list(FAMILIES)
    assert {task: [run.tasks for run in runs] for task, runs in compared.single.items()} == {
        task: [[task] for _ in seeds] for task in ("digit", "mask", "centre")
    }
    for runs in compared.joint.values():
        assert [run.tasks for run in runs] == [["digit", "mask", "centre"] for _ in seeds]


def test_all_runs_have_names_that_tell_them_apart(tmp_path: Path) -> None:
    write_comparison(tmp_path / "one", tasks=("digit", "mask"), **SMALL)
    names = [name for name, _ in read_comparison(tmp_path / "one").named]
    assert names == ["Joint", "digit alone", "mask alone"]
    write_comparison(tmp_path / "two", tasks=("digit",), seeds=(0, 1), **SMALL)
    named = read_comparison(tmp_path / "two").named
    assert [name for name, _ in named] == [
        *("Joint, seed 0", "Joint, seed 1"),
        *("digit alone, seed 0", "digit alone, seed 1"),
    ]
    assert [run.folder.parent.name for _, run in named] == ["seed-0", "seed-1"] * 2


def test_what_failed_before_it_wrote_anything_has_no_run(tmp_path: Path) -> None:
    found = write_comparison(tmp_path, tasks=("digit",), seeds=(0, 1), **SMALL)
    found["members"][0]["failed"] = ["out of memory", "diverged"]
    (tmp_path / "seed-0" / "joint" / "events.jsonl").unlink()
    compared = read_comparison(rewritten(tmp_path, found))
    assert [run.folder.parent.name for run in compared.joint["joint"]] == ["seed-1"]
    assert [name for name, _ in compared.named if "Joint" in name] == ["Joint, seed 1"]


def test_members_of_other_kinds_have_their_runs_by_task(tmp_path: Path) -> None:
    found = write_comparison(tmp_path, tasks=("digit", "mask"), **SMALL)
    wider = {**found["baseline"], "name": "wide", "title": "Equal size"}
    trees = {**found["members"][0], "name": "trees", "title": "Trees", "kind": "classical"}
    nothing = {**found["members"][0]["networks"][""], "folders": [""]}
    found["members"] += [wider, {**trees, "networks": {"digit": nothing, "mask": nothing}}]
    compared = read_comparison(rewritten(tmp_path, found))
    assert {name: len(runs) for name, runs in compared.joint.items()} == {
        "joint": 1,
        "wide": 0,
        "trees": 0,
    }
    assert compared.tested == 5
    names = [name for name, _ in compared.named]
    assert names == [
        *("Joint", "Equal size, digit", "Equal size, mask", "digit alone", "mask alone")
    ]


@pytest.mark.parametrize("kind", ["merged", "classical"])
def test_what_was_not_trained_has_a_result_and_no_log(kind: str, tmp_path: Path) -> None:
    found = write_comparison(tmp_path, tasks=("digit", "mask"), **SMALL)
    other = {**found["members"][0], "name": "other", "title": "Other", "kind": kind}
    network = {**other["networks"][""], "folders": ["other"]}
    found["members"].append({**other, "networks": {"": network}})
    (tmp_path / "other").mkdir()
    compared = read_comparison(rewritten(tmp_path, found))
    assert compared.joint["other"] == []
    assert compared.tested == 4
    assert len(compared.named) == 3


@pytest.mark.parametrize("where", ["../other", "nowhere"])
@pytest.mark.parametrize("member", ["baseline", "joint"])
def test_a_run_that_is_missing_or_outside_is_named(member: str, where: str, tmp_path: Path) -> None:
    found = write_comparison(tmp_path / "here", ("digit", "mask"), **SMALL)
    write_run(tmp_path / "other", epochs=1, steps_per_epoch=1)
    networks = found["baseline" if member == "baseline" else "members"]
    own = networks if member == "baseline" else networks[0]
    own["networks"]["mask" if member == "baseline" else ""]["folders"] = [where]
    finding = "outside" if where == "../other" else r"nowhere/events\.jsonl cannot be read"
    with pytest.raises(DataError, match=finding):
        read_comparison(rewritten(tmp_path / "here", found))


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    found = write_comparison(tmp_path, ("digit",), **SMALL)
    found["members"][0]["severity"] = 3
    with pytest.raises(DataError, match=r"comparison\.json"):
        read_comparison(rewritten(tmp_path, found))
