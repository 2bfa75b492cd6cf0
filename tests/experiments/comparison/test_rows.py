"""The rows beside the members, whole, on squares and on a table."""

import math
from pathlib import Path

from plait.experiments import Member, compare, validate, with_defaults
from plait.experiments.comparison.choices import EVERY_ROW
from plait.experiments.overrides import read_yaml
from tests.experiments.tiny import TINY, tree

MEMBERS = [Member("uw", "UW", settings={"balancing": "UncertaintyWeights"})]


def test_every_row_is_there_or_says_why_not(tmp_path: Path) -> None:
    few = {"recipe": TINY, "epochs": 1, "gallery": 0, "tasks": ["quarter", "spot"]}
    config = validate(with_defaults(few))
    given = {"title": "x", "members": MEMBERS, "rows": EVERY_ROW}
    found = compare(config, tmp_path, **given)  # type: ignore[arg-type]
    rows = {member.name: member for member in found.rows_of_table}
    assert {"single", "uw", "same-size", "late-weights", "merged-ties"} <= rows.keys()
    assert "tuned-weights" not in rows, "nothing is tuned"
    for name in ("same-size", "late-weights", "merged-average", "merged-iso-c"):
        assert rows[name].failed == [""], name
        assert not math.isnan(rows[name].delta_m[0]), name
    size, joint = rows["same-size"].parameters, rows["uw"].parameters
    assert abs(size - joint) <= 0.1 * joint
    assert found.labels["late-weights"] == "late weights of uw"
    assert rows["merged-ties"].kind == "merged"
    assert rows["merged-ties"].test["spot"].keys() == rows["single"].test["spot"].keys()
    before = {name: digest for name, digest in tree(tmp_path).items() if ".lock" not in name}
    compare(config, tmp_path, **given)  # type: ignore[arg-type]
    assert {name: d for name, d in tree(tmp_path).items() if ".lock" not in name} == before


def test_late_weights_have_the_same_trials_and_time_as_the_other_rows(tmp_path: Path) -> None:
    few = {"recipe": TINY, "epochs": 1, "gallery": 0, "tasks": ["quarter", "spot"]}
    config = validate(with_defaults(few))
    found = compare(
        config,
        tmp_path,
        title="x",
        members=MEMBERS,
        rows=["late-weights"],
        trials=2,
        budget="time",
    )
    row = next(member for member in found.members if member.name == "late-weights")
    assert row.trials == 2
    assert set(row.tuned) == {"optimizer.lr", "optimizer.weight_decay"}
    trained = read_yaml(tmp_path / "seed-0" / "late-weights" / "config.yaml")
    assert trained["minutes"] > 0
