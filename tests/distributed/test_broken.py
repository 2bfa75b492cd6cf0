"""A batch that is not finite in one process alone; half precision in several."""

from pathlib import Path

import pytest
import torch

from plait.balancing import BilevelBalancer, LossBalancer
from plait.balancing.bases.in_turn import InTurnBalancer
from tests.balancing.promises import METHODS, method
from tests.distributed.broken import half, raising, skipping
from tests.distributed.group import Group
from tests.training.problem import events

FEW = ["Equal", "FAMO", "GradNorm", "UPGrad", "AutoLambda"]
REST = [
    name
    for name in METHODS
    if name not in FEW and method(name)().batches < 3  # or steps are fewer than bad ones
]
SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in REST]
SUMS = (LossBalancer, BilevelBalancer)  # whose gradients are of several tasks
SAID = {
    "inputs": "the loss of task 'size' is nan, the loss of task 'odd' is nan; nothing was changed",
    "loss": "the loss of task 'size' is inf; nothing was changed",
    "gradient": "the gradient of task 'size",
}


@pytest.mark.parametrize("kind", SAID)
@pytest.mark.parametrize("name", [*FEW, *SLOW])
def test_all_skip_the_step_of_a_bad_part(two: Group, name: str, kind: str) -> None:
    first, second = two(skipping, name, kind)
    assert first["skipped"] == second["skipped"]
    steps = [step for step, _ in first["skipped"]]
    apart = method(name)().batches == 2  # so that steps are half as many
    if apart:
        assert steps == [2, 4]
    elif kind == "gradient" and issubclass(method(name), InTurnBalancer):
        assert steps == [3], "the task is not in turn in step 7"
    else:
        assert steps == [3, 7]
    said = SAID[kind]
    if kind == "gradient" and issubclass(method(name), BilevelBalancer):
        said = "the losses or gradients of task 'size', 'odd' are not finite after the step ahead"
    assert all(said in text for _, text in first["skipped"])
    for found in (first, second):
        assert not found["changed"], "weights, statistics, balancer, optimizer"
        assert found["counted"] == (4 if apart else 8, len(steps), len(steps))
        both = kind == "inputs" or (kind == "gradient" and issubclass(method(name), SUMS))
        blamed = ("size", "odd") if both else ("size",)  # a sum of tasks blames both
        assert found["by task"] == dict.fromkeys(blamed, len(steps))
    for key, value in first["model"].items():
        assert torch.equal(value, second["model"][key])
        assert value.isfinite().all()


@pytest.mark.parametrize("options", [{}, {"accumulate": 2}, {"at": "features"}])
def test_training_goes_on_as_that_of_one_process(two: Group, options: dict[str, object]) -> None:
    wanted = skipping("UPGrad", "loss", normed=False, **options)
    for found in two(mean_free, options):
        assert found["skipped"] == wanted["skipped"]
        assert found["by task"] == wanted["by task"]
        for key, value in wanted["model"].items():
            torch.testing.assert_close(found["model"][key], value, rtol=0, atol=1e-6)


def mean_free(options: dict[str, object]) -> dict[str, object]:
    return skipping("UPGrad", "loss", normed=False, **options)


def test_the_log_tells_the_task(two: Group, tmp_path: Path) -> None:
    two(skipping, "UPGrad", "gradient", str(tmp_path / "run"))
    lines = [each for each in events(tmp_path / "run") if each["event"] == "step"]
    assert [each["step"] for each in lines if "skipped" in each] == [3, 7]
    assert all("'size'" in each["skipped"] for each in lines if "skipped" in each)


@pytest.mark.parametrize("kind", SAID)
def test_all_raise_the_same_error(two: Group, kind: str) -> None:
    first, second = two(raising, kind)
    assert first == second
    assert first.startswith("step 3: ")
    assert SAID[kind] in first
    named = "In the part of process 1 (from 0), the inputs of batch 3 of epoch 1 are not finite"
    assert (named in first) == (kind == "inputs")


@pytest.mark.parametrize("name", ["Equal", "UncertaintyWeights", "UPGrad", "GradDrop"])
def test_half_precision(two: Group, name: str) -> None:
    """bfloat16 keeps 8 bits: an entry of a gradient is rounded by 2^-9 of itself.

    One process rounds the sum over a batch, two round each its part, and so each update differs by
    some 2^-8 of it; 2^-5 of the longest way leaves room for what later steps make of it.
    """
    start, wanted, dtypes = half(name, "bf16")
    assert dtypes == {"torch.bfloat16"}
    (_, first, here), (_, second, there) = two(half, name, "bf16")
    assert here == there == dtypes
    full = half(name, "fp32")[1]
    assert any(not torch.equal(full[key], value) for key, value in wanted.items())
    way = max(float((wanted[key] - start[key]).abs().max()) for key in wanted)
    for key, value in wanted.items():
        assert torch.equal(first[key], second[key])
        torch.testing.assert_close(first[key], value, rtol=0, atol=way / 32)
