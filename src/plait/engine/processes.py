"""Several processes: what a step of them needs, and what plait cannot do in them yet."""

from __future__ import annotations

import gc
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from plait.balancing.base import Balancer, BilevelBalancer, LossBalancer
from plait.balancing.contract.info import Info
from plait.balancing.contract.problem import Problem
from plait.core.errors import ConfigError, UnsupportedError
from plait.core.outputs import Losses
from plait.core.shards import is_shard
from plait.distributed import Ranks, ranks
from plait.engine.given import one_for_each
from plait.engine.memory import Memory
from plait.engine.options import Options
from plait.engine.replicas import Replicas
from plait.engine.shards import check_known, check_shards
from plait.engine.wholes import Counts, Whole, wholes_of
from plait.networks.walk import learning


def counts_of(
    batches: Sequence[Mapping[str, Tensor]], counts: Any, problem: Problem | None = None
) -> Counts | None:
    """Returns the label counts behind the losses of each independent batch; None in one process.

    Args:
        batches: `{task: loss}` of each.
        counts: as the caller gives them; by default those of the losses, else 1 for each loss.
        problem: of a bilevel method, whose validation losses count as those of a further batch.

    Raises:
        ConfigError: they are not numbers by task for each batch.
    """
    if ranks().alone:
        return None
    names: list[Collection[str]] = [*batches] if problem is None else [*batches, problem.tasks]
    given = one_for_each("counts", counts, len(names), "label counts")
    if counts is None:
        given = [each.counts if isinstance(each, Losses) else None for each in names]
    if not all(each is None or isinstance(each, Mapping) for each in given):
        raise ConfigError(
            "`counts` must be the labels behind each loss, `{task: n}`, and a list of them where "
            f"`losses` are one; found {counts!r}."
        )
    return [
        [dict.fromkeys(tasks, 1.0) if n is None else {t: float(n[t]) for t in tasks if t in n}]
        for tasks, n in zip(names, given, strict=True)
    ]


def replicas_of(
    balancer: Balancer,
    options: Options,
    memory: Memory,
    model: nn.Module | None,
    counts: Counts | None,
    wholes: Sequence[Whole] | None = None,
) -> Replicas | None:
    """Returns the `Replicas` of a step; None in one process, in a microsecond.

    Args:
        balancer: the method.
        options: of `plait.Backward`.
        memory: what lives across steps.
        model: whose parameters are trained.
        counts: of labels, for each independent batch those of each micro-batch of this process.
        wholes: the batches as all processes have them, where that is known.

    Raises:
        ConfigError: there are several processes, and no model or no label counts.
        UnsupportedError: the method or an option does not go with several processes yet, or a
            wrapper of torch would add the gradients up as well.
    """
    here = ranks()
    if here.alone:
        return None
    _check_route(options, here)
    if model is None:
        raise ConfigError(
            f"{here.size} processes have to know the model, for one without labels of a task does "
            "not see its head in any graph. Give `model=`."
        )
    if counts is None:
        raise ConfigError(
            f"a step of several micro-batches in {here.size} processes needs the labels of each of "
            "them. Give `start(counts=[[{task: n}, ...]])`, for each independent batch a list."
        )
    parameters = learning(model)
    if memory.wrappers is None:
        check_known(parameters)  # or it was sharded after `Backward` was made
    _check_wrappers(memory, parameters)
    memory.names = memory.names or list(balancer.tasks)
    counts = [*counts, *([] for _ in range(len(counts), balancer.batches))]
    wholes = wholes or wholes_of(here, memory.names, counts)
    return Replicas(here, memory.names, counts, wholes, parameters, memory.met, memory.terms)


def informed(info: Info | None, replicas: Replicas | None) -> Info:
    """Returns the facts of a step, with the tasks of all processes."""
    if replicas is None:
        return info or Info()
    return replace(info or Info(), tasks=replicas.tasks[0])


def check_processes(balancer: Balancer, options: Options, model: nn.Module | None) -> None:
    """Refuses what several processes cannot do yet; one can do everything.

    It learns which parameters of the model are sharded, if any.

    Raises:
        UnsupportedError: an option is of one process alone, or does not go with a sharded model.
    """
    _check_route(options, ranks())
    if model is not None:
        check_shards(model)
        check_sharded(list(model.parameters()), balancer, options)


def _check_route(options: Options, here: Ranks) -> None:
    if here.size > 1 and options.route == "layers":
        raise UnsupportedError(
            f"route='layers' sees the examples of one process alone; found {here.size} processes. "
            "Use route='auto', which forms rows."
        )


def way_of(balancer: Balancer, options: Options) -> str:
    """Returns the way in which several processes take a step; "" if they cannot.

    Returns:
        "one pass" of the weighted sum, "rows" of which each task has one, "features", at which a
        matrix `[T, T]` is added up, or "ahead", with the whole gradient summed for each that the
        method takes at other parameters.
    """
    if options.route == "layers":
        return ""
    if isinstance(balancer, BilevelBalancer):
        return "ahead"
    if isinstance(balancer, LossBalancer):
        return "one pass"
    return "features" if options.at == "features" else "rows"


def check_sharded(parameters: Sequence[Tensor], balancer: Balancer, options: Options) -> None:
    """Refuses what sharded parameters cannot do.

    Raises:
        UnsupportedError: the method looks ahead; an option differentiates several tasks in one
            pass.
    """
    if not any(map(is_shard, parameters)):
        return
    if isinstance(balancer, BilevelBalancer):
        raise UnsupportedError(
            f"{type(balancer).__name__} looks ahead to the losses at other parameters than the "
            "model's, which FSDP2 would not gather. Train with whole parameters in each process "
            "(parallel='replicate'), or take a method that is not bilevel."
        )
    if options.chunk_size > 1 or options.route == "labels":
        raise UnsupportedError(
            "sharded parameters get the gradient of one task after the other; found chunk_size="
            f"{options.chunk_size}, route={options.route!r}. Leave both at their defaults."
        )


def _check_wrappers(memory: Memory, parameters: Sequence[Tensor]) -> None:
    """Refuses a wrapper that has a parameter and would synchronise.

    Cost: the first step looks at every object that the garbage collector knows, some 0.1 seconds.
    """
    if memory.wrappers is None:
        wanted = set(map(id, parameters))
        found = [
            each for each in gc.get_objects() if issubclass(type(each), DistributedDataParallel)
        ]
        memory.wrappers = [
            each for each in found if not wanted.isdisjoint(map(id, each.module.parameters()))
        ]
    if any(each.require_backward_grad_sync for each in memory.wrappers):
        raise UnsupportedError(
            "the model is wrapped in DistributedDataParallel, which never sees the backward passes "
            "of single tasks: their gradients would stay those of one process, and the replicas "
            "would drift apart without a word. plait adds them up itself: run forward pass and "
            "plait.backward inside `with model.no_sync():`, or leave the wrapper out."
        )
