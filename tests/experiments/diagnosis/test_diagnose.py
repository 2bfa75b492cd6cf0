"""A model of any kind is diagnosed, and stays as it is."""

from itertools import combinations
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from plait import diagnose
from plait.balancing import UPGrad
from plait.core.errors import ConfigError, DataError
from plait.model import MultiTaskModel
from plait.sharing import Hard, Separate
from plait.tasks import Regression

INPUTS = torch.randn(24, 5, generator=torch.Generator().manual_seed(0))


def model_of(count: int, *, separate: bool = False, dropout: float = 0.1) -> MultiTaskModel:
    trunk = nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Dropout(dropout))
    tasks = [Regression(f"t{i}", mean=0.0, scale=1.0) for i in range(count)]
    return MultiTaskModel(Separate(trunk) if separate else Hard(trunk), tasks, example=INPUTS)


def batches_of(count: int, *, number: int = 5, missing: float = 0.0) -> list[Any]:
    draws = torch.Generator().manual_seed(1)

    def labels() -> Tensor:
        values = torch.randn(24, generator=draws)
        return values.masked_fill(torch.rand(24, generator=draws) < missing, torch.nan)

    return [(INPUTS, {f"t{i}": labels() for i in range(count)}) for _ in range(number)]


def test_nothing_is_changed() -> None:
    model, batches = model_of(3), batches_of(3)
    model.sharing.eval()  # a part in a mode of its own, as where it is frozen
    before = {name: value.clone() for name, value in model.state_dict().items()}
    modes = [part.training for part in model.modules()]
    drawn = torch.random.get_rng_state()
    found = diagnose(model, batches, balancers={})
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert [part.training for part in model.modules()] == modes
    assert torch.equal(torch.random.get_rng_state(), drawn)
    assert all(parameter.grad is None for parameter in model.parameters())
    assert found.conflict is not None and found.batches == 5
    cosines = found.conflict.cosines
    for i, j in combinations(range(3), 2):
        assert cosines[i][j] == cosines[j][i]
        assert cosines[i][i] is None
    shared = sum(parameter.numel() for parameter in model.sharing.parameters())
    assert found.conflict.parameters == shared == found.shared[0].parameters
    assert sum(layer.parameters for layer in found.layers) == shared
    assert found.affinity is not None and found.affinity.method == "TAG"


def test_cosines_are_those_of_a_slow_loop() -> None:
    model, batches = model_of(3, dropout=0.0), batches_of(3)
    found = diagnose(model, batches, balancers={})
    shared = [p for p in model.sharing.parameters() if p.requires_grad]
    cosines: dict[tuple[int, int], list[float]] = {}
    for inputs, labels in batches:
        batch = model.train().batch(inputs, labels)
        rows = []
        for task in model.tasks:
            loss = model.losses([model(inputs)], batch)[task]
            rows.append(torch.cat([g.flatten() for g in torch.autograd.grad(loss, shared)]))
        for i, j in combinations(range(3), 2):
            cosine = nn.functional.cosine_similarity(rows[i], rows[j], dim=0)
            cosines.setdefault((i, j), []).append(float(cosine))
    assert found.conflict is not None
    for (i, j), each in cosines.items():
        mean = sum(each) / len(each)
        assert found.conflict.cosines[i][j] == pytest.approx(mean, abs=1e-3)
        assert found.conflict.rates[i][j] == sum(cosine < 0 for cosine in each) / len(each)


def test_one_task_is_said_to_be_one() -> None:
    found = diagnose(model_of(1), batches_of(1), balancers={})
    assert found.conflict is None and found.grouping is None
    assert "one task, t0" in found.sentences[0]


def test_separate_networks_share_nothing() -> None:
    found = diagnose(model_of(3, separate=True), batches_of(3), balancers={})
    assert found.conflict is None and not found.layers
    assert "share no parameter" in found.sentences[0]
    assert "share no trained parameter" in found.notes[0]


def test_many_tasks_are_grouped_by_projected_gradients() -> None:
    count = 13
    found = diagnose(model_of(count), batches_of(count, missing=0.3), balancers={})
    assert found.affinity is not None and found.affinity.method == "Grad-TAG"
    assert found.grouping is not None
    assert sorted(t for group in found.grouping.groups for t in group.tasks) == sorted(found.tasks)
    assert all(not layer.cosines for layer in found.layers)  # more than ten tasks
    assert found.conflict is not None and len(found.conflict.cosines) == count


def test_tasks_that_never_meet_and_tasks_without_labels() -> None:
    batches = [(INPUTS, {f"t{i % 2}": torch.randn(24)}) for i in range(8)]
    found = diagnose(model_of(3), batches, balancers={})
    assert found.conflict is not None and found.conflict.cosine is None
    assert "none could be compared" in found.sentences[0]
    assert any("No label in the measured batches: t2" in note for note in found.notes)
    assert found.losses["t0"].batches == 4 and found.losses["t2"].loss is None


def test_a_forecast_is_part_of_it() -> None:
    found = diagnose(model_of(2), batches_of(2), balancers={"UPGrad": UPGrad()})
    assert [each.balancer for each in found.forecast] == ["Equal", "UPGrad"]
    assert "A step of the plain sum takes" in found.sentences[-1]


def test_what_cannot_be_diagnosed_is_refused() -> None:
    unlabelled = [(INPUTS, {"t0": torch.full((24,), torch.nan)})]
    with pytest.raises(DataError, match="no batch has a label"):
        diagnose(model_of(1), unlabelled)
    with pytest.raises(ConfigError, match="MultiTaskModel"):
        diagnose(nn.Linear(2, 3), unlabelled)  # type: ignore[arg-type]
