"""Arguments of `plait.backward` that are not what they have to be."""

from typing import Any

import pytest
import torch
from torch import nn

from plait import Backward, backward
from plait.balancing import Equal, UPGrad
from plait.core.errors import ConfigError
from plait.engine.given import batches_of, listed, one_for_each
from tests.engine.small import losses_at, small


@pytest.mark.parametrize("method", [Equal, UPGrad])
@pytest.mark.parametrize("value", [0, 0.0, None, [], nn.Linear(1, 1)])
def test_a_loss_that_is_no_tensor_is_named(method: Any, value: Any) -> None:
    model, _ = small()
    with pytest.raises(ConfigError, match=r"loss of task 'b' must be a tensor.*Leave a task"):
        backward({**losses_at(model, torch.randn(6, 5)), "b": value}, method())
    assert all(p.grad is None for p in model.parameters())


def test_places_are_told_apart() -> None:
    model, _ = small()
    losses = losses_at(model, torch.randn(6, 5))
    with pytest.raises(ConfigError, match=r"losses come first.*`plait.backward\(losses, UPGrad"):
        backward(UPGrad(), losses)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"`balancer` must be a balancer.*found the class UPGrad"):
        backward(losses, UPGrad)  # type: ignore[arg-type]


def test_losses_without_names() -> None:
    model, _ = small()
    several = list(losses_at(model, torch.randn(6, 5)).values())
    for unnamed in (several, tuple(several), sum(several), torch.stack(several)):
        with pytest.raises(ConfigError, match=r'Name them: `plait.backward\(\{"a": loss_a'):
            backward(unnamed, UPGrad())  # type: ignore[arg-type]
        with pytest.raises(ConfigError, match="must be a dict"):
            Backward(UPGrad()).add(unnamed)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="names of tasks must be strings; found 0"):
        backward(dict(enumerate(several)), UPGrad())  # type: ignore[arg-type]


def test_batches() -> None:
    loss = torch.ones(())
    assert list(batches_of({"a": loss})) == [{"a": loss}]
    assert list(batches_of([{"a": loss}, {"b": loss}])) == [{"a": loss}, {"b": loss}]


def test_shared_parameters_may_come_from_any_iterable() -> None:
    model, _ = small()
    parameters = list(model.parameters())
    assert list(map(id, listed(iter(parameters)))) == list(map(id, parameters))
    for wrong, words in [
        (model, "Write `shared=trunk.parameters"),
        ([3], "found 3"),
        ([], "no para"),
    ]:
        with pytest.raises(ConfigError, match=words):
            listed(wrong)  # type: ignore[arg-type]


def test_labels_come_in_a_list_where_losses_do() -> None:
    masks = {"a": torch.ones(2)}

    def found(labels: Any, batches: int) -> list[Any]:
        return one_for_each("labels", labels, batches, "masks")

    assert found(None, 2) == [None, None]
    assert found(masks, 1) == found([masks], 1) == [masks]
    assert found([masks, masks], 2) == [masks, masks]
    for labels in (masks, [masks] * 3):
        with pytest.raises(ConfigError, match=r"as many as there are batches, 2; found [13]"):
            found(labels, 2)
