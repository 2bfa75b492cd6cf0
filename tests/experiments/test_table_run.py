from pathlib import Path
from typing import Any

import pytest

from plait.core.errors import ConfigError, DataError
from plait.data.table import propose
from plait.experiments.table_run import describe, run_table
from plait.recipes import Table
from tests.recipes.a_table import table, written

FRAME = table()


def test_without_more_it_is_what_is_proposed() -> None:
    assert describe(FRAME, ["spend", "left"]) == propose(FRAME, ["spend", "left"]).settings
    assert describe(FRAME, "spend")["tasks"] == {"spend": {"kind": "number"}}


@pytest.mark.parametrize("kind", [None, {}, "category"])
def test_a_kind_that_is_not_given_is_guessed(kind: Any) -> None:
    found = describe(FRAME, {"plan": kind, "spend": {"kind": "number", "where": "member"}})
    assert found["tasks"]["plan"] == ("category" if kind else {"kind": "category"})
    assert found["tasks"]["spend"] == {"kind": "number", "where": "member"}
    assert "member" not in found["inputs"], "a column that a task reads is no input"


def test_inputs_by_name_have_their_kinds_guessed() -> None:
    found = describe(FRAME, "spend", inputs=["age", "town"], split={"group": "id"})
    assert found["inputs"] == {"age": {"kind": "number", "missing": ["?"]}, "town": "category"}
    assert found["split"] == {"group": "id"}


def test_columns_that_are_left_out() -> None:
    found = describe(FRAME, "spend", exclude=["age"])
    assert "age" not in found["inputs"]
    assert found["exclude"]["age"] == "left out by the user"


def test_a_target_that_is_no_column() -> None:
    with pytest.raises(DataError, match=r"unknown column of the table 'spned'; .*'spend'"):
        describe(FRAME, "spned")


def test_inputs_that_hold_nothing() -> None:
    with pytest.raises(DataError, match=r"column 'same' cannot be read: .*Leave it out"):
        describe(FRAME.assign(same="x"), "spend", inputs=["age", "same"])
    with pytest.raises(DataError, match="the table lacks 1 column that is needed: 'agee'"):
        describe(FRAME, "spend", inputs=["agee"])


def test_columns_whose_names_are_numbers() -> None:
    frame = FRAME[["age", "town", "spend"]].set_axis([0, 1, 2], axis=1)
    expected = describe(frame.set_axis(["0", "1", "2"], axis=1), "2", exclude=["1"], inputs=["0"])
    assert describe(frame, [2], exclude=[1], inputs=[0]) == expected
    assert describe(frame, {2: {}}, exclude=[1], inputs=[0]) == expected


@pytest.mark.parametrize("option", ["inputs", "exclude"])
def test_columns_that_are_not_there(option: str) -> None:
    with pytest.raises(DataError, match="lacks 1 column that is needed: 'agee'"):
        describe(FRAME, "spend", **{option: ["agee"]})


def test_options_beside_a_kind_that_is_guessed() -> None:
    found = describe(FRAME, {"plan": {"weight": 2}, "cost": {"column": "spend", "weight": 3}})
    assert found["tasks"] == {
        "plan": {"kind": "category", "weight": 2},
        "cost": {"kind": "number", "column": "spend", "weight": 3},
    }
    assert "spend" not in found["inputs"]


@pytest.mark.parametrize("none", [[], {}, ()])
def test_nothing_to_predict(none: Any) -> None:
    with pytest.raises(ConfigError, match="name columns to predict under `targets`"):
        describe(FRAME, none)


def test_a_file_is_named_and_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, FRAME.assign(age="x"))
    reads: list[object] = []
    monkeypatch.setattr(Table, "read", lambda self: reads.append(self))
    with pytest.raises(DataError, match=r"column 'age' of table.csv must be a number"):
        run_table(path, "spend", inputs={"age": "number"}, folder=tmp_path / "run")
    assert not reads
    assert not (tmp_path / "run").exists()


def test_a_method_that_does_not_exist_is_told_before_the_table_is_read(tmp_path: Path) -> None:
    settings = {"sharing": "MMoE", "balancing": "UPGard"}
    with pytest.raises(ConfigError, match=r"unknown balancer 'UPGard'; .*Did you mean 'UPGrad'"):
        run_table(tmp_path / "nowhere.csv", "spend", folder=tmp_path / "run", settings=settings)
    assert not (tmp_path / "run").exists()
