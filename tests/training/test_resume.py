"""A resumed run is the uninterrupted one, to the last bit, wherever it was stopped."""

from pathlib import Path
from typing import Any

import pytest
import torch

from plait.core.errors import CheckpointError, ConfigError, DataError
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

EVERY_STEP = [("on_step_end", count) for count in range(1, EPOCHS * STEPS + 1)]
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
    """Batch normalisation, dropout, scheduler, accumulation, and tasks absent from some steps."""
    expected = whole(tmp_path / "whole", name)
    steps = [event for event in events(tmp_path / "whole") if event["event"] == "step"]
    present = {frozenset(step["losses"]) for step in steps}
    assert len(present) > 1, "some steps must lack a task"
    for event, count in EVERY_STEP + BETWEEN:
        folder = tmp_path / f"{event}-{count}"
        assert_same_model(interrupted(folder, [(event, count)], name).model, expected.model)
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
def test_every_loader_at_every_step_of_an_epoch(kind: str, tmp_path: Path) -> None:
    expected = whole(tmp_path / "whole", "PCGrad", kind, checkpoint_every=1)
    slow = "workers" in kind
    for count in (5,) if slow else range(STEPS + 1, 2 * STEPS + 1):
        folder = tmp_path / f"{count}"
        stops = [("on_step_end", count)]
        resumed = interrupted(folder, stops, "PCGrad", kind, checkpoint_every=1)
        assert_same_model(resumed.model, expected.model)
        assert_same_run(folder, tmp_path / "whole")


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
    with pytest.raises(CheckpointError, match="balancer Equal; this run has PCGrad"):
        trainer(stopped, "PCGrad").fit(train_loader("plain"), val_loader(), resume=True)


def test_other_tasks_are_refused(stopped: Path) -> None:
    fewer = problem.model()
    del fewer.tasks["rare"]
    made = Trainer(fewer, run=stopped, device="cpu")
    with pytest.raises(CheckpointError, match=r"tasks \['kind', 'amount', 'rare'\]"):
        made.fit(train_loader("plain"), val_loader(), resume=True)


def test_another_model_is_refused(stopped: Path) -> None:
    made = Trainer(problem.model(statistics=False), run=stopped, device="cpu")
    made.scheduler = problem.scheduler(made.optimizer)
    with pytest.raises(CheckpointError, match="made for another model"):
        made.fit(train_loader("plain"), val_loader(), resume=True)


def test_no_scheduler_where_there_was_one_is_refused(stopped: Path) -> None:
    with pytest.raises(CheckpointError, match="scheduler"):
        trainer(stopped, scheduler=None).fit(train_loader("plain"), val_loader(), resume=True)


def test_another_optimizer_is_refused(stopped: Path) -> None:
    """One group for each layer, where the first run had one group."""

    def by_layer(groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
        return torch.optim.SGD([{"params": [p]} for p in groups[0]["params"]], lr=0.1)

    made = trainer(stopped, optimizer=by_layer, scheduler=problem.scheduler)
    with pytest.raises(CheckpointError, match="another optimizer"):
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
    with pytest.raises(DataError, match=r"gives . batches, but the checkpoint was made after 4"):
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
