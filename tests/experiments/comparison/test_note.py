"""What is said of the conditions."""

from plait.experiments import validate
from plait.experiments.comparison.member import SINGLE
from plait.experiments.comparison.note import note_of
from plait.experiments.comparison.trained import MemberRuns, Trained
from tests.experiments.comparison.test_outcome import result

CONFIG = validate({"recipe": "digits", "epochs": 7, "optimizer": {"lr": 0.1}})
FINE = MemberRuns(SINGLE, {"": [Trained(result(1.0, {"kind": 0.5}))]})
TWICE = MemberRuns(SINGLE, {"": FINE.networks[""] * 2})


def test_budget_tuning_and_the_test_split_are_told() -> None:
    told = note_of(CONFIG, [FINE], [3], budget="epochs", trials=0, searched=False)
    assert told.startswith("Seed 3, one run each: 7 epochs, batch size 32")
    assert "Nothing is tuned." in told
    assert "read the test split once" in told
    assert "One seed shows no spread" in told


def test_a_search_of_rates_trials_and_time() -> None:
    told = note_of(CONFIG, [TWICE], [0, 1], budget="time", trials=0, searched=True)
    assert "the learning rate, 0.1 for all: the best of three for the plain sum" in told
    assert "not tuned without --trials" in told
    assert "the wall-clock time of the plain sum" in told
    assert "Two seeds leave intervals wide" in told
    told = note_of(CONFIG, [FINE], [0], budget="epochs", trials=8, searched=False)
    assert "the best of 8 settings of its own, the single-task ones included" in told


def test_what_failed_is_named() -> None:
    failed = MemberRuns(SINGLE, {"": [Trained(None, failed="NaN")]})
    told = note_of(CONFIG, [failed], [0], budget="epochs", trials=0, searched=False)
    assert "Without all numbers: Single-task networks; the table says why." in told
