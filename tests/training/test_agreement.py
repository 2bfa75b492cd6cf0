"""Which differences between two set-ups are refused, and how they are named."""

from pathlib import Path
from typing import Any

import pytest

from plait.core.errors import CheckpointError
from plait.training.agreement import (
    MOST_NAMED,
    OBEYED,
    check_agreement,
    check_position,
    differences,
)

OPTIONS: dict[str, Any] = {
    "lr": 0.1,
    "epochs": 2,
    "scheduler": "OneCycleLR",
    "balancer": {"class": "CAGrad", "c": 0.4, "tasks": ["a", "b"]},
}


def about(**changed: Any) -> dict[str, Any]:
    return {"options": {**OPTIONS, **changed}, "scheduler": {"total_steps": 6}}


def check(saved: dict[str, Any], now: dict[str, Any]) -> None:
    check_agreement(saved, now, Path("runs/a"))


def test_equal_ones_agree() -> None:
    check(about(), about())
    check(about(lr=float("nan")), about(lr=float("nan")))
    check(about(lr=1), about(lr=1.0))


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"lr": 0.2}, r"`lr` was 0\.1 and is now 0\.2"),
        ({"lr": None}, r"`lr` was 0\.1 and is now None"),
        ({"more": 1}, "`more` was not given and is now 1"),
        (
            {"balancer": {**OPTIONS["balancer"], "c": 0.5}},
            r"`balancer\.c` was 0\.4 and is now 0\.5",
        ),
        ({"balancer": {"class": "PCGrad"}}, "`balancer` was CAGrad and is now PCGrad"),
        (
            {"balancer": {**OPTIONS["balancer"], "tasks": ["a", "c"]}},
            r"`balancer\.tasks\[1\]` was b and is now c",
        ),
        ({"scheduler": None}, "`scheduler` was OneCycleLR and is now None"),
        ({"lr": "x" * 99}, r"`lr` was 0\.1 and is now \.\.\."),
    ],
)
def test_a_difference_is_named(changed: dict[str, Any], told: str) -> None:
    with pytest.raises(CheckpointError, match=f"the run in runs/a .*{told}.* Resume it with"):
        check(about(), about(**changed))


def test_many_differences_are_counted() -> None:
    many = {f"option_{index}": index for index in range(MOST_NAMED + 3)}
    with pytest.raises(CheckpointError, match="`option_5` was not given and is now 5; and 3 more"):
        check(about(), about(**many))


@pytest.mark.parametrize("name", sorted(OBEYED))
def test_what_is_obeyed_may_differ(name: str) -> None:
    check(about(**{name: 1}), about(**{name: 2}))


def test_with_other_epochs_the_scheduler_may_be_another() -> None:
    now = {**about(epochs=3), "scheduler": {"total_steps": 9}}
    check(about(), now)
    check(about(), about(epochs=3, scheduler=None))
    with pytest.raises(CheckpointError, match=r"`scheduler\.total_steps` was 6 and is now 9"):
        check(about(), {**about(), "scheduler": {"total_steps": 9}})
    with pytest.raises(CheckpointError, match="`lr`"):
        check(about(), about(epochs=3, lr=0.2))


def test_a_plateau_is_never_another() -> None:
    """It is not replayed: the scores that it has followed are known to it alone."""
    plateau = about(scheduler="ReduceLROnPlateau")
    with pytest.raises(CheckpointError, match="`scheduler`"):
        check(plateau, about(epochs=3))
    longer = about(scheduler="ReduceLROnPlateau", epochs=3)
    with pytest.raises(CheckpointError, match=r"`scheduler\.factor`"):
        check({**plateau, "scheduler": {"factor": 1}}, {**longer, "scheduler": {"factor": 2}})


def test_the_settings_of_the_command_line_are_named_first_and_in_its_words() -> None:
    saved = {"config": {"optimizer": {"class": "SGD", "lr": 0.1}, "epochs": 2}, **about()}
    now = {"config": {"optimizer": {"class": "SGD", "lr": 0.2}, "epochs": 3}, **about(lr=0.2)}
    with pytest.raises(
        CheckpointError, match=r"options: `optimizer\.lr` was 0\.1 and is now 0\.2\."
    ):
        check(saved, now)


def test_a_run_of_the_command_line_can_go_on_in_python() -> None:
    check({"config": {"recipe": "digits"}, **about()}, about())


def test_lists_of_other_lengths_differ_as_a_whole() -> None:
    assert list(differences({"a": [1, 2]}, {"a": [1]})) == [(".a", [1, 2], [1])]


def checkpoint(epoch: int, batch: int, batches: int | None = 5) -> dict[str, Any]:
    state = {"epoch": epoch, "batch": batch}
    return {"about": {**about(), "data": {"batches": batches}}, "state": state}


def check_at(saved: dict[str, Any], epochs: int, batches: int | None = 5) -> None:
    now = {**about(epochs=epochs), "data": {"batches": batches}}
    check_position(saved, now, Path("runs/a"))


@pytest.mark.parametrize(("reached", "batch", "epochs", "least"), [(3, 0, 2, 3), (2, 4, 2, 3)])
def test_epochs_that_were_trained_stay(reached: int, batch: int, epochs: int, least: int) -> None:
    with pytest.raises(CheckpointError, match=f"must be at least {least}; found {epochs}"):
        check_at(checkpoint(reached, batch), epochs)
    check_at(checkpoint(reached, batch), least)


@pytest.mark.parametrize("batches", [4, 6, None])
def test_an_epoch_ends_with_the_batches_that_it_began_with(batches: int | None) -> None:
    with pytest.raises(CheckpointError, match=f"after batch 3 of an epoch of 5; .* has {batches}"):
        check_at(checkpoint(1, 3), 2, batches)
    check_at(checkpoint(1, 0), 2, batches)
    check_at(checkpoint(1, 3, batches), 2, batches)
