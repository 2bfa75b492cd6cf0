"""Names of devices, and the context of the forward pass."""

from typing import Any

import pytest
import torch
from torch import nn

from plait.core.errors import ConfigError
from plait.training.device import autocast, pick_device


def test_names() -> None:
    assert pick_device("cpu") == torch.device("cpu")
    found = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    assert pick_device("auto") == (found or torch.device("cpu"))


@pytest.mark.gpu
def test_the_accelerator_is_found() -> None:
    assert pick_device("auto").type != "cpu"


@pytest.mark.parametrize("name", ["cup", "", "cuda:77", "cpu gpu"])
def test_a_device_that_is_not_here_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=r"`device` .* cannot be used: .* Try 'auto' or 'cpu'\."):
        pick_device(name)


@pytest.mark.parametrize(
    ("precision", "dtype"), [("fp32", torch.float32), ("bf16", torch.bfloat16)]
)
def test_precision_is_that_of_the_forward_pass(precision: Any, dtype: torch.dtype) -> None:
    layer = nn.Linear(2, 2)
    context = autocast(torch.device("cpu"), precision)
    for _ in range(2):  # one context serves all steps
        with context:
            assert layer(torch.zeros(1, 2)).dtype == dtype
    assert layer(torch.zeros(1, 2)).dtype == torch.float32


def test_another_precision_is_refused() -> None:
    with pytest.raises(ConfigError, match="'fp32' or 'bf16'; found 'fp16'"):
        autocast(torch.device("cpu"), "fp16")  # type: ignore[arg-type]
