"""Sparse gradients of embeddings: as dense ones, on every route and method, or refused at once."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from plait import MultiTaskModel, Trainer
from plait.balancing import AutoLambda, Balancer, Equal, GradNorm, MoCo, PCGrad, UPGrad
from plait.core.errors import ConfigError
from plait.sharing import Hard
from plait.tasks import MultiLabel

METHODS = [Equal, PCGrad, UPGrad, GradNorm, MoCo]
OPTIONS: list[dict[str, Any]] = [
    {},
    {"clip": 0.1},
    {"accumulate": 2},
    {"measure_every": 1},
    {"route": "layers"},
    {"at": "features"},
]


class Table(nn.Module):
    def __init__(self, *, sparse: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.items, self.mix = nn.Embedding(20, 4, sparse=sparse), nn.Linear(4, 4)

    def forward(self, ids: Tensor) -> Tensor:
        return torch.relu(self.mix(self.items(ids).mean(dim=1)))


class Both(torch.optim.Optimizer):
    """SparseAdam for the tables, Adam for the rest."""

    def __init__(self, groups: Any) -> None:
        super().__init__(groups, {"lr": 0.1})
        all_of_them = [p for group in self.param_groups for p in group["params"]]
        tables = [p for p in all_of_them if p.shape == (20, 4)]
        rest = [p for p in all_of_them if p.shape != (20, 4)]
        self.inner = [torch.optim.SparseAdam(tables, lr=0.1), torch.optim.Adam(rest, lr=0.1)]

    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        for each in self.inner:
            each.step()


def trained(
    method: type[Balancer], *, sparse: bool, optimizer: Any = torch.optim.SGD, **options: Any
) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(20, (32, 3), generator=generator)
    yes = torch.rand(32, 1, generator=generator).round()
    cuts = [slice(start, start + 8) for start in range(0, 32, 8)]
    batches = [(ids[cut], {"click": yes[cut], "buy": 1 - yes[cut]}) for cut in cuts]
    tasks = [MultiLabel("click", labels=1), MultiLabel("buy", labels=1)]
    model = MultiTaskModel(Hard(Table(sparse=sparse)), tasks, example=ids[:2])
    made = {"optimizer": optimizer, "lr": 0.1, "epochs": 1, "device": "cpu", **options}
    Trainer(model, method(), **made).fit(batches)
    return {name: value.clone() for name, value in model.state_dict().items()}


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("method", METHODS)
def test_sparse_tables_train_as_dense_ones(method: type[Balancer], options: dict[str, Any]) -> None:
    if method in (Equal, MoCo, GradNorm) and {"route", "at"} & options.keys():
        pytest.skip("the method has no such route")
    found, right = (trained(method, sparse=sparse, **options) for sparse in (True, False))
    for name, value in right.items():
        torch.testing.assert_close(found[name], value, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_a_table_has_sparse_gradients_by_every_method(method: type[Balancer]) -> None:
    """SparseAdam refuses others."""
    assert all(
        value.isfinite().all()
        for value in trained(method, sparse=True, optimizer=Both, clip=1.0).values()
    )


@pytest.mark.parametrize(
    ("optimizer", "method", "options", "said"),
    [
        (torch.optim.AdamW, UPGrad, {}, "AdamW takes no sparse gradients"),
        (torch.optim.SparseAdam, Equal, {}, "SparseAdam takes sparse gradients alone"),
        (torch.optim.SGD, AutoLambda, {}, "AutoLambda looks ahead with dense gradients"),
        (torch.optim.SGD, Equal, {"weight_decay": 0.1}, "weight decay is not possible"),
    ],
)
def test_what_cannot_be_is_refused_when_the_trainer_is_made(
    optimizer: Any, method: type[Balancer], options: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        trained(method, sparse=True, optimizer=_plain(optimizer), **options)


def _plain(optimizer: Any) -> Any:
    if optimizer is not torch.optim.SparseAdam:
        return optimizer
    return lambda groups: optimizer([p for group in groups for p in group["params"]])
