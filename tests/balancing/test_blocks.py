"""Blocks that are checkpointed or compiled: every method takes the step that it takes without."""

import os
import shutil
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

import plait
from plait.balancing import (
    FAMO,
    MOML,
    AutoLambda,
    Balancer,
    BilevelBalancer,
    Equal,
    GradNorm,
    Info,
    PCGrad,
    UncertaintyWeights,
    UPGrad,
)
from plait.core.errors import UnsupportedError
from plait.data import InMemory, loader
from plait.model import MultiTaskModel
from plait.sharing import Hard
from plait.tasks import Binary, Regression
from plait.training import Trainer
from tests.balancing.promises import METHODS, TASKS, Run, Toy, method

COMPILER = shutil.which(os.environ.get("CXX", "g++")) or shutil.which("clang++")
INDUCTOR = pytest.mark.skipif(COMPILER is None, reason="inductor needs a C++ compiler; found none")
SEVERAL = [name for name in METHODS if issubclass(method(name), BilevelBalancer)]
FEW = {"Equal", "FAMO", "UPGrad", "GradDrop", "GradNorm", "StaleRows", "MOML"}  # a way each


class Block(nn.Module):
    """Is a module of one's own, for `compile()` leaves those of torch as they are."""

    def __init__(self, inside: nn.Module) -> None:
        super().__init__()
        self.inside = inside

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.inside(x)
        return found


class Checkpointed(Block):
    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = checkpoint(self.inside, x, use_reentrant=False)
        return found


def compiled(inside: nn.Module, backend: str = "aot_eager") -> Block:
    block = Block(inside)
    block.compile(backend=backend)
    return block


def inductor(inside: nn.Module) -> Block:
    return compiled(inside, "inductor")


Wrap = Callable[[nn.Module], nn.Module]
COMPILED = [
    *(pytest.param(n, compiled, marks=() if n in FEW else pytest.mark.slow) for n in METHODS),
    *(pytest.param(n, inductor, marks=[pytest.mark.slow, INDUCTOR]) for n in METHODS),
]


@pytest.fixture(autouse=True)
def forgotten() -> None:
    """A block that is compiled for one test is compiled anew for the next one."""
    torch.compiler.reset()


def is_compiled(block: nn.Module) -> bool:
    return "CompiledFunction" in str(block(torch.zeros(2, 4).double().requires_grad_()).grad_fn)


def states(name: str, wrap: Wrap) -> list[list[Tensor]]:
    """The gradients and the parameters of three steps."""
    run = Run(name, dtype=torch.float64)
    run.model.trunk = wrap(run.model.trunk)  # type: ignore[assignment]
    found = []
    for number in range(3):
        run.step(number)
        parameters = [*run.model.parameters(), *run.balancer.parameters()]
        found.append([each.detach().clone() for each in parameters])
        found.append([each.grad.clone() for each in parameters if each.grad is not None])
    return found


def assert_alike(found: list[list[Tensor]], wanted: list[list[Tensor]]) -> None:
    for here, there in zip(found, wanted, strict=True):
        for one, other in zip(here, there, strict=True):
            torch.testing.assert_close(one, other, rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", [name for name in METHODS if name not in SEVERAL])
def test_a_checkpoint_changes_no_step(name: str) -> None:
    assert_alike(states(name, Checkpointed), states(name, Block))


@pytest.mark.filterwarnings("ignore")  # of the compiler
@pytest.mark.parametrize(("name", "wrap"), COMPILED)
def test_a_compiled_block_changes_no_step(name: str, wrap: Wrap) -> None:
    wanted = states(name, Block)
    assert_alike(states(name, wrap), wanted)
    assert is_compiled(wrap(nn.Linear(4, 4).double()))


@pytest.mark.parametrize("name", SEVERAL)
def test_a_method_that_looks_ahead_refuses_checkpoints(name: str) -> None:
    """They would recompute at the model's own parameters, and torch would not say so."""
    with pytest.raises(UnsupportedError, match=f"{name} looks ahead .* checkpoint would recompute"):
        states(name, Checkpointed)
    assert_alike(states("Equal", Checkpointed), states("Equal", Block))


# --- options of the engine --------------------------------------------------------------------


def gradients(wrap: Wrap, make: Callable[[], Balancer], options: dict[str, Any]) -> list[Tensor]:
    """Those of two steps of two micro-batches, whose sizes differ."""
    model = Toy().double()
    trunk = model.trunk = wrap(model.trunk)  # type: ignore[assignment]
    balancer = make()
    balancer.setup(TASKS)
    run = plait.Backward(balancer, model, **options)
    found = []
    for step in range(2):
        run.start(Info(epoch=0))
        for rows in (5, 11):
            x = torch.randn(rows, 4, generator=torch.Generator().manual_seed(step)).double()
            z = trunk(x)
            losses = {t: model.heads[t.replace(".", "/")](z).square().mean() for t in TASKS}
            features = {"features": z} if options.get("at") == "features" else {}
            run.add(losses, dict.fromkeys(TASKS, rows / 16), **features)
            if options.get("at") == "features":
                break
        run.finish()
        found += [each.grad.clone() for each in model.parameters() if each.grad is not None]
    return found


@pytest.mark.filterwarnings("ignore:`chunk_size` 2 is not possible here")
@pytest.mark.parametrize("wrap", [Checkpointed, compiled])
@pytest.mark.parametrize(
    ("make", "options"),
    [
        (UPGrad, {"route": "layers"}),
        (UPGrad, {"chunk_size": 2}),
        (UPGrad, {"every": 2}),
        (PCGrad, {"head_weights": "task"}),
        (GradNorm, {}),
        (Equal, {}),
    ],
)
def test_ways_of_the_engine(wrap: Wrap, make: Any, options: dict[str, Any]) -> None:
    found, wanted = (gradients(each, make, options) for each in (wrap, Block))
    assert_alike([found], [wanted])


# --- the Trainer ------------------------------------------------------------------------------


class Encoder(nn.Module):
    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.first = nn.Linear(4, 6)
        inside = nn.Sequential(nn.Tanh(), nn.Dropout(dropout), nn.Linear(6, 5), nn.Tanh())
        self.block = Block(inside)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.block(self.first(x))
        return found


def trained(wrap: Wrap, make: Any, options: dict[str, Any], dropout: float = 0.0) -> list[Tensor]:
    """The model after two epochs, whose last batch is a smaller one."""
    torch.manual_seed(0)
    x = torch.randn(21, 4, dtype=torch.float64)
    labels = {"size": x[:, :1] - x[:, 1:2], "odd": (x.sum(dim=1, keepdim=True) > 0).double()}
    model = MultiTaskModel(
        Hard(Encoder(dropout)), [Regression("size"), Binary("odd")], example=torch.zeros(2, 4)
    ).double()
    encoder = model.sharing.encoder
    encoder.block = wrap(encoder.block.inside)
    made = Trainer(model, make(), epochs=2, lr=0.02, progress=False, device="cpu", **options)
    made.fit(loader(InMemory(x, labels), batch_size=8, shuffle=True, seed=1))
    return [each.detach() for each in model.parameters()]


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")  # which the compiler reads
@pytest.mark.parametrize(("wrap", "dropout"), [(Checkpointed, 0.2), (compiled, 0.0)])
@pytest.mark.parametrize(
    ("make", "options"),
    [
        (Equal, {}),
        (UPGrad, {"accumulate": 2, "clip": 1.0}),
        (UPGrad, {"at": "features"}),
        (FAMO, {"nonfinite": "skip"}),
        (UncertaintyWeights, {"measure_every": 1}),
    ],
)
def test_the_trainer(wrap: Wrap, dropout: float, make: Any, options: dict[str, Any]) -> None:
    """Dropout draws in the second run of a block what it drew in the first."""
    found, wanted = (trained(each, make, options, dropout) for each in (wrap, Block))
    assert_alike([found], [wanted])


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")
@pytest.mark.parametrize("make", [AutoLambda, MOML])
def test_the_trainer_refuses_checkpoints_where_a_method_looks_ahead(make: Any) -> None:
    with pytest.raises(UnsupportedError, match="looks ahead"):
        trained(Checkpointed, make, {})
    assert_alike([trained(compiled, make, {})], [trained(Block, make, {})])
