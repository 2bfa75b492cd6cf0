"""Heads that begin at the linear model."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from plait import connections, sharing
from plait.core.columns import Column
from plait.core.keys import safe_key
from plait.data import InMemory, loader
from plait.encoders import MLPEncoder, TabularEncoder, TabularMLP
from plait.experiments.linear_start import LinearStart, start_heads
from plait.model import MultiTaskModel
from plait.tasks import BaseTask, Binary, Classification, MultiLabel, Regression, Survival
from plait.training import Trainer
from tests.encoders.tables import category, number

COLUMNS = [number("a"), number("b", missing=0.1), category("k", 3)]
GENERATOR = torch.Generator().manual_seed(0)


def table(count: int = 120) -> tuple[Tensor, dict[str, Tensor]]:
    x = torch.randn(count, 3, generator=GENERATOR)
    x[:, 2] = torch.randint(2, 5, (count,), generator=GENERATOR).float()
    noise = torch.randn(count, 4, generator=GENERATOR)
    price = 70 + 5 * x[:, :1] - 3 * x[:, 1:2] + 4 * (x[:, 2:] == 3) + noise[:, :1]
    labels = {
        "price": price,
        "kind": (x[:, 0] + 0.3 * noise[:, 1] > 0).long() + (x[:, 2] == 4).long(),
        "flags": torch.stack([x[:, 1] + noise[:, 2] > 0, x[:, 0] - noise[:, 3] > 1], 1).float(),
    }
    x[::7, 1] = math.nan
    labels["price"][:20] = math.nan
    labels["flags"][20:40, 1] = math.nan
    labels["kind"][40:60] = -100
    return x, labels


def tasks() -> list[BaseTask]:
    return [Regression("price"), Classification("kind", classes=3), MultiLabel("flags", labels=2)]


X, LABELS = table()
DATA = InMemory(X, LABELS)


def model(kind: str = "Hard", encoder: Any = None, made: Any = None) -> MultiTaskModel:
    torch.manual_seed(0)
    encoder = encoder or TabularEncoder(COLUMNS, width=8)
    mixing = {"connections": connections.CrossStitch()} if kind == "CrossStitch" else {}
    shared = getattr(sharing, "Separate" if mixing else kind)(encoder)
    return MultiTaskModel(shared, made or tasks(), example=X[:2], **mixing)


def fitted(network: MultiTaskModel) -> MultiTaskModel:
    for task in network.tasks.values():
        if isinstance(task, Regression):
            task.fit_labels(LABELS["price"])
    return network


def linear_inputs() -> np.ndarray[Any, Any]:
    z = X.nan_to_num().double().numpy()
    missing = X[:, 1:2].isnan().double().numpy()
    kinds = np.stack([X[:, 2].numpy() == code for code in (2, 3, 4)], axis=1)
    return np.concatenate([z[:, :2], missing, kinds.astype(float)], axis=1)


@pytest.mark.parametrize("kind", ["Hard", "Separate", "MMoE", "PLE", "CrossStitch"])
def test_before_the_first_step_the_network_is_ridge_and_logistic_regression(kind: str) -> None:
    from sklearn.linear_model import RidgeCV

    from plait.experiments.linear_models import ALPHAS

    network = fitted(model(kind)).eval()
    assert start_heads(network, DATA) == ["price", "kind", "flags"]
    found = network(X)
    inputs, price = linear_inputs(), LABELS["price"][:, 0].double().numpy()
    there = ~np.isnan(price)
    expected = RidgeCV(ALPHAS).fit(inputs[there], price[there]).predict(inputs)
    torch.testing.assert_close(
        found["price"][:, 0].double(), torch.from_numpy(expected), rtol=1e-3, atol=1e-2
    )
    right = found["kind"].argmax(1) == LABELS["kind"]
    assert float(right[60:].double().mean()) > 0.85
    flags = LABELS["flags"]
    agree = ((found["flags"] > 0) == (flags > 0.5))[~flags.isnan()]
    assert float(agree.double().mean()) > 0.7


@pytest.mark.parametrize("shape", [(-1,), (-1, 1)])
def test_one_yes_or_no_starts_as_one_of_several(shape: tuple[int, ...]) -> None:
    flag = LABELS["flags"][:, 1]
    found = []
    for task, labels in (
        (MultiLabel("flag", labels=1), flag.reshape(-1, 1)),
        (Binary("flag"), flag.reshape(shape)),
    ):
        network = model(made=[task]).eval()
        assert start_heads(network, InMemory(X, {"flag": labels})) == ["flag"]
        found.append(network(X)["flag"])
    assert torch.equal(*found)


def test_bounds_start_at_ridge_regression_of_the_numbers_that_they_state() -> None:
    price = LABELS["price"]
    bounds = torch.stack([price, price.where(~(price >= 75), math.inf)], dim=-1)
    found = []
    for labels, bounded in ((price, False), (bounds, True)):
        task = Regression("price", bounded=bounded)
        task.fit_labels(labels)
        network = model(made=[task]).eval()
        assert start_heads(network, InMemory(X, {"price": labels})) == ["price"]
        found.append(network(X)["price"])
    torch.testing.assert_close(*found)


def test_a_survival_starts_at_logistic_regression_in_each_interval() -> None:
    """With these labels, of who comes to the second interval: one column of yes and no."""
    yes = LABELS["flags"][:, 0]
    times = torch.where(torch.arange(len(X)) % 3 == 0, 0.5, torch.where(yes == 1, 1.5, 2.5))
    labels = torch.stack([times, torch.ones(len(X))], dim=1)
    labels[yes.isnan()] = math.nan
    network = model(made=[Survival("life", cuts=[1.0, 2.0])]).eval()
    assert start_heads(network, InMemory(X, {"life": labels})) == ["life"]
    second = torch.where(times > 1, yes, math.nan).unsqueeze(1)
    expected = model(made=[MultiLabel("life", labels=1)]).eval()
    assert start_heads(expected, InMemory(X, {"life": second})) == ["life"]
    torch.testing.assert_close(network(X)["life"][:, 1:], expected(X)["life"])


def test_the_same_rows_and_folds_are_drawn_again() -> None:
    networks = [fitted(model()) for _ in range(2)]
    for network in networks:
        start_heads(network, DATA, seed=3)
    for one, other in zip(*(network.heads.parameters() for network in networks), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("encoder", [TabularMLP(COLUMNS), MLPEncoder(in_features=3, widths=(4,))])
def test_other_encoders_are_left_alone(encoder: Any) -> None:
    network = model(encoder=encoder)
    before = [each.clone() for each in network.parameters()]
    assert start_heads(network, DATA) == []
    for one, other in zip(before, network.parameters(), strict=True):
        assert torch.equal(one, other)


def test_heads_with_hidden_layers_and_frozen_ones_are_left_alone() -> None:
    made = [Regression("price", hidden=(4,)), *tasks()[1:]]
    network = model(made=made)
    network.freeze(f"heads.{safe_key('kind')}.*")
    assert start_heads(network, DATA) == ["flags"]


def test_rows_with_infinite_inputs_do_not_count() -> None:
    x = X.clone()
    x[5, 0] = math.inf
    network = fitted(model())
    assert "price" in start_heads(network, InMemory(x, LABELS))
    assert all(bool(each.isfinite().all()) for each in network.parameters())


@pytest.mark.parametrize("count", [1, 2, 3])
def test_few_rows(count: int) -> None:
    x, labels = X[60 : 60 + count], {t: each[60 : 60 + count] for t, each in LABELS.items()}
    network = fitted(model())
    start_heads(network, InMemory(x, labels))
    assert all(bool(each.isfinite().all()) for each in network.parameters())


def test_constant_columns_and_labels() -> None:
    columns = [Column("same", "number", center=[1], scale=[1], missing=[0], edges=[[1]])]
    labels = {"price": torch.full((9, 1), 5.0), "kind": torch.ones(9, dtype=torch.long)}
    data = InMemory(torch.ones(9, 1), labels)
    encoder = TabularEncoder(columns, width=4)
    made = [Regression("price", mean=4.0, scale=2.0), Classification("kind", classes=3)]
    network = MultiTaskModel(sharing.Hard(encoder), made, example=data.inputs).eval()
    assert start_heads(network, data) == ["price", "kind"]
    found = network(data.inputs)
    torch.testing.assert_close(found["price"], labels["price"])
    assert bool((found["kind"].argmax(1) == 1).all())


def batches(shuffle: bool = False) -> Any:
    return loader(DATA, batch_size=32, shuffle=shuffle, tasks=tasks())


def trainer(lr: float, **options: Any) -> Trainer:
    network = model()
    callbacks = [LinearStart(DATA)]
    return Trainer(network, lr=lr, callbacks=callbacks, progress=False, **options)


def test_epoch_0_is_the_best_where_training_only_harms() -> None:
    training = trainer(lr=3.0, epochs=2)
    state = training.fit(batches(), batches())
    assert (state.best_epoch, state.epoch) == (0, 2)
    expected = fitted(model()).eval()
    start_heads(expected, DATA)
    for task, prediction in training.model(X).items():
        torch.testing.assert_close(prediction, expected(X)[task], rtol=1e-4, atol=1e-4)


def test_patience_counts_from_epoch_0() -> None:
    state = trainer(lr=3.0, epochs=9, patience=2).fit(batches(), batches())
    assert (state.best_epoch, state.epoch) == (0, 2)


def test_training_improves_on_it() -> None:
    state = trainer(lr=1e-2, epochs=5).fit(batches(), batches())
    assert state.best_epoch > 0


def test_a_resumed_run_ends_like_one_that_was_never_stopped(tmp_path: Any) -> None:
    whole = trainer(lr=1e-2, epochs=3)
    whole.fit(batches(), batches())
    trainer(lr=1e-2, epochs=2, run=tmp_path / "run").fit(batches(), batches())
    resumed = trainer(lr=1e-2, epochs=3, run=tmp_path / "run")
    resumed.fit(batches(), batches(), resume=True)
    for one, other in zip(whole.model.parameters(), resumed.model.parameters(), strict=True):
        assert torch.equal(one, other)
    assert whole.state.best_score == resumed.state.best_score
