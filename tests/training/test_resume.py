"""A resumed run is the uninterrupted one, to the last bit, wherever it was stopped."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.optim.lr_scheduler import OneCycleLR

from plait.balancing import CAGrad, LossSchedule
from plait.core.errors import CheckpointError, ConfigError
from plait.training import Trainer
from tests.training import problem
from tests.training.problem import (
    BALANCERS,
    EPOCHS,
    EVERY_BALANCER,
    LOADERS,
    STEPS,
    StopAt,
    Stopped,
    assert_same_model,
    assert_same_run,
    balancer,
    events,
    saved,
    train_loader,
    trainer,
    val_loader,
)

AFTER_EACH = [("on_step_end", 2)] * (EPOCHS * STEPS - 1)  # with a checkpoint of the step before
BETWEEN = [("on_epoch_end", 1), ("on_validation_end", 2), ("on_save", 3)]


def whole(folder: Path, name: str = "Equal", loader: str = "plait", **options: Any) -> Trainer:
    made = trainer(folder, name, **options)
    made.fit(train_loader(loader), val_loader())
    return made


def interrupted(
    folder: Path,
    stops: list[tuple[str, int]],
    name: str = "Equal",
    loader: str = "plait",
    **options: Any,
) -> Trainer:
    """Trains in as many processes as there are stops, and one more: everything is made anew."""
    for position, (event, count) in enumerate(stops):
        torch.manual_seed(999 + position)  # whatever was drawn before must not matter
        made = trainer(folder, name, callbacks=[StopAt(event, count)], **options)
        with pytest.raises(Stopped):
            made.fit(train_loader(loader), val_loader(), resume=position > 0)
    torch.manual_seed(7)
    made = trainer(folder, name, **options)
    made.fit(train_loader(loader), val_loader(), resume=True)
    return made


@pytest.mark.parametrize("name", BALANCERS)
def test_each_kind_of_balancer_at_every_step(name: str, tmp_path: Path) -> None:
    """Batch normalisation, dropout, scheduler, accumulation, and tasks absent from some steps.

    One run goes on from every step, one after the other, and others from what is between steps.
    """
    options: dict[str, Any] = {"checkpoint_every": 1}
    expected = whole(tmp_path / "whole", name, **options)
    steps = [event for event in events(tmp_path / "whole") if event["event"] == "step"]
    present = {frozenset(step["losses"]) for step in steps}
    assert len(present) > 1, "some steps must lack a task"
    for stops in (AFTER_EACH, *([each] for each in BETWEEN)):
        folder = tmp_path / f"{stops}"
        assert_same_model(interrupted(folder, stops, name, **options).model, expected.model)
        assert_same_run(folder, tmp_path / "whole")


@pytest.mark.parametrize("name", EVERY_BALANCER)
def test_every_balancer_inside_an_epoch(name: str, tmp_path: Path) -> None:
    """The last step of the first epoch for one that reads two batches in a step."""
    options: dict[str, Any] = {"accumulate": 1, "scheduler": None}
    expected = whole(tmp_path / "whole", name, **options)
    made = interrupted(tmp_path / "again", [("on_step_end", 2)], name, **options)
    assert_same_model(made.model, expected.model)
    assert_same_run(tmp_path / "again", tmp_path / "whole")


@pytest.mark.parametrize("kind", LOADERS)
def test_every_loader_at_every_step(kind: str, tmp_path: Path) -> None:
    expected = whole(tmp_path / "whole", "PCGrad", kind, checkpoint_every=1)
    stops = [("on_step_end", 5)] if "workers" in kind else AFTER_EACH
    resumed = interrupted(tmp_path / "again", stops, "PCGrad", kind, checkpoint_every=1)
    assert_same_model(resumed.model, expected.model)
    assert_same_run(tmp_path / "again", tmp_path / "whole")


@pytest.mark.parametrize("kind", ["plain", "own generator", "sampler with its own generator"])
def test_the_same_loader_can_be_used_again_in_one_process(kind: str, tmp_path: Path) -> None:
    expected = whole(tmp_path / "whole", loader=kind)
    again = train_loader(kind)
    first = trainer(tmp_path / "again", callbacks=[StopAt("on_step_end", 5)])
    with pytest.raises(Stopped):
        first.fit(again, val_loader())
    second = trainer(tmp_path / "again")
    second.fit(again, val_loader(), resume=True)
    assert_same_model(second.model, expected.model)
    assert_same_run(tmp_path / "again", tmp_path / "whole")


def test_a_run_that_is_stopped_again_and_again(tmp_path: Path) -> None:
    whole(tmp_path / "whole", "UncertaintyWeights")
    stops = [("on_step_end", 1), ("on_step_end", 3), ("on_validation_end", 1), ("on_step_end", 2)]
    interrupted(tmp_path / "again", stops, "UncertaintyWeights")
    assert_same_run(tmp_path / "again", tmp_path / "whole")


def test_without_checkpoints_inside_an_epoch_it_goes_on_from_the_last_epoch(
    tmp_path: Path,
) -> None:
    whole(tmp_path / "whole", checkpoint_every=None)
    for count in (1, STEPS + 2, EPOCHS * STEPS):
        folder = tmp_path / str(count)
        interrupted(folder, [("on_step_end", count)], checkpoint_every=None)
        assert_same_run(folder, tmp_path / "whole")


def test_a_finished_run_is_not_trained_further(tmp_path: Path) -> None:
    done = whole(tmp_path)
    before, log = saved(tmp_path), (tmp_path / "events.jsonl").read_bytes()
    again = trainer(tmp_path)
    state = again.fit(train_loader(), val_loader(), resume=True)
    assert state.step == EPOCHS * STEPS
    assert_same_model(again.model, done.model)
    assert not list(problem.differences(saved(tmp_path), before))
    assert (tmp_path / "events.jsonl").read_bytes() == log


def test_a_finished_run_can_be_given_more_epochs(tmp_path: Path) -> None:
    options: dict[str, Any] = {"scheduler": None}
    whole(tmp_path / "long", **options)
    whole(tmp_path / "short", **options, epochs=1)
    made = trainer(tmp_path / "short", **options)
    made.fit(train_loader(), val_loader(), resume=True)
    assert_same_run(tmp_path / "short", tmp_path / "long")


def test_lines_written_after_the_checkpoint_happen_again_once(tmp_path: Path) -> None:
    whole(tmp_path / "whole")
    made = trainer(tmp_path / "torn", callbacks=[StopAt("on_step_end", 4)], log_every=1)
    with pytest.raises(Stopped):
        made.fit(train_loader(), val_loader())
    log = tmp_path / "torn/events.jsonl"
    log.write_bytes(log.read_bytes() + b'{"event": "st')  # the machine died while it wrote
    trainer(tmp_path / "torn").fit(train_loader(), val_loader(), resume=True)
    assert events(tmp_path / "torn") == events(tmp_path / "whole")


# --- what cannot be resumed -----------------------------------------------------------------


@pytest.fixture
def stopped(tmp_path: Path) -> Path:
    made = trainer(tmp_path, callbacks=[StopAt("on_step_end", 5)])
    with pytest.raises(Stopped):
        made.fit(train_loader("plain"), val_loader())
    return tmp_path


def test_resuming_needs_a_run_folder() -> None:
    with pytest.raises(ConfigError, match="`resume` needs a run folder"):
        trainer(None).fit(train_loader(), resume=True)


def test_resuming_needs_a_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="there is no checkpoint"):
        trainer(tmp_path).fit(train_loader(), resume=True)
    assert not list(tmp_path.iterdir())


def test_another_balancer_is_refused(stopped: Path) -> None:
    with pytest.raises(CheckpointError, match="`balancer` was Equal and is now PCGrad"):
        trainer(stopped, "PCGrad").fit(train_loader("plain"), val_loader(), resume=True)


def test_other_tasks_are_refused(stopped: Path) -> None:
    fewer = problem.model()
    del fewer.tasks["rare"]
    made = problem.trainer(stopped, of=fewer)
    with pytest.raises(CheckpointError, match=r"`tasks.rare` was Regression and is now not given"):
        made.fit(train_loader("plain"), val_loader(), resume=True)


def test_another_model_is_refused(stopped: Path) -> None:
    made = problem.trainer(stopped, of=problem.model(statistics=False))
    with pytest.raises(CheckpointError, match="made for another model"):
        made.fit(train_loader("plain"), val_loader(), resume=True)


def test_no_scheduler_where_there_was_one_is_refused(stopped: Path) -> None:
    with pytest.raises(CheckpointError, match="scheduler"):
        trainer(stopped, scheduler=None).fit(train_loader("plain"), val_loader(), resume=True)


def test_another_optimizer_is_refused(stopped: Path) -> None:
    """One group for each layer, where the first run had one group."""

    def by_layer(groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
        return torch.optim.AdamW([{"params": [p]} for p in groups[0]["params"]], lr=0.01)

    made = trainer(stopped, optimizer=by_layer, scheduler=problem.scheduler)
    with pytest.raises(CheckpointError, match="`optimizer` was"):
        made.fit(train_loader("plain"), val_loader(), resume=True)


@pytest.mark.parametrize("kind", ["plain", "plait"])
def test_shorter_data_are_refused(kind: str, tmp_path: Path) -> None:
    made = trainer(tmp_path, callbacks=[StopAt("on_step_end", 3)])
    with pytest.raises(Stopped):
        made.fit(train_loader(kind), val_loader())
    short = (
        list(train_loader("plain"))[:3]
        if kind == "plain"
        else problem.loader(problem.data(5), batch_size=problem.BATCH, shuffle=True)
    )
    with pytest.raises(CheckpointError, match=r"after batch 4 of an epoch of 5; .* has [23]"):
        trainer(tmp_path).fit(short, val_loader(), resume=True)


def test_a_balancer_that_reads_no_plain_values_is_found_before_the_first_step(
    tmp_path: Path,
) -> None:
    """A state that cannot be read back would make every checkpoint worthless."""

    class Odd(type(balancer("Equal"))):  # type: ignore[misc]
        def get_extra_state(self) -> Any:
            return object()

        def set_extra_state(self, state: Any) -> None:
            raise AssertionError

    steps = StopAt("on_step_end", 1)
    made = Trainer(problem.model(), Odd(), run=tmp_path, device="cpu", callbacks=[steps])
    with pytest.raises(CheckpointError):
        made.fit(train_loader())
    assert steps.left == 1


# --- other options --------------------------------------------------------------------------


def tree(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "lr": ({"lr": 0.5}, "`lr` was 0.01 and is now 0.5"),
    "seed": ({"seed": 7}, "`seed` was 0 and is now 7"),
    "clip": ({"clip": 2.0}, "`clip` was 1.0 and is now 2.0"),
    "no clip": ({"clip": None}, "`clip` was 1.0 and is now None"),
    "weight decay": ({"weight_decay": 0.2}, "`weight_decay` was 0.1 and is now 0.2"),
    "accumulate": ({"accumulate": 3}, "`accumulate` was 2 and is now 3"),
    "precision": ({"precision": "bf16"}, "`precision` was fp32 and is now bf16"),
    "rule": ({"rule": "loss"}, "`rule` was skill and is now loss"),
    "scale": ({"scale": "paper"}, "`scale` was sum and is now paper"),
    "head_weights": ({"head_weights": "task"}, "`head_weights` was auto and is now task"),
    "schedule": ({"schedule": LossSchedule({"rare": (0.5, 1.0)})}, "`schedule` was None and is"),
    "optimizer": ({"optimizer": torch.optim.SGD}, "`optimizer` was AdamW and is now SGD"),
    "betas": (
        {"optimizer": partial(torch.optim.AdamW, betas=(0.5, 0.9))},
        r"`optimizer\[0\]\.betas\[0\]` was 0.9 and is now 0.5",
    ),
    "scheduler": ({"scheduler": None}, "`scheduler` was OneCycleLR and is now None"),
    "length": (
        {"scheduler": partial(OneCycleLR, max_lr=0.02, total_steps=9)},
        "`scheduler.total_steps` was 6 and is now 9",
    ),
    "two": ({"lr": 0.5, "seed": 7}, "`lr` was 0.01 and is now 0.5; `seed` was 0 and is now 7"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_another_option_is_named_and_nothing_touched(name: str, stopped: Path) -> None:
    options, told = REFUSED[name]
    before = tree(stopped)
    made = trainer(stopped, **options)
    with pytest.raises(CheckpointError, match=told):
        made.fit(train_loader("plain"), val_loader(), resume=True)
    assert tree(stopped) == before
    assert made.state.step == 0


def test_an_option_of_the_balancer_is_named(tmp_path: Path) -> None:
    made = Trainer(problem.model(), CAGrad(c=0.4), epochs=1, run=tmp_path, device="cpu")
    made.fit(train_loader())
    again = Trainer(problem.model(), CAGrad(c=0.5), epochs=2, run=tmp_path, device="cpu")
    with pytest.raises(CheckpointError, match=r"`balancer\.c` was 0\.4 and is now 0\.5"):
        again.fit(train_loader(), resume=True)


@pytest.mark.parametrize("change", ["weight", "frozen"])
def test_an_option_of_the_model_is_named(change: str, stopped: Path) -> None:
    other = problem.model()
    if change == "weight":
        other.tasks["kind"].weight = 3.0
    else:
        list(other.parameters())[-1].requires_grad = False
    told = {"weight": r"`tasks\.kind\.weight` was 1\.0 and is now 3\.0"}.get(change, f"`{change}` ")
    with pytest.raises(CheckpointError, match=told):
        trainer(stopped, of=other).fit(train_loader("plain"), val_loader(), resume=True)


def test_equal_numbers_of_other_types_are_the_same(tmp_path: Path) -> None:
    options: dict[str, Any] = {"scheduler": None, "weight_decay": 0}
    whole(tmp_path, **options, clip=1, epochs=1)
    made = trainer(tmp_path, **{**options, "weight_decay": 0.0}, clip=np.float64(1.0), epochs=2)
    assert made.fit(train_loader(), val_loader(), resume=True).epoch == 2


@pytest.mark.parametrize(
    "options",
    [
        {"patience": 3},
        {"measure_every": 1},
        {"log_every": 1},
        {"checkpoint_every": 1},
        {"route": "rows"},
        {"chunk_size": 2},
        {"nonfinite": "skip"},
        {"device": torch.device("cpu").type},
    ],
)
def test_what_changes_no_number_is_obeyed(options: dict[str, Any], tmp_path: Path) -> None:
    expected = whole(tmp_path / "whole", "UPGrad")
    made = trainer(tmp_path / "again", "UPGrad", callbacks=[StopAt("on_step_end", 4)])
    with pytest.raises(Stopped):
        made.fit(train_loader(), val_loader())
    again = trainer(tmp_path / "again", "UPGrad", **options)
    again.fit(train_loader(), val_loader(), resume=True)
    assert_same_model(again.model, expected.model)
    described = json.loads((tmp_path / "again/trainer.json").read_text())["options"]
    assert options.items() <= described.items()


@pytest.mark.parametrize("name", ["Equal", "UncertaintyWeights", "PCGrad", "GradNorm", "MoCo"])
@pytest.mark.parametrize("stop", ["on_train_end", "on_step_end"])
def test_training_longer_is_the_longer_training(name: str, stop: str, tmp_path: Path) -> None:
    """3 epochs, or a part of them, and then 5: to the last bit those of 5 in one go."""

    def steady(optimizer: torch.optim.Optimizer) -> Any:
        return torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)

    expected = whole(tmp_path / "whole", name, scheduler=steady, epochs=5)
    count = 1 if stop == "on_train_end" else 2 * STEPS + 2
    short = trainer(
        tmp_path / "longer", name, scheduler=steady, epochs=3, callbacks=[StopAt(stop, count)]
    )
    with pytest.raises(Stopped):
        short.fit(train_loader(), val_loader())
    made = trainer(tmp_path / "longer", name, scheduler=steady, epochs=5)
    state = made.fit(train_loader(), val_loader(), resume=True)
    assert state.epoch == 5
    assert_same_model(made.model, expected.model)
    for file in ("best.pt", "last.pt"):
        first, second = (saved(tmp_path / each, file) for each in ("whole", "longer"))
        assert not list(problem.differences(first, second))
    assert events(tmp_path / "whole") == events(tmp_path / "longer")


def test_a_longer_training_has_the_rates_of_its_length(tmp_path: Path) -> None:
    """One cycle of 2 epochs, then of 4: from the third epoch on those of the cycle of 4."""

    def cycle(epochs: int) -> Any:
        return partial(OneCycleLR, max_lr=0.02, total_steps=epochs * STEPS)

    whole(tmp_path / "whole", scheduler=cycle(4), epochs=4)
    whole(tmp_path / "longer", scheduler=cycle(2), epochs=2)
    made = trainer(tmp_path / "longer", scheduler=cycle(4), epochs=4)
    made.fit(train_loader(), val_loader(), resume=True)
    rates = [
        [each["lr"] for each in events(tmp_path / run) if each["event"] == "step"]
        for run in ("whole", "longer")
    ]
    assert rates[0][2 * STEPS :] == rates[1][2 * STEPS :]
    assert rates[0][: 2 * STEPS] != rates[1][: 2 * STEPS]


def test_a_scheduler_that_ends_before_the_longer_training_is_refused(tmp_path: Path) -> None:
    whole(tmp_path)
    before = tree(tmp_path)
    made = trainer(tmp_path, epochs=3)
    with pytest.raises(ConfigError, match=r"3 epochs x 3 = 9; found total_steps=6"):
        made.fit(train_loader(), val_loader(), resume=True)
    assert tree(tmp_path) == before


@pytest.mark.parametrize("stop", range(1, 4 * STEPS))
def test_a_plateau_is_found_where_the_whole_run_finds_it(stop: int, tmp_path: Path) -> None:
    def plateau(optimizer: torch.optim.Optimizer) -> Any:
        return torch.optim.lr_scheduler.ReduceLROnPlateau(
            optimizer, mode="max", patience=0, threshold=1.0, threshold_mode="abs"
        )

    options = {"scheduler": plateau, "epochs": 4, "checkpoint_every": 1}
    expected = whole(tmp_path / "whole", **options)
    assert expected.optimizer.param_groups[0]["lr"] < 0.01
    made = trainer(tmp_path / "again", callbacks=[StopAt("on_step_end", stop)], **options)
    with pytest.raises(Stopped):
        made.fit(train_loader(), val_loader())
    trainer(tmp_path / "again", **options).fit(train_loader(), val_loader(), resume=True)
    assert_same_run(tmp_path / "whole", tmp_path / "again")


def test_fewer_epochs_than_were_trained_are_refused(tmp_path: Path) -> None:
    whole(tmp_path)
    before = tree(tmp_path)
    with pytest.raises(CheckpointError, match="trained for 2 epochs; `epochs` must be at least 2"):
        trainer(tmp_path, epochs=1).fit(train_loader(), val_loader(), resume=True)
    assert tree(tmp_path) == before


@pytest.mark.parametrize("name", EVERY_BALANCER)
def test_training_changes_no_option(name: str, tmp_path: Path) -> None:
    """Else the same objects, in a notebook, could not go on with their run."""
    method, net = balancer(name), problem.model()

    def made(epochs: int) -> Trainer:
        return Trainer(net, method, device="cpu", run=tmp_path, epochs=epochs)

    made(1).fit(train_loader(), val_loader())
    assert made(2).fit(train_loader(), val_loader(), resume=True).epoch == 2
