"""What is proposed for tables whose columns were made to be recognised."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from plait.core.errors import DataError
from plait.data.table.propose import Proposal, propose
from plait.data.table.read import read_table

ROWS = 400
RANDOM = np.random.default_rng(0)
DATA = Path(os.environ.get("PLAIT_DATA", Path(__file__).parents[4] / "shared" / "data"))


def cars() -> pd.DataFrame:
    price = RANDOM.lognormal(size=ROWS).round(2) * 1000
    kind = RANDOM.choice(["car", "van", "truck"], ROWS)
    return pd.DataFrame(
        {
            "id": [f"c{row}" for row in range(ROWS)],
            "owner_id": RANDOM.integers(0, 150, ROWS),
            "age": RANDOM.integers(0, 30, ROWS).astype(float),
            "fuel": RANDOM.choice(["gas", "diesel", "?"], ROWS),
            "built": pd.Series(pd.date_range("2000-01-01", periods=ROWS)).dt.strftime("%d/%m/%Y"),
            "extras": RANDOM.choice(["radio;air", "radio", "air;roof;radio", "roof"], ROWS),
            "price_in_dollars": price * 1.1,
            "wheels": np.where(kind == "truck", 6, np.where(kind == "van", 5, 4)),
            "country": "DE",
            "sample_weight": RANDOM.random(ROWS),
            "part": RANDOM.choice(["train", "test"], ROWS),
            "price": price,
            "kind": kind,
        }
    )


def roles(proposal: Proposal) -> dict[str, str]:
    return {name: entry.role for entry in proposal.entries for name in entry.columns}


def test_every_column_has_a_role() -> None:
    proposal = propose(cars(), ["price", "kind"])
    assert roles(proposal) == {
        "id": "exclude",
        "owner_id": "exclude",
        "age": "input",
        "fuel": "input",
        "built": "input",
        "extras": "input",
        "price_in_dollars": "exclude",
        "wheels": "exclude",
        "country": "exclude",
        "sample_weight": "exclude",
        "part": "split",
        "price": "target",
        "kind": "target",
    }
    assert (proposal.rows, proposal.columns, proposal.named) == (ROWS, 13, True)
    comments = {entry.name: entry.comment for entry in proposal.entries}
    assert "wheels gives kind away" in comments["wheels"]
    assert "price_in_dollars gives price away" in comments["price_in_dollars"]
    assert "group" in comments["owner_id"]
    assert "val is taken from train" in comments["part"]
    assert "missing: ['?']" in comments["fuel"]


def test_the_settings_of_a_run() -> None:
    settings = propose(cars(), ["price", "kind"]).settings
    assert settings["split"] == "part"
    assert settings["inputs"] == {
        "age": "number",
        "fuel": "category",
        "built": {"kind": "date", "format": "%d/%m/%Y"},
        "extras": {"kind": "tags", "separator": ";"},
    }
    assert settings["tasks"] == {"price": {"kind": "number"}, "kind": {"kind": "category"}}
    assert list(settings["exclude"]) == [
        *("id", "owner_id", "price_in_dollars", "wheels", "country", "sample_weight")
    ]


def test_targets_are_guessed_where_none_is_named() -> None:
    proposal = propose(cars())
    assert [entry.name for entry in proposal.of("target")] == ["price", "kind"]
    assert not proposal.named


def test_what_gives_one_target_away_may_be_read_for_another() -> None:
    assert roles(propose(cars(), ["kind"]))["price_in_dollars"] == "input"
    assert roles(propose(cars(), ["kind"]))["price"] == "input"


def test_options_of_targets() -> None:
    frame = pd.DataFrame(
        {
            "x": RANDOM.normal(size=90),
            "toxic": ["yes", "no", "?"] * 30,
            "dose": [">10", "0.5", "3.25"] * 10 + [f"{0.1 * row:.1f}" for row in range(60)],
            "stage": [1, 2, 3] * 30,
            "grade": ["a", "b", "c", "unknown", "a"] * 18,
        }
    )
    settings = propose(frame, ["toxic", "dose", "stage", "grade"])
    assert settings.settings["tasks"] == {
        "toxic": {"kind": "yes/no", "missing": ["?"]},
        "dose": {"kind": "number", "bounded": True},
        "stage": {"kind": "number"},
        "grade": {"kind": "category", "missing": ["unknown"]},
    }
    assert "kind: category" in settings.of("target")[2].comment


def test_numbers_of_classes_are_a_category() -> None:
    frame = pd.DataFrame({"x": RANDOM.normal(size=90), "target": [0, 1, 2] * 30})
    [target] = propose(frame).of("target")
    assert (target.kind, target.comment) == ("category", "0 33 %, 1 33 %, 2 33 %; or kind: number")


def test_the_rarer_of_two_words_is_the_positive_one() -> None:
    words = ["well", "ill ", "well", "ill", "well"] * 18 + ["unknown"]
    frame = pd.DataFrame({"x": RANDOM.normal(size=91), "state": words})
    assert propose(frame, ["state"]).settings["tasks"]["state"] == {
        "kind": "yes/no",
        "positive": "ill",
        "missing": ["unknown"],
    }


def test_inputs_have_no_bounds() -> None:
    """Few of them are words of a category; with many values the column is left out."""
    many = [f"{0.1 * row:.1f}" for row in range(87)] + [">9", ">9", "<0"]
    frame = pd.DataFrame({"rooms": ["1", "2", ">2"] * 30, "dose": many, "y": [0, 1] * 45})
    settings = propose(frame).settings
    assert settings["inputs"] == {"rooms": "category"}
    assert "bounds" in settings["exclude"]["dose"]


def test_columns_of_like_names_are_one_pattern() -> None:
    frame = pd.DataFrame({f"fp_{bit}": RANDOM.integers(0, 2, 60) for bit in range(20)})
    frame = frame.assign(fp_mean=RANDOM.normal(size=60), active=RANDOM.integers(0, 2, 60))
    proposal = propose(frame, ["active"])
    assert [entry.name for entry in proposal.of("input")] == ["fp_[0-9]*", "fp_mean"]
    assert proposal.columns == 22
    frame["fp_3"] = 0  # of no use: left out, so that the pattern does not stand for it
    assert roles(propose(frame, ["active"]))["fp_3"] == "exclude"


def test_patterns_name_targets() -> None:
    frame = pd.DataFrame({f"Class{i}": RANDOM.integers(0, 2, 60) for i in range(4)})
    proposal = propose(frame.assign(x=RANDOM.normal(size=60)), ["Class*"])
    assert [entry.name for entry in proposal.of("target")] == [f"Class{i}" for i in range(4)]


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("prise", "unknown column of the table 'prise'.*Did you mean 'price'"),
        ("country", "'country' cannot be predicted: every row has the value 'DE'"),
        ("built", "'built' cannot be predicted: a date"),
        ("id", "'id' cannot be predicted: a word of its own for each row"),
    ],
)
def test_what_cannot_be_predicted_is_an_error(target: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        propose(cars(), [target])


def test_a_table_is_checked() -> None:
    with pytest.raises(DataError, match="several columns of the name '1'"):
        propose(pd.DataFrame({1: [1.0], "1": [2.0]}))
    with pytest.raises(DataError, match="is empty"):
        propose(pd.DataFrame({"a": []}))


def test_no_name_is_no_choice_of_targets() -> None:
    assert not propose(cars(), []).named
    assert roles(propose(cars(), [])) == roles(propose(cars()))


def test_names_may_be_no_words() -> None:
    frame = pd.DataFrame(RANDOM.normal(size=(50, 3)))
    assert [entry.name for entry in propose(frame).entries] == ["0", "1", "2"]


@pytest.mark.skipif(not DATA.exists(), reason="needs the real tables beside the repository")
@pytest.mark.parametrize(
    ("table", "targets", "excluded"),
    [
        ("wine-quality/wine.csv.gz", ["quality", "colour"], []),
        ("energy-efficiency/enb.csv.gz", ["Y1", "Y2"], []),
        ("adult/adult.csv.gz", ["income"], ["fnlwgt"]),
        ("yeast/yeast.csv.gz", [f"Class{place}" for place in range(1, 15)], []),
        ("hillstrom-email/hillstrom.csv.gz", ["visit", "conversion", "spend"], []),
    ],
)
def test_real_tables(table: str, targets: list[str], excluded: list[str]) -> None:
    proposal = propose(read_table(DATA / table))
    assert [entry.name for entry in proposal.of("target")] == targets
    assert [entry.name for entry in proposal.of("exclude")] == excluded
    assert [entry.name for entry in proposal.of("split")] == ["split"]


@pytest.mark.skipif(not DATA.exists(), reason="needs the real tables beside the repository")
def test_give_aways_of_a_real_table() -> None:
    frame = read_table(DATA / "adult/adult.csv.gz")
    proposal = propose(frame, ["education", "marital_status"])
    comments = {entry.name: entry.comment for entry in proposal.entries}
    assert "education_num gives education away" in comments["education_num"]
    assert "settle marital_status for their rows" in comments["relationship"]
    assert [entry.name for entry in proposal.of("exclude")] == ["fnlwgt", "education_num"]


def test_an_option_can_be_left_out_of_all_columns() -> None:
    found = propose(cars(), ["price", "kind"]).without("format")
    assert found.settings["inputs"]["built"] == "date"
    assert found.settings["tasks"] == propose(cars(), ["price", "kind"]).settings["tasks"]
