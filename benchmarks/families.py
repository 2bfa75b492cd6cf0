"""What sharing and connections cost over the modules that they run; separate networks stacked."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

import plait.connections
import plait.sharing
from benchmarks.timing import interleaved
from plait import MultiTaskModel
from plait.connections import Connection, PenaltyConnection
from plait.core.errors import ConfigError, UnsupportedError
from plait.core.lookup import names
from plait.core.lookup import parameters as arguments_of
from plait.sharing import Separate, Sharing
from plait.tasks import MultiLabel

SECONDS = 8  # for one row
STACKED = 1.05  # of separate networks over the best of a loop and stacking
OVER = 1.10  # of a member over its modules
TASKS = ("a", "b", "c")
Step = Callable[[], None]


def mlp() -> tuple[nn.Sequential, Tensor]:
    """Three blocks of width 512 on 256 inputs, batch 256."""
    sizes = [256, 512, 512, 512]
    blocks = [
        nn.Sequential(nn.Linear(before, after), nn.ReLU()) for before, after in pairwise(sizes)
    ]
    return nn.Sequential(*blocks), torch.randn(256, 256)


def conv() -> tuple[nn.Sequential, Tensor]:
    """Three blocks of 32, 64 and 128 channels with batch normalisation on 32x32, batch 16."""
    sizes = [3, 32, 64, 128]
    blocks = [
        nn.Sequential(
            nn.Conv2d(before, after, 3, padding=1),
            nn.BatchNorm2d(after),
            nn.ReLU(),
            nn.MaxPool2d(2),
        )
        for before, after in pairwise(sizes)
    ]
    return nn.Sequential(*blocks), torch.randn(16, 3, 32, 32)


NETS = {"MLP 256-512x3": mlp, "conv 32-64-128": conv}


# --- T separate networks -----------------------------------------------------------------------


def ours(sharing: Separate, inputs: Tensor) -> Step:
    """`sharing.Separate`."""

    def step() -> None:
        features = sharing(inputs)
        torch.autograd.backward([own.levels[-1].sum() for own in features.values()])

    return step


def loop(encoders: list[nn.Module], inputs: Tensor) -> Step:
    """One encoder after the other."""

    def step() -> None:
        torch.autograd.backward([encoder(inputs).sum() for encoder in encoders])

    return step


def stacked(encoders: list[nn.Module], inputs: Tensor) -> Step:
    """All at once: the parameters stacked in each step, as an optimizer of the networks needs."""
    base = copy.deepcopy(encoders[0]).to("meta")
    buffers = {name: value.clone() for name, value in stack_module_state(encoders)[1].items()}

    def run(parameters: Any, state: Any, data: Tensor) -> Tensor:
        found: Tensor = functional_call(base, (parameters, state), (data,))
        return found

    def step() -> None:
        named = [dict(encoder.named_parameters()) for encoder in encoders]
        parameters = {name: torch.stack([each[name] for each in named]) for name in named[0]}
        outputs = vmap(run, in_dims=(0, 0, None), randomness="different")(
            parameters, buffers, inputs
        )
        torch.autograd.backward([output.sum() for output in outputs])

    return step


def separate_networks() -> bool:
    """Prints T networks on a common input by the three ways; returns whether the bound is kept."""
    kept = True
    print("Separate networks on a common input: ms a step (forward and backward)")
    for net, build in NETS.items():
        for tasks in (2, 8, 16):
            torch.manual_seed(0)
            encoder, inputs = build()
            sharing = Separate(encoder)
            sharing.setup([f"task{i}" for i in range(tasks)], inputs)
            encoders = list(sharing.networks().values())
            steps = {
                "ours": ours(sharing, inputs),
                "loop": loop(encoders, inputs),
                "stacked": stacked(encoders, inputs),
            }
            times = interleaved(steps, before=lambda: None, seconds=SECONDS)
            ratio = times["ours"] / min(times["loop"], times["stacked"])
            kept = kept and ratio <= STACKED
            row = "  ".join(f"{name} {1e3 * seconds:7.2f}" for name, seconds in times.items())
            verdict = "" if ratio <= STACKED else " MISSED"
            print(f"  {net:16} T={tasks:<3} {row}  ours / best {ratio:.2f} ({STACKED}){verdict}")
    return kept


# --- members over their modules ----------------------------------------------------------------


@contextmanager
def recording(
    model: nn.Module,
) -> Iterator[list[tuple[nn.Module, tuple[Any, ...], dict[str, Any]]]]:
    """Notes every call of a module that is inside no other one that is noted.

    Modules that only arrange others (the model, its sharing, connections and containers, whose
    forward is not called or is what is measured) are looked through.
    """
    calls: list[tuple[nn.Module, tuple[Any, ...], dict[str, Any]]] = []
    depth = [0]

    def before(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if depth[0] == 0:
            calls.append((module, args, kwargs))
        depth[0] += 1

    def after(module: nn.Module, args: Any, output: Any) -> None:
        depth[0] -= 1

    arranging = (MultiTaskModel, Sharing, Connection)
    handles = [
        handle
        for module in model.modules()
        if not isinstance(module, arranging)
        for handle in (
            module.register_forward_pre_hook(before, with_kwargs=True),
            module.register_forward_hook(after, always_call=True),
        )
    ]
    yield calls
    for handle in handles:
        handle.remove()


def modules_alone(model: MultiTaskModel, inputs: Tensor) -> Step:
    """Every module that a step runs, on what it got there, and one backward pass through all."""
    with recording(model) as calls:
        model(inputs)
    held = [(module, _held(args), _held(kwargs)) for module, args, kwargs in calls]

    def step() -> None:
        outputs = [module(*args, **kwargs) for module, args, kwargs in held]
        heads = [o for o in outputs if isinstance(o, Tensor) and o.requires_grad]
        torch.autograd.backward(heads, [torch.ones_like(o) for o in heads])

    return step


def _held(value: Any) -> Any:
    """Detaches what a module got; gradients to it are computed as in the model."""
    if isinstance(value, Tensor):
        return value.detach().requires_grad_(value.requires_grad)
    if isinstance(value, tuple | list):
        return type(value)(_held(each) for each in value)
    if isinstance(value, dict):
        return {key: _held(each) for key, each in value.items()}
    if hasattr(value, "levels"):
        levels = tuple(_held(level) for level in value.levels)
        return type(value)(levels, value.channel_dim, value.mask, value.grid)
    return value


def whole(model: MultiTaskModel, inputs: Tensor) -> Step:
    """The forward pass of the model, and one backward pass through all predictions and terms."""

    def step() -> None:
        outputs = model(inputs)
        terms = [term.scaled for term in outputs.terms.values()]
        torch.autograd.backward([out.sum() for out in outputs.values()] + terms)

    return step


def members() -> Iterator[tuple[str, Callable[[nn.Module], dict[str, Any]]]]:
    """Yields each member with the arguments of a model that has it."""
    for name in names(plait.sharing, Sharing):
        cls = getattr(plait.sharing, name)
        yield name, lambda encoder, cls=cls: {"sharing": cls(encoder)}
    for name in names(plait.connections, Connection):
        cls = getattr(plait.connections, name)
        options = {"layer_mixing": False} if "layer_mixing" in arguments_of(cls) else {}
        if not issubclass(cls, PenaltyConnection):
            yield (
                name,
                lambda encoder, cls=cls, options=options: {
                    "sharing": Separate(encoder),
                    "connections": [cls(**options)],
                },
            )


def model_of(arguments: dict[str, Any], inputs: Tensor) -> MultiTaskModel:
    """A model of three small tasks, with the arguments of a member."""
    tasks = [MultiLabel(task, labels=1) for task in TASKS]
    return MultiTaskModel(**arguments, tasks=tasks, example=inputs)


def members_over_modules() -> bool:
    """Prints the cost of each member over its modules; returns whether the bound is kept."""
    kept = True
    print("Members over the sum of the modules that they run: ms a step (forward and backward)")
    for net, build in NETS.items():
        for name, arguments in members():
            torch.manual_seed(0)
            encoder, inputs = build()
            try:
                model = model_of(arguments(encoder), inputs)
            except UnsupportedError as error:
                print(f"  {net:16} {name:18} not on this network: {str(error).split(':')[0]}")
                continue
            steps = {"member": whole(model, inputs), "modules": modules_alone(model, inputs)}
            try:
                steps["modules"]()
            except ConfigError:  # a layer that has to know for which task it runs
                print(f"  {net:16} {name:18} has modules that do not run alone")
                continue
            times = interleaved(
                steps, before=lambda m=model: m.zero_grad(set_to_none=True), seconds=SECONDS
            )
            ratio = times["member"] / times["modules"]
            kept = kept and ratio <= OVER
            row = "  ".join(f"{each} {1e3 * seconds:7.2f}" for each, seconds in times.items())
            verdict = "" if ratio <= OVER else " MISSED"
            print(f"  {net:16} {name:18} {row}  ratio {ratio:.2f} ({OVER}){verdict}")
    return kept


def main() -> bool:
    """Prints all rows and returns whether every bound is kept."""
    first = separate_networks()
    return members_over_modules() and first


if __name__ == "__main__":
    main()
